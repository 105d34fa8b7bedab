using System.Diagnostics;

namespace Uprobes.LiveTests.Life;

/// <summary>A .NET process that uses the library and may be killed.</summary>
internal sealed class HostProcess : IDisposable
{
    private HostProcess(Process process) => Process = process;

    internal Process Process { get; }

    internal static HostProcess Start(params string[] arguments)
    {
        string assembly = Path.Combine(AppContext.BaseDirectory, "Uprobes.LiveTests.Host.dll");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardInput = true };
        foreach (string argument in (string[])["exec", assembly, .. arguments])
            start.ArgumentList.Add(argument);
        return new HostProcess(Process.Start(start)!);
    }

    /// <summary>Reads the line <c>WORD NUMBER</c>.</summary>
    internal int ReadNumber(string word) => int.Parse(ReadLine(word), provider: null);

    /// <summary>Reads the line <c>WORD REST</c>; returns the rest.</summary>
    internal string ReadLine(string word)
    {
        string? line = Process.StandardOutput.ReadLine();
        Assert.NotNull(line);
        Assert.StartsWith(word + " ", line, StringComparison.Ordinal);
        return line[(word.Length + 1)..];
    }

    /// <summary>Waits until it has killed itself. False if it came to its end instead.</summary>
    internal bool AwaitKill()
    {
        string output = Process.StandardOutput.ReadToEnd();
        bool isKilled = output.Length == 0;
        Process.WaitForExit();
        Assert.True(Process.ExitCode == (isKilled ? 128 + 9 : 0), $"exit code {Process.ExitCode}: {output}");
        return isKilled;
    }

    /// <summary>Ends it by SIGKILL.</summary>
    internal void Kill() => Process.Kill();

    public void Dispose()
    {
        if (!Process.HasExited)
            Process.Kill();
        Process.WaitForExit();
        Process.Dispose();
    }
}
