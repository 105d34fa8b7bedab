using Uprobes.Channels;
using Uprobes.LiveTests.Kit;
using Uprobes.Programs;

namespace Uprobes.LiveTests.Inline;

/// <summary>Targets that turn on what they share with the tracer (traps H8, H9): they lose their own events, and no more.</summary>
[TestLimit(300)]
public sealed class HostileTargetTests(ITestOutputHelper output) : IDisposable
{
    private const long MostBytes = 64 << 20;
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Fact]
    public void A_target_that_scribbles_over_its_channel_loses_its_events_and_no_more()
    {
        using TargetProcess target = TargetProcess.StartTarget("hostile");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Events events = new();
        using Programs programs = new(session, events);
        Assert.Equal(1, session.InlineSites);
        for (int round = 0; round < 60; round++)
        {
            Assert.Equal("4", target.Ask("scribble 2"));
            Assert.Equal("50", target.Ask("go 50"));
            programs.Look();
        }

        Assert.Null(events.Error);
        Assert.NotEqual(0, programs.Events.Losses.Other + programs.Events.Losses.Events);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal("1000", target.Ask("go 1000"));
        Assert.Equal(0, target.Quit().Code);
    }

    [Fact]
    public void A_target_that_scribbles_while_it_is_hit_costs_the_tracer_no_more_memory_than_another()
    {
        using TargetProcess target = TargetProcess.StartTarget("hostile");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Events events = new();
        using Programs programs = new(session, events);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long most = 0;
        for (int round = 0; round < 12 && !target.HasExited; round++)
        {
            target.Send("fuzz 24");
            programs.Look();
            most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
            Assert.Equal("result 0", target.WaitForLine("result ", TimeSpan.FromSeconds(60)));
            programs.Look();
        }

        output.WriteLine($"{events.Count} events, lost {programs.Events.Losses}; {most} bytes; the target has ended: {target.HasExited}");
        Assert.InRange(most, long.MinValue, MostBytes);
        Assert.Null(events.Error);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal("1000", target.Ask("go 1000"));
        Assert.Equal(0, target.Quit().Code);
    }

    [Fact]
    public void A_target_that_takes_the_pages_away_does_not_make_the_tracer_fault()
    {
        using TargetProcess target = TargetProcess.StartTarget("hostile");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Events events = new();
        using Programs programs = new(session, events);
        for (int round = 0; round < 100; round++)
        {
            Assert.Equal("100", target.Ask("go 100"));
            Assert.Equal("4", target.Ask("zeros"));
            programs.Look();
        }

        Assert.Null(events.Error);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal("1000", target.Ask("go 1000"));
        Assert.Equal(0, target.Quit().Code);
    }

    [Theory]
    [InlineData("unmap")]
    [InlineData("protect")]
    public async Task A_target_that_takes_the_memory_from_under_its_programs_hurts_itself_alone(string verb)
    {
        using TargetProcess target = TargetProcess.StartTarget("hostile");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using Programs programs = new(session, new Events());
        target.Ask("go 100");
        Assert.Equal("4", target.Ask(verb));
        target.Send("go 100");
        await session.Completion.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal(11, target.WaitForExit().Signal);
        programs.Look();
    }

    [Fact]
    public void Memory_that_was_unmapped_by_the_target_is_not_missed_at_the_removal()
    {
        using TargetProcess target = TargetProcess.StartTarget("hostile");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using Programs programs = new(session, new Events());
        target.Ask("go 100");
        target.Ask("unmap");
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal("1000", target.Ask("go 1000"));
    }

    [Fact]
    public void What_a_target_has_written_over_its_own_text_is_left_as_it_is()
    {
        using TargetProcess target = TargetProcess.StartTarget("hostile");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        List<SessionNotice> notices = [];
        session.Notice += notices.Add;
        LiveAggregate<long> count = session.Entry("hostile", "work").Count();
        Assert.Equal("7", target.Ask("own"));
        count.Dispose();
        Assert.Contains(notices, n => n.Kind == NoticeKind.SiteLost && n.ProcessId == target.Pid);
        session.Dispose();
        Assert.NotEmpty(TextComparison.Compare(target.Pid));
        target.Ask("go 3"); // Runs its own code, whatever that answers.
        Assert.Equal(0, target.Quit().Code);
    }

    /// <summary>A count, a table, events and followed calls of one function.</summary>
    private sealed class Programs : IDisposable
    {
        private readonly IQueryRun[] _runs;

        internal Programs(UprobeSession session, Events events)
        {
            _runs =
            [
                Run(session, new ProgramGroup { Entry = Program(new Aggregate(0, [], null)), Maps = [Map([])] }, null),
                Run(session, new ProgramGroup { Entry = Program(new Aggregate(0, [new Argument(0)], null)), Maps = [Map([DataType.U64])] }, null),
                Run(session, new ProgramGroup { Entry = Program(new Emit(0, [new Argument(0)])), Events = [new EventDefinition("e", [DataType.U64])] }, events),
                Run(session, new ProgramGroup { Entry = Program(new FollowCall([new Argument(0)])), Return = Program(new Aggregate(0, [], null)), Maps = [Map([])] }, null),
            ];
        }

        internal IQueryRun Events => _runs[2];

        /// <summary>Reads all that there is to read.</summary>
        internal void Look()
        {
            foreach (IQueryRun run in _runs)
            {
                _ = run.Losses;
                if (run != Events)
                    _ = run.Snapshot(0);
            }
        }

        public void Dispose()
        {
            foreach (IQueryRun run in _runs)
                run.Dispose();
        }

        private static IQueryRun Run(UprobeSession session, ProgramGroup group, IQueryEvents? events) =>
            ((IQueryHost)session).Run(group, [ProbePoint.At("hostile", "work")], events);

        private static ProbeProgram Program(Statement statement) => new([statement], []);

        private static MapDefinition Map(IReadOnlyList<DataType> keys) => new("@", AggregateKind.Count, DataType.U64, keys, keys.Count == 0 ? 1 : 1024);
    }

    private sealed class Events : IQueryEvents
    {
        private long _count;

        internal long Count => Volatile.Read(ref _count);

        internal Exception? Error { get; private set; }

        public void Accept(EventRecord record, long timestamp, int processId) => Volatile.Write(ref _count, _count + 1);

        public void Complete(Exception? error) => Error = error;
    }
}
