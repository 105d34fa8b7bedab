using Uprobes.Images;
using Uprobes.Images.SourceLines;
using Uprobes.LiveTests.Kit;
using Uprobes.Programs;
using Uprobes.Registry;
using Uprobes.Stacks;

namespace Uprobes.LiveTests.Stacks;

/// <summary>Stacks of code without frame pointers, captured by a program in the target and unwound by the reader, compared with gdb's.</summary>
[TestLimit(120)]
public sealed class StackTests : IDisposable
{
    private const int Capacity = StackCapture.MostBytes;
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData("stacks", "plain")]
    [InlineData("stacks", "alloca")]
    [InlineData("stacks", "aligned")]
    [InlineData("stacks", "deep 40")]
    [InlineData("stacks", "qsort")]
    [InlineData("stacks", "twalk")]
    [InlineData("stacks", "raise")]
    [InlineData("stacks", "interrupt")]
    [InlineData("stacks", "thread")]
    [InlineData("stacks", "throw")]
    [InlineData("stacks", "methods")]
    [InlineData("stacks-static", "qsort")]
    [InlineData("stacks-static", "raise")]
    [InlineData("stacks-static", "throw")]
    [InlineData("rusty", "once")]
    [InlineData("stacks-stripped", "interrupt")]
    [InlineData("stacks-stripped", "throw")]
    [InlineData("stacks-inlined", "folds")]
    [InlineData("stacks-inlined", "qsort-folded")]
    [InlineData("stacks-inlined", "raise-folded")]
    [InlineData("stacks-inlined", "interrupt-folded")]
    [InlineData("stacks-inlined", "thread")]
    [InlineData("stacks-inlined", "throw")]
    [InlineData("stacks-inlined-4", "qsort-folded")]
    [InlineData("rusty-inlined", "once")]
    public void A_stack_is_the_one_that_gdb_shows(string target, string command)
    {
        List<GdbFrame> expected = Gdb.FramesOfCall(target == "rusty-inlined" ? "rusty_inlined::mark" : "mark", Targets.Path(target), command.Split(' '));
        AssertEqual(expected, Frames(target, "mark", 0, command, ProbeEngine.Inline), target);
    }

    [Theory]
    [InlineData("inner")]
    [InlineData("dynamic")]
    [InlineData("aligned")]
    public void A_stack_within_a_function_is_the_one_that_gdb_shows(string function)
    {
        const string Command = "aligned";
        using ElfImage image = ElfImage.Open(Targets.Path("stacks"));
        FunctionSymbol symbol = Assert.Single(image.Functions.Named(function));
        foreach (ulong offset in Instructions(image, symbol))
        {
            List<GdbFrame> expected = Gdb.Frames($"(char*){function}+{offset}", Targets.Path("stacks"), Command);
            AssertEqual(expected, Frames("stacks", function, offset, Command, ProbeEngine.Trap), "stacks");
        }
    }

    [Theory]
    [InlineData("stacks-inlined")]
    [InlineData("stacks-inlined-4")]
    public void Inlined_calls_that_a_function_begins_with_are_shown_from_its_second_instruction_on(string target)
    {
        const string Command = "begins";
        List<GdbFrame> entered = Gdb.FramesOfCall("begins", Targets.Path(target), Command);
        Assert.Equal(("begins", 0UL, false), (entered[0].Name, entered[0].Offset, entered[0].IsInlined));
        AssertEqual(entered, Frames(target, "begins", 0, Command, ProbeEngine.Trap), target);
        using ElfImage image = ElfImage.Open(Targets.Path(target));
        int inlined = 0;
        foreach (string function in (string[])["begins", "contains"])
        {
            foreach (ulong offset in Instructions(image, Assert.Single(image.Functions.Named(function))))
            {
                List<GdbFrame> expected = Gdb.Frames($"(char*){function}+{offset}", Targets.Path(target), Command);
                inlined += expected.Count(frame => frame.IsInlined);
                AssertEqual(expected, Frames(target, function, offset, Command, ProbeEngine.Trap), target, isStatement: false);
            }
        }

        Assert.True(inlined > 4);
    }

    [Fact]
    public void Frames_keep_their_names_when_the_target_has_ended()
    {
        StackCollector collector = new(Capacity);
        using TargetProcess process = TargetProcess.StartTarget("stacks");
        using UprobeSession session = UprobeSession.Attach(process.Pid, new SessionOptions { Engine = ProbeEngine.Inline });
        using IQueryRun run = ((IQueryHost)session).Run(collector.Group, [ProbePoint.At(Targets.Path("stacks"), "mark")], collector);
        using StackReader reader = new(session);
        reader.Look(process.Pid);
        process.Ask("throw 3");
        process.Quit();
        reader.Look(process.Pid);
        (StackFrame[] frames, StackEnd end) = StackCollector.Resolve(collector.Next(), process.Pid, reader);
        Assert.Equal(StackEnd.Outermost, end);
        Assert.Equal(
            ["mark", "geometry::Guard::~Guard()", "geometry::thrower(long) [clone .cold]", "geometry::catcher(long)", "main"],
            frames.Take(5).Select(f => f.Function));
        Assert.All(frames.Take(5), f => Assert.Equal(Targets.Path("stacks"), f.Module));
    }

    [Fact]
    public void A_stack_deeper_than_what_was_captured_is_marked_as_cut()
    {
        (StackFrame[] frames, StackEnd end) = Resolve("stacks", "mark", 0, "deep 40", ProbeEngine.Inline, capacity: 256);
        Assert.Equal(StackEnd.Truncated, end);
        Assert.InRange(frames.Length, 3, 40);
        Assert.Equal(["mark", "deep", "deep"], frames.Take(3).Select(f => f.Function));
        (frames, end) = Resolve("stacks", "mark", 0, "deep 300", ProbeEngine.Inline);
        Assert.Equal((StackUnwinder.MostFrames, StackEnd.TooDeep), (frames.Length, end));
    }

    [Fact]
    public void Code_that_the_target_compiled_has_the_name_that_it_gave()
    {
        StackCollector collector = new(Capacity);
        using TargetProcess process = TargetProcess.StartTarget("stacks");
        using UprobeSession session = UprobeSession.Attach(process.Pid, new SessionOptions { Engine = ProbeEngine.Inline });
        using IQueryRun run = ((IQueryHost)session).Run(collector.Group, [ProbePoint.At(Targets.Path("stacks"), "mark")], collector);
        using StackReader reader = new(session);
        reader.Look(process.Pid);
        process.Ask("jit 3");
        StackCollector.Sample sample = collector.Next();
        reader.Look(process.Pid);
        process.Ask("unjit 0");
        process.Quit();
        (StackFrame[] frames, StackEnd end) = StackCollector.Resolve(sample, process.Pid, reader);
        Assert.Equal(StackEnd.Outermost, end);
        Assert.Equal(["mark", "inner", "plain", "compiled code", "jit", "main"], frames.Take(6).Select(f => f.Function));
        Assert.Equal("compiled code+6", frames[3].ToString());
    }

    [Fact]
    public void Frames_of_a_library_that_was_unmapped_keep_their_names()
    {
        StackCollector collector = new(Capacity);
        using TargetProcess process = TargetProcess.StartTarget("dl");
        string library = Path.Combine(Path.GetDirectoryName(Targets.Path("dl"))!, "libplug.so");
        using UprobeSession session = UprobeSession.Attach(process.Pid, new SessionOptions { Engine = ProbeEngine.Inline });
        using IQueryRun run = ((IQueryHost)session).Run(collector.Group, [ProbePoint.At(library, "plug_work")], collector);
        using StackReader reader = new(session);
        reader.Look(process.Pid);
        process.Ask("open");
        reader.Look(process.Pid);
        process.Ask("call 1");
        process.Ask("close");
        reader.Look(process.Pid);
        (StackFrame[] frames, StackEnd end) = StackCollector.Resolve(collector.Next(), process.Pid, reader);
        Assert.Equal(StackEnd.Outermost, end);
        Assert.Equal("plug_work+0", frames[0].ToString());
        Assert.Equal(library, frames[0].Module);
        Assert.Contains("main", frames.Select(f => f.Function));
    }

    [Fact]
    public void Stacks_of_a_program_keep_its_names_when_its_process_executes_another_one()
    {
        StackCollector collector = new(Capacity);
        using TargetProcess process = TargetProcess.StartTarget("execer-one");
        using UprobeSession session = UprobeSession.Attach(process.Pid, new SessionOptions { Engine = ProbeEngine.Inline });
        using SessionStacks stacks = new(session);
        stacks.Look(process.Pid);
        using IQueryRun run = ((IQueryHost)session).Run(collector.Group, [ProbePoint.At("libc.so.6", "getppid")], collector);
        Assert.Equal("5", process.Ask("parent 5"));
        process.Send($"path {Targets.Path("execer-two")}");
        process.WaitForLine("ready ");
        Assert.Equal("6", process.Ask("parent 6"));
        StackCollector.Sample[] samples = [collector.Next(), collector.Next()];
        // Both are read now, the later one first; both callers are at the same address.
        (string?, ulong, int) second = Caller(samples[1]), first = Caller(samples[0]);
        Assert.Equal(("called_in_one", "called_in_two"), (first.Item1, second.Item1));
        Assert.Equal(first.Item2, second.Item2);
        Assert.NotEqual(first.Item3, second.Item3);
        process.Quit();
        Assert.Equal([first, second], [Caller(samples[0]), Caller(samples[1])]);

        (string? Function, ulong Address, int Program) Caller(StackCollector.Sample sample)
        {
            Span<ulong> addresses = stackalloc ulong[StackUnwinder.MostFrames];
            StackUnwinding found = stacks.Unwind(process.Pid, sample.Timestamp, sample.At(isAtEntry: true), addresses, out int program);
            List<StackFrame> frames = [];
            stacks.Symbolize(program, addresses[..found.Count], frames);
            return (frames[1].Function, frames[1].Address, program);
        }
    }

    [Fact]
    public void Stacks_of_children_that_have_ended_are_named_by_their_parents_code()
    {
        const int Children = 3;
        StackCollector collector = new(Capacity);
        using TargetProcess process = TargetProcess.StartTarget("forker");
        using UprobeSession session = UprobeSession.Attach(process.Pid, new SessionOptions { Engine = ProbeEngine.Inline });
        using SessionStacks stacks = new(session);
        stacks.Look(process.Pid);
        using IQueryRun run = ((IQueryHost)session).Run(collector.Group, [ProbePoint.At(Targets.Path("forker"), "child_work")], collector);
        process.Ask($"fork {Children}");
        Span<ulong> addresses = stackalloc ulong[StackUnwinder.MostFrames];
        // They have exited: nothing but what is known of their parent is left of them.
        for (int i = 0; i < Children; i++)
        {
            StackCollector.Sample sample = collector.Next();
            Assert.NotEqual(process.Pid, sample.ProcessId);
            StackUnwinding found = stacks.Unwind(sample.ProcessId, sample.Timestamp, sample.At(isAtEntry: true), addresses, out int program);
            List<StackFrame> frames = [];
            stacks.Symbolize(program, addresses[..found.Count], frames);
            Assert.Equal(StackEnd.Outermost, found.End);
            Assert.Equal("child_work", frames[0].Function);
            Assert.Contains("main", frames.Select(f => f.Function));
        }
    }

    [Fact]
    public void A_library_that_is_mapped_later_is_looked_at_when_a_stack_leads_there()
    {
        StackCollector collector = new(Capacity);
        using TargetProcess process = TargetProcess.StartTarget("dl");
        string library = Path.Combine(Path.GetDirectoryName(Targets.Path("dl"))!, "libplug.so");
        using UprobeSession session = UprobeSession.Attach(process.Pid, new SessionOptions { Engine = ProbeEngine.Inline });
        using IQueryRun run = ((IQueryHost)session).Run(collector.Group, [ProbePoint.At(library, "plug_work")], collector);
        using StackReader reader = new(session);
        reader.Look(process.Pid);
        process.Ask("open");
        process.Ask("call 1");
        (StackFrame[] frames, StackEnd end) = StackCollector.Resolve(collector.Next(), process.Pid, reader);
        Assert.Equal(("plug_work+0", StackEnd.Outermost), (frames[0].ToString(), end));
        Assert.StartsWith("libplug.c:", Path.GetFileName(frames[0].Source?.ToString()), StringComparison.Ordinal);
        process.Quit();
    }

    [Fact]
    public void Calls_that_are_followed_return_to_their_callers()
    {
        StackCollector collector = new(Capacity);
        ProbeProgram follow = new([new FollowCall([])], []), nothing = new([], []);
        using TargetProcess process = TargetProcess.StartTarget("stacks");
        using UprobeSession session = UprobeSession.Attach(process.Pid, new SessionOptions { Engine = ProbeEngine.Inline });
        ProgramGroup group = collector.Group with { OfProbes = [new(collector.Group.Entry, null), new(follow, nothing), new(follow, nothing)] };
        using IQueryRun run = ((IQueryHost)session).Run(group, [At("mark"), At("held"), At("holder")], collector);
        Assert.Empty(run.Refusals);
        using StackReader reader = new(session);
        reader.Look(process.Pid);
        process.Send("hold 3");
        StackCollector.Sample sample = collector.Next();
        (StackFrame[] frames, StackEnd end) = StackCollector.Resolve(sample, process.Pid, reader);
        Assert.Equal(["mark", "held", "holder", "main"], frames.Take(4).Select(f => f.Function));
        Assert.Equal(StackEnd.Outermost, end);
        // Whoever reads it needs to know nothing of calls that are followed, and may come late.
        using StackReader ignorant = new(null);
        Assert.Equal(frames, StackCollector.Resolve(sample, process.Pid, ignorant).Frames);
        Assert.Equal("6", process.Ask("go on"));
        session.Dispose();
        using StackReader late = new(session);
        Assert.Equal(frames, StackCollector.Resolve(sample, process.Pid, late).Frames);

        static ProbePoint At(string function) => ProbePoint.At(Targets.Path("stacks"), function);
    }

    [Fact]
    public void Go_is_unwound_by_its_packed_debug_frames()
    {
        (StackFrame[] frames, _) = Resolve("gopher", "main.down", 0, "grow 3", ProbeEngine.Inline);
        Assert.Equal(["main.down", "main.main", "runtime.main", "runtime.goexit.abi0"], frames.Select(f => f.Function));
    }

    private static IEnumerable<ulong> Instructions(ElfImage image, FunctionSymbol symbol)
    {
        byte[] code = new byte[symbol.Size];
        image.Read(symbol.Offset, code);
        Iced.Intel.Decoder decoder = Iced.Intel.Decoder.Create(64, code);
        List<ulong> starts = [];
        while (decoder.IP < symbol.Size)
            starts.Add(decoder.Decode().IP);
        // Some of the beginning and of the middle; the end is reached by the same rules.
        return starts.Skip(1).Take(4).Concat(starts.Skip(starts.Count / 2).Take(2)).Distinct();
    }

    private static StackFrame[] Frames(string target, string function, ulong offset, string command, ProbeEngine engine)
    {
        (StackFrame[] frames, StackEnd end) = Resolve(target, function, offset, command, engine);
        Assert.Equal(StackEnd.Outermost, end);
        return frames;
    }

    private static (StackFrame[] Frames, StackEnd End) Resolve(
        string target, string function, ulong offset, string command, ProbeEngine engine, int capacity = Capacity)
    {
        StackCollector collector = new(capacity);
        using TargetProcess process = TargetProcess.StartTarget(target);
        using UprobeSession session = UprobeSession.Attach(process.Pid, new SessionOptions { Engine = engine });
        using IQueryRun run = ((IQueryHost)session).Run(collector.Group, [ProbePoint.At(Targets.Path(target), function, offset)], collector);
        Assert.Empty(run.Refusals);
        using StackReader reader = new(session);
        reader.Look(process.Pid);
        // What it does without an argument on its command line.
        process.Ask(command.Contains(' ', StringComparison.Ordinal) ? command : command + " 3");
        StackCollector.Sample sample = collector.Next();
        reader.Look(process.Pid);
        process.Quit();
        return StackCollector.Resolve(sample, process.Pid, reader, isAtEntry: offset == 0);
    }

    // Places in main differ: gdb has its program started with an argument, ours gets a command. Of an instruction that begins no statement gdb says another one's line.
    internal static void AssertEqual(List<GdbFrame> expected, StackFrame[] found, string target, bool isStatement = true, bool isExact = true)
    {
        string text = $"gdb:\n{string.Join('\n', expected)}\nfound:\n{string.Join('\n', found.Select(f => $"{f} {f.Source}"))}";
        Assert.True(expected.Count == found.Length, text);
        for (int i = 0; i < found.Length; i++)
        {
            Assert.True(found[i].IsSignal == (expected[i].Name == Gdb.Signal), text);
            Assert.True(found[i].IsInlined == expected[i].IsInlined, text);
            if (!found[i].IsSignal && !(found[i].IsInlined ? IsCalled(found[i], expected[i].Name) : IsNamed(found[i], isExact, expected[i])))
                Assert.Fail($"frame {i} of {target}: {expected[i]} for {found[i]}\n{text}");
            if (!found[i].IsSignal && !IsMain(found[i].RawFunction) && (isStatement || i > 0))
                Assert.True(expected[i].Source == Short(found[i].Source), $"frame {i} of {target}: {expected[i].Source} for {found[i].Source}\n{text}");
            if (!found[i].IsInlined)
                isExact = found[i].IsSignal;
        }
    }

    private static string Short(SourceLine? source) => source is null ? "" : $"{Path.GetFileName(source.File)}:{source.Line}";

    private static bool IsMain(string? name) => name == "main" || name?.StartsWith("_ZN5rusty4main", StringComparison.Ordinal) == true || name?.StartsWith("_ZN13rusty_inlined4main", StringComparison.Ordinal) == true;

    // gdb has the linker's name where there is one; otherwise it leaves parameters out.
    private static bool IsCalled(StackFrame frame, string expected) => frame.RawFunction == expected || $"{frame.RawFunction}(".StartsWith($"{expected}(", StringComparison.Ordinal);

    // One function can have several names.
    private static bool IsNamed(StackFrame frame, bool isExact, GdbFrame expected)
    {
        if (frame.RawFunction is not { } name)
            return expected.Name.StartsWith("No symbol", StringComparison.Ordinal);
        ulong offset = frame.Offset - (isExact ? 0UL : 1);
        if (expected.Name == name && IsMain(name))
            return true;
        if (expected.Offset != offset)
            return false;
        if (expected.Name == name)
            return true;
        using ElfImage image = ElfImage.Open(frame.Module!);
        HashSet<FileOffset> places = [.. image.Functions.Named(name).Select(f => f.Offset)];
        return image.Functions.All.Any(f => f.Name == expected.Name && places.Contains(f.Offset));
    }
}
