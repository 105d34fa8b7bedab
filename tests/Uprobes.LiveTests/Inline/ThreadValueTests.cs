using System.Collections.Concurrent;
using System.Text;
using Uprobes.Channels;
using Uprobes.LiveTests.Kit;
using Uprobes.Programs;

namespace Uprobes.LiveTests.Inline;

/// <summary>What programs know of the thread that hits them, and copies of its memory.</summary>
[TestLimit(60)]
public sealed class ThreadValueTests : IDisposable
{
    private const int StackRegister = 4, Copied = 8192;
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData(ProbeEngine.Inline)]
    [InlineData(ProbeEngine.Trap)]
    public void A_program_sends_the_threads_name_its_processor_and_its_stack(ProbeEngine engine)
    {
        using TargetProcess target = TargetProcess.Start("/usr/bin/taskset", "-c", "1", Targets.Path("threads"));
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { Engine = engine });
        ProgramGroup group = new()
        {
            Entry = new ProbeProgram(
                [
                    new Emit(0,
                    [
                        new ThreadName(), new Builtin(BuiltinKind.Processor), new Load(new RegisterValue(StackRegister), DataType.U64),
                        new LoadBytes(new RegisterValue(StackRegister), new Constant(Copied, DataType.U64), Copied),
                    ]),
                ],
                []),
            Events = [new EventDefinition("e", [DataType.Text(16), DataType.U32, DataType.U64, DataType.Text(Copied)])],
        };
        Received events = new();
        using IQueryRun run = ((IQueryHost)session).Run(group, [ProbePoint.At("threads", "work")], events);
        target.Ask("go 2 10");
        run.Stop();
        Assert.Equal(20, events.All.Count);
        Assert.Equal(0, run.Losses.FailedReads);
        foreach ((string name, long processor, ulong top, byte[] stack) in events.All)
        {
            Assert.Equal(("threads", 1), (name, processor));
            Assert.InRange(stack.Length, 16, Copied);
            Assert.Equal(top, BitConverter.ToUInt64(stack));
        }
    }

    private sealed class Received : IQueryEvents
    {
        internal ConcurrentBag<(string Name, long Processor, ulong Top, byte[] Stack)> All { get; } = [];

        public void Accept(EventRecord record, long timestamp, int processId) =>
            All.Add((Encoding.ASCII.GetString(record.Text(0)), record.Integer(1), (ulong)record.Integer(2), record.Text(3).ToArray()));

        public void Complete(Exception? error) => Assert.Null(error);
    }
}
