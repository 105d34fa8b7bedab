using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Queries;

/// <summary>What docs/queries.md shows, run as it stands there.</summary>
public sealed class GuideTests
{
    private const string Allocator = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin:\n    kept = [b'x' * (100_000 + i) for i in range(20)]\n    print(open('/etc/hostname').readline(), flush=True)";

    [Fact]
    public async Task The_examples_of_the_guide_work()
    {
        using TargetProcess target = TargetProcess.Start(new StartOptions { Environment = new Dictionary<string, string?> { ["PYTHONMALLOC"] = "malloc" } },
            Require.Program("python3"), "-c", Allocator);
        target.WaitForLine("ready");
        int pid = target.Pid;

        using var session = UprobeSession.Attach(pid);
        using var sizes = session.Entry("libc", "malloc").Histogram(p => p.Arg(0));

        using var slow = session.Calls("libc", "read")
            .Where(c => c.DurationNanoseconds > 1_000_000 && c.SignedReturnValue > 0)
            .Select(c => new { Descriptor = (int)c.Arg(0), Bytes = c.SignedReturnValue, c.DurationNanoseconds })
            .Start();

        using var bytes = session.Entry("libc", "malloc").GroupBy(p => p.ThreadId).Sum(p => p.Arg(0));
        using var calls = session.Entry("libc", "[cm]alloc").GroupBy(p => p.Function).Count();
        using var files = session.Entry("libc", "open*").GroupBy(p => new { p.Function, Path = p.ReadString(p.Arg(0), 128) }, capacity: 10_000).Count();
        using var waits = session.Calls("libc", "read").Where(c => c.DurationNanoseconds > 1_000_000).GroupBy(c => (int)c.Arg(0)).Count();

        sizes.IsEnabled = false; // The process runs on, and its hits cost some nanoseconds.
        sizes.IsEnabled = true;

        Task<List<string>> shown = Loop(session);
        target.Send("go");
        List<string> lines = await shown;
        Assert.Equal(10, lines.Count);
        Assert.All(lines, line => Assert.StartsWith($"{{ ThreadId = {pid}, Timestamp = ", line, StringComparison.Ordinal));
        Assert.True(sizes.Value.Buckets.Single(b => b.Limit == 131072).Count >= 10);
        Assert.True(bytes.Value[pid] >= 1_000_000);
        Assert.Contains("malloc", calls.Value.Keys);
        target.WaitForLine(line => line != "ready");
        Assert.Contains(files.Value.Keys, key => key.Path == "/etc/hostname");
        target.CloseInput();
        target.WaitForExit();
        await foreach (var read in slow)
            Assert.True(read.DurationNanoseconds > 1_000_000);
        Assert.Equal(0, slow.Losses.Missing);
        Assert.All(waits.Value, wait => Assert.True(wait is { Key: >= 0, Value: > 0 }));
    }

    [Fact]
    public void The_guide_shows_what_is_tested()
    {
        string[] tested = Lines(File.ReadAllLines(Path.Combine(Checkout.Root, "tests", "Uprobes.LiveTests", "Queries", "GuideTests.cs")));
        string[] guide = File.ReadAllLines(Path.Combine(Checkout.Root, "docs", "queries.md"));
        int blocks = 0;
        for (int i = 0; i < guide.Length; i++)
        {
            if (guide[i] != "```csharp")
                continue;
            string[] block = Lines(guide[(i + 1)..Array.IndexOf(guide, "```", i + 1)]);
            blocks++;
            Assert.True(Enumerable.Range(0, tested.Length - block.Length).Any(at => tested.AsSpan(at, block.Length).SequenceEqual(block)), string.Join('\n', block));
        }

        Assert.Equal(5, blocks);
    }

    private static string[] Lines(string[] lines) => [.. lines.Select(l => l.Trim()).Where(l => l.Length > 0)];

    private static async Task<List<string>> Loop(UprobeSession session)
    {
        LineConsole Console = new();
        await foreach (var call in session.Entry("libc", "malloc")
                                          .Where(p => p.Arg(0) > 64 * 1024)
                                          .Select(p => new { p.ThreadId, p.Timestamp, Size = p.Arg(0) })
                                          .Take(10))
            Console.WriteLine(call);
        return Console.Lines;
    }

    /// <summary>Stands in for the console.</summary>
    private sealed class LineConsole
    {
        internal List<string> Lines { get; } = [];

        internal void WriteLine(object line) => Lines.Add(line.ToString()!);
    }
}
