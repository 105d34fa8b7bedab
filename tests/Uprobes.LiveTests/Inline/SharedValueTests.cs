using Uprobes.Channels;
using Uprobes.LiveTests.Kit;
using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Probes of one group that do different things, with values that one leaves for another.</summary>
[TestLimit(120)]
public sealed class SharedValueTests : IDisposable
{
    private const int Last = 0, Limit = 1, Right = 2, Wrong = 3;
    private static readonly Expression Thread = new Builtin(BuiltinKind.ThreadId), Zero = new Constant(0, DataType.U8);
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData(ProbeEngine.Inline, false)]
    [InlineData(ProbeEngine.Auto, true)]
    [InlineData(ProbeEngine.Trap, false)]
    public void What_one_probe_sets_another_reads_whatever_they_are_armed_with(ProbeEngine engine, bool isMixed)
    {
        using Hitters target = new(threads: 4);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid, new SessionOptions { Engine = engine });
        using ProbeRegistration? breakpoint = isMixed ? session.Register(Hitters.At("hit_short"), new ProbeHandlers { Pre = _ => { } }) : null;
        using IQueryRun run = ((IQueryHost)session).Run(Question(), [Hitters.At("hit_long"), Hitters.At("hit_short"), Hitters.At("hit_short")], null);
        Assert.Empty(run.Refusals);
        Assert.Equal(engine switch { ProbeEngine.Trap => 0, ProbeEngine.Inline => 2, _ => 1 }, session.InlineSites);
        long made = target.Window(20);
        Assert.Equal((made, 0, 0), (Count(run, Right, 1), Count(run, Wrong, 1), Count(run, Right, 2)));

        // What the reader sets is seen by all, and what it takes out is gone.
        run.Set(Limit, ZeroKey, 1);
        made += target.Window(20);
        run.Delete(Limit, ZeroKey);
        made += target.Window(20);
        long returns = Count(run, Right, 2);
        Assert.NotEqual(0, returns);
        made += target.Window(20);
        Assert.Equal((made, 0, returns), (Count(run, Right, 1), Count(run, Wrong, 1), Count(run, Right, 2)));
        target.AssertRight();
    }

    [Theory]
    [InlineData(ProbeEngine.Inline, false)]
    [InlineData(ProbeEngine.Auto, true)]
    [InlineData(ProbeEngine.Trap, false)]
    public void What_is_aggregated_at_one_probe_is_read_at_another_and_nothing_of_it_is_lost(ProbeEngine engine, bool isMixed)
    {
        const int Sum = 0, Seen = 1, Unseen = 2;
        ProgramGroup group = new()
        {
            Entry = Program(),
            OfProbes =
            [
                new(Program(InWindow(new Programs.Aggregate(Sum, [Zero], new Constant(2, DataType.U64)))), null),
                new(
                    Program(InWindow(new If(
                        new Binary(BinaryOperator.Equal, new Binary(BinaryOperator.And, new MapCell(Sum, [Zero], 0), new Constant(1, DataType.U64)), new Constant(0, DataType.U64)),
                        [new If(new MapCell(Sum, [Zero], 1), [new Programs.Aggregate(Seen, [], null)], [new Programs.Aggregate(Unseen, [], null)])],
                        [new Programs.Aggregate(Unseen, [], null)])), InWindow(new Programs.Aggregate(Sum, [Zero], new Constant(4, DataType.U64)))),
                    null),
            ],
            Maps =
            [
                new MapDefinition("sum", AggregateKind.Average, DataType.U64, [DataType.U8], 16) { IsRead = true },
                new MapDefinition("seen", AggregateKind.Count, DataType.U64, [], 1),
                new MapDefinition("unseen", AggregateKind.Count, DataType.U64, [], 1),
            ],
        };
        using Hitters target = new(threads: 4);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid, new SessionOptions { Engine = engine });
        using ProbeRegistration? breakpoint = isMixed ? session.Register(Hitters.At("hit_short"), new ProbeHandlers { Pre = _ => { } }) : null;
        using IQueryRun run = ((IQueryHost)session).Run(group, [Hitters.At("hit_long"), Hitters.At("hit_short")], null);
        Assert.Empty(run.Refusals);
        long made = target.Window(50);
        AggregateValue sum = Assert.Single(run.Snapshot(Sum).Rows).Value;
        Assert.Equal((made * 6, made * 2), ((long)sum.Sum, (long)sum.Count));
        Assert.Equal((made, 0), (Count(run, Seen, 1), Count(run, Unseen, 1)));
        run.Delete(Sum, ZeroKey);
        Assert.Empty(run.Snapshot(Sum).Rows);
        made = target.Window(10);
        Assert.Equal(made * 6, (long)Assert.Single(run.Snapshot(Sum).Rows).Value.Sum);
        target.AssertRight();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Values_stay_while_libraries_come_and_go(bool isMixed)
    {
        using TargetProcess target = TargetProcess.StartTarget("dl");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        string library = Path.Combine(Path.GetDirectoryName(Targets.Path("dl"))!, "libplug.so");
        using ProbeRegistration? breakpoint = isMixed ? session.Register(ProbePoint.At(library, "plug_work"), new ProbeHandlers { Pre = _ => { } }) : null;
        ProgramGroup group = Question() with
        {
            Entry = Program(new Programs.Aggregate(Last, [Thread], new Binary(BinaryOperator.Add, new MapValue(Last, [Thread], DataType.U64), new Constant(1, DataType.U64)))),
            OfProbes = [],
        };
        using IQueryRun run = ((IQueryHost)session).Run(group, [ProbePoint.At(library, "plug_work"), ProbePoint.At(library, "plug_fast")], null);
        target.Ask("cycle 3");
        Assert.Equal(6, Value(run));
        target.Ask("open");
        run.Set(Last, new MapKey(MapKey.NoProbe, [DataType.U32], [(ulong)target.Pid]), 100);
        target.Ask("call 1");
        target.Ask("close");
        target.Ask("cycle 1");
        Assert.Equal(104, Value(run));

        static long Value(IQueryRun run) => (long)Assert.Single(run.Snapshot(Last).Rows).Value.Value;
    }

    private static MapKey ZeroKey => new(MapKey.NoProbe, [DataType.U8], [0]);

    /// <summary>
    /// The first probe keeps a thread's second argument, the second looks whether it has the same, in rounds with a first argument that is
    /// not 0. The third counts returns while there is a limit.
    /// </summary>
    private static ProgramGroup Question() => new()
    {
        Entry = Program(),
        OfProbes =
        [
            new(Program(InWindow(new Programs.Aggregate(Last, [Thread], new Argument(1)))), null),
            new(
                Program(InWindow(new If(
                    new Binary(BinaryOperator.Equal, new MapValue(Last, [Thread], DataType.U64), new Argument(1)),
                    [new Programs.Aggregate(Right, [], null)],
                    [new Programs.Aggregate(Wrong, [], null)]))),
                null),
            new(
                Program(new FollowCall([])),
                Program(new If(new MapContains(Limit, [Zero]), [new Programs.Aggregate(Right, [], null)], []))),
        ],
        Maps =
        [
            new MapDefinition("last", AggregateKind.Value, DataType.U64, [DataType.U32], 64),
            new MapDefinition("limit", AggregateKind.Value, DataType.U64, [DataType.U8], 16),
            new MapDefinition("right", AggregateKind.Count, DataType.U64, [], 1),
            new MapDefinition("wrong", AggregateKind.Count, DataType.U64, [], 1),
        ],
    };

    private static If InWindow(Statement statement) => new(new Argument(0), [statement], []);

    private static ProbeProgram Program(params Statement[] body) => new(body, []);

    private static long Count(IQueryRun run, int map, int probe) => (long)(run.Snapshot(map).OfProbe(probe)?.Count ?? 0);
}
