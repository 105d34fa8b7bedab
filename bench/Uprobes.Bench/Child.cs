using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Uprobes.Bench;

/// <summary>
/// A program that is measured. The shell in between is this process's child, so that the runtime, which waits for
/// its own children, does not take the stops of a traced one.
/// </summary>
internal sealed class Child : IDisposable
{
    private readonly Process _shell;

    internal Child(params string[] command)
    {
        ProcessStartInfo start = new("/bin/sh") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (string word in (string[])["-c", "\"$@\" <&0 & echo $!; wait", "sh", .. command])
            start.ArgumentList.Add(word);
        // A background command's input is /dev/null unless it is given one: duplicate it first.
        start.ArgumentList[1] = "exec 3<&0; \"$@\" <&3 & echo $!; exec 3<&-; wait";
        _shell = Process.Start(start) ?? throw new InvalidOperationException("no shell");
        ProcessId = int.Parse(_shell.StandardOutput.ReadLine()!, System.Globalization.CultureInfo.InvariantCulture);
    }

    internal int ProcessId { get; }

    /// <summary>Sends a line and returns the answer.</summary>
    internal string Ask(string line) => TryAsk(line, out string? answer) ? answer : throw new InvalidOperationException("the measured program ended");

    /// <summary>Sends a line; false where the program has ended.</summary>
    internal bool TryAsk(string line, [NotNullWhen(true)] out string? answer)
    {
        _shell.StandardInput.WriteLine(line);
        _shell.StandardInput.Flush();
        answer = _shell.StandardOutput.ReadLine();
        return answer is not null;
    }

    /// <summary>What a program prints, run to its end.</summary>
    internal static string Output(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output.Trim();
    }

    public void Dispose()
    {
        _shell.StandardInput.Close(); // The end of its input ends the program, and that ends the shell.
        if (!_shell.WaitForExit(5_000))
            _shell.Kill(entireProcessTree: true);
        _shell.Dispose();
    }
}
