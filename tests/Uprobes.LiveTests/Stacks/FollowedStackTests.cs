using Uprobes.Images;
using Uprobes.LiveTests.Kit;
using Uprobes.Programs;
using Uprobes.Registry;
using Uprobes.Stacks;

namespace Uprobes.LiveTests.Stacks;

/// <summary>Stacks at the entry and at the return of a function while all calls of the program are followed, compared with gdb's of a run without probes.</summary>
[TestLimit(120)]
public sealed class FollowedStackTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public static TheoryData<string, string, ProbeEngine> Shapes
    {
        get
        {
            TheoryData<string, string, ProbeEngine> shapes = [];
            foreach (ProbeEngine engine in (ProbeEngine[])[ProbeEngine.Inline, ProbeEngine.Trap])
            {
                foreach (string command in (string[])["plain", "aligned", "deep 50", "qsort", "twalk", "raise", "interrupt", "thread", "throw", "methods"])
                    shapes.Add("stacks", command, engine);
                shapes.Add("stacks-static", "qsort", engine);
                shapes.Add("stacks-static", "throw", engine);
            }

            return shapes;
        }
    }

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Stacks_are_those_that_gdb_shows_while_every_call_is_followed(string target, string command, ProbeEngine engine)
    {
        string path = Targets.Path(target);
        List<GdbFrame> expected = Gdb.Frames("mark", path, command.Split(' '));
        StackCollector collector = new(StackCapture.MostBytes);
        Statement send = Assert.Single(collector.Group.Entry.Body);
        ProbeProgram follow = new([new FollowCall([])], []), nothing = new([], []);
        using ElfImage image = ElfImage.Open(path);
        // The functions that are called on the way: what is before main has returned its last time already, or never will.
        string[] functions = [.. expected.Skip(1).TakeWhile(f => f.Name != "main").Select(f => f.Name.Replace(".cold", "", StringComparison.Ordinal)).Where(n => image.Functions.Named(n).Any()).Distinct()];
        Assert.NotEmpty(functions);
        using TargetProcess process = TargetProcess.StartTarget(target);
        using UprobeSession session = UprobeSession.Attach(process.Pid, new SessionOptions { Engine = engine });
        ProgramGroup group = collector.Group with
        {
            OfProbes =
            [
                new(new ProbeProgram([new FollowCall([]), send], []), new ProbeProgram([send], [])),
                .. functions.Select(_ => new ProbePrograms(follow, nothing)),
            ],
        };
        using IQueryRun run = ((IQueryHost)session).Run(group, [ProbePoint.At(path, "mark"), .. functions.Select(f => ProbePoint.At(path, f))], collector);
        Assert.Empty(run.Refusals);
        using StackReader reader = new(session);
        reader.Look(process.Pid);
        process.Ask(command.Contains(' ', StringComparison.Ordinal) ? command : command + " 3");
        StackCollector.Sample entry = collector.Next(), back = collector.Next();
        reader.Look(process.Pid);
        process.Quit();
        StackTests.AssertEqual(expected, Resolve(entry, isAtEntry: true), target);
        StackTests.AssertEqual(expected[1..], Resolve(back, isAtEntry: false), target, isExact: false);

        StackFrame[] Resolve(StackCollector.Sample sample, bool isAtEntry)
        {
            (StackFrame[] frames, StackEnd end) = StackCollector.Resolve(sample, process.Pid, reader, isAtEntry);
            Assert.Equal(StackEnd.Outermost, end);
            return frames;
        }
    }
}
