using Uprobes.Channels;
using Uprobes.Images;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Torture;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Calls followed to their returns: by thunks in place of return addresses, and by breakpoints, with the same results.</summary>
public sealed class CallTests(ITestOutputHelper output) : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData("returns", "depth 500", "down")]
    [InlineData("returns", "sites 20", "work", "sites")]
    [InlineData("returns", "fork 5", "forks", "work")]
    [InlineData("returns", "vfork 5", "vforks", "work")]
    [InlineData("throw", "go 30")]
    [InlineData("throw", "deep 30")]
    [InlineData("throw", "again 30")]
    [InlineData("throw", "nested 30")]
    [InlineData("throw", "library 30")]
    [InlineData("jumps", "long 30")]
    [InlineData("jumps", "signal 30")]
    [InlineData("jumps", "context 30")]
    [InlineData("jumps", "go 30")]
    [InlineData("tail", "go 30")]
    [InlineData("cancel", "both 6")]
    [InlineData("cancel", "move 6")]
    public void Calls_are_the_same_by_thunks_and_by_breakpoints(string target, string command, params string[] functions)
    {
        if (functions.Length == 0)
            functions = Functions(target);
        // These return addresses or process ids.
        bool isSame = target is not ("cancel" or "jumps") && !command.Contains("fork", StringComparison.Ordinal);
        string bare = Run(target, command, functions, null, out _, out _);
        string trapped = Run(target, command, functions, ProbeEngine.Trap, out string[] byTrap, out _);
        string patched = Run(target, command, functions, ProbeEngine.Auto, out string[] byThunk, out int inline);
        output.WriteLine($"{inline} of {functions.Length} inline: {string.Join(' ', byThunk)}");
        Assert.Equal(bare, trapped);
        Assert.Equal(bare, patched);
        Assert.NotEqual(0, inline);
        Assert.Equal(isSame ? byTrap : byTrap.Select(WithoutSum), isSame ? byThunk : byThunk.Select(WithoutSum));
    }

    private static string WithoutSum(string counts) => counts[..counts.LastIndexOf('/')];

    private static string[] Functions(string target)
    {
        using ElfImage image = ElfImage.Open(Targets.Path(target));
        return [.. image.Functions.All.Where(f => f.Size > 0 && !f.Name.StartsWith('_') && !f.Name.StartsWith("fn_", StringComparison.Ordinal) && f.Name != "main"
            && !f.Name.EndsWith("_tm_clones", StringComparison.Ordinal) && f.Name != "frame_dummy").DistinctBy(f => f.Offset).Select(f => f.Name)];
    }

    private static string Run(string name, string command, string[] functions, ProbeEngine? engine, out string[] counts, out int inline)
    {
        (counts, inline) = ([], 0);
        using TargetProcess target = TargetProcess.StartTarget(name);
        if (engine is null)
            return target.Ask(command);
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { Engine = engine.Value });
        using IQueryRun run = ((IQueryHost)session).Run(InlineKit.Calls(), [.. functions.Select(f => ProbePoint.At(name, f))], null);
        Assert.Empty(run.Refusals);
        inline = session.InlineSites;
        string answer = target.Ask(command);
        MapSnapshot entries = run.Snapshot(0), returns = run.Snapshot(1), arguments = run.Snapshot(2);
        counts = [.. functions.Select((f, i) => $"{f}:{entries.OfProbe(i)?.Count ?? 0}/{returns.OfProbe(i)?.Count ?? 0}/{arguments.OfProbe(i)?.Sum ?? 0:x}")];
        return answer;
    }
}
