using System.Diagnostics;
using System.Globalization;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Torture;

/// <summary>
/// A program of the machine as a private copy with private copies of its libraries, and one deterministic run of it. Nobody else
/// maps these files, so the kernel's probes on them count this run alone, and can hurt nobody. Runs differ in nothing that
/// the program can see: same environment, same arguments, addresses not randomised.
/// </summary>
internal sealed class PrivateProgram : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("uprobes-torture-");

    /// <summary>Apart from what the program sees: python lists its script's folder.</summary>
    private readonly DirectoryInfo results;
    private readonly string arguments;
    private readonly string environment;
    private int runs;

    /// <summary>Copies a program and its libraries.</summary>
    /// <param name="program">Path of the program.</param>
    /// <param name="libraries">Paths of the libraries to copy, by the names that the loader looks for.</param>
    /// <param name="arguments">As a shell would read them; <c>{script}</c> stands for the script's copy.</param>
    /// <param name="script">The text to run.</param>
    /// <param name="environment">More variables, as <c>NAME=VALUE NAME=VALUE</c>.</param>
    public PrivateProgram(string program, IReadOnlyList<string> libraries, string arguments, string script, string environment = "")
    {
        results = folder.CreateSubdirectory("results");
        Program = Copy(program);
        Libraries = [.. libraries.Select(Copy)];
        string path = System.IO.Path.Combine(folder.FullName, "script");
        File.WriteAllText(path, script);
        this.arguments = arguments.Replace("{script}", path, StringComparison.Ordinal);
        this.environment = environment;
    }

    public string Program { get; }

    public IReadOnlyList<string> Libraries { get; }

    /// <summary>The program and its libraries.</summary>
    public IEnumerable<string> Files => [Program, .. Libraries];

    /// <summary>A shell command that becomes the run, with a number by which its output is found.</summary>
    public (string Command, int Run) NextRun()
    {
        int run = runs++;
        return ($"exec setarch -R env -i PATH=/usr/bin:/bin LC_ALL=C LD_LIBRARY_PATH={folder.FullName} {environment} {Program} {arguments}"
            + $" </dev/null >{PathOf($"out{run}")} 2>{PathOf($"err{run}")}", run);
    }

    /// <summary>What a run that has ended wrote and returned.</summary>
    public RunResult ResultOf(int run, int exitCode) => new(exitCode, ReadAll($"out{run}"), ReadAll($"err{run}"));

    /// <summary>Runs it without probes.</summary>
    public RunResult RunBare()
    {
        (string command, int run) = NextRun();
        using Process process = Process.Start(new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", command } })!;
        process.WaitForExit();
        return ResultOf(run, process.ExitCode);
    }

    /// <summary>Runs it under the kernel's uprobes and gives the hits of each point, or the returns of each function. Skips the test where they cannot be had.</summary>
    public (RunResult Result, IReadOnlyList<long> Counts) RunUnderKernel(IReadOnlyList<(string File, ulong Offset)> points, bool withReturns = false)
    {
        Require.Root();
        File.WriteAllLines(PathOf("points"), points.Select(p => $"{p.Offset.ToString("x", CultureInfo.InvariantCulture)} {p.File}"));
        (string command, int run) = NextRun();
        string[] arguments = [.. withReturns ? (string[])["-r"] : [], PathOf("points"), PathOf("counts"), "/bin/sh", "-c", command];
        using Process process = Process.Start(new ProcessStartInfo(Targets.Path("kcount"), arguments) { RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.SkipWhen(errors.StartsWith("kcount: ", StringComparison.Ordinal), $"needs the kernel's uprobes: {errors.Trim()}");
        return (ResultOf(run, process.ExitCode), [.. File.ReadAllLines(PathOf("counts")).Select(line => long.Parse(line, CultureInfo.InvariantCulture))]);
    }

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>Each byte as a character, so that whatever it is can be compared.</summary>
    private string ReadAll(string name) => File.ReadAllText(PathOf(name), System.Text.Encoding.Latin1);

    private string PathOf(string name) => System.IO.Path.Combine(results.FullName, name);

    private string Copy(string path)
    {
        string copy = System.IO.Path.Combine(folder.FullName, System.IO.Path.GetFileName(path));
        File.Copy(Require.InstalledFile(path), copy);
        return copy;
    }
}

/// <summary>What a program did that others can see.</summary>
internal sealed record RunResult(int ExitCode, string Output, string Errors);
