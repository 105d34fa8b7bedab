using System.Diagnostics;

namespace Uprobes.LiveTests.WriteGuards;

/// <summary>A child process that changes a file and then says so. Killed when disposed.</summary>
internal sealed class WriterProcess : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Process process;

    private WriterProcess(string script, string path)
    {
        var start = new ProcessStartInfo("perl") { RedirectStandardOutput = true };
        start.ArgumentList.Add("-e");
        start.ArgumentList.Add($"$| = 1; print \"ready\\n\"; {script} or exit 1;");
        start.ArgumentList.Add(path);
        process = Process.Start(start)!;
        Assert.Equal("ready", process.StandardOutput.ReadLine());
    }

    /// <summary>Opens the file for writing, waiting for leases, and overwrites its first byte.</summary>
    internal static WriterProcess Overwriting(string path) => new("sysopen(F, $ARGV[0], 1) and syswrite(F, 'W')", path);

    /// <summary>Calls truncate(2) on the path.</summary>
    internal static WriterProcess Truncating(string path) => new("truncate($ARGV[0], 0)", path);

    /// <summary>Renames a copy over the path, as package managers do.</summary>
    internal static WriterProcess Replacing(string path) =>
        new("open(F, '>', \"$ARGV[0].new\") and syswrite(F, 'new') and rename(\"$ARGV[0].new\", $ARGV[0])", path);

    internal bool HasFinished => process.HasExited;

    /// <summary>Waits until the kernel lists this process as one that sleeps in a lease break.</summary>
    internal void WaitUntilBlocked() => Eventually.Holds(
        () => File.ReadLines("/proc/locks").Any(line => line.Contains("BREAKER", StringComparison.Ordinal)
            && line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Contains($"{process.Id}")),
        "the writer sleeps in open or truncate");

    internal void WaitForSuccess()
    {
        Assert.True(process.WaitForExit(Deadline), "the writer is still waiting");
        Assert.Equal(0, process.ExitCode);
    }

    internal void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            Kill();
        }

        process.Dispose();
    }
}
