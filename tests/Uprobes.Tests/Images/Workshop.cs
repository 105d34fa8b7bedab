using System.ComponentModel;
using System.Diagnostics;

namespace Uprobes.Tests.Images;

/// <summary>A temporary folder in which a test compiles and changes files with the machine's own tools.</summary>
internal sealed class Workshop : IDisposable
{
    public Workshop() => Folder = Directory.CreateTempSubdirectory("uprobes-images-").FullName;

    public string Folder { get; }

    public string PathOf(string file) => Path.Combine(Folder, file);

    /// <summary>Runs a tool in the folder and returns its output; the test is skipped where the machine lacks the tool.</summary>
    public string Run(string tool, params string[] arguments) => RunTool(Folder, tool, arguments);

    /// <summary>As <see cref="Run"/>, in the current folder.</summary>
    public static string RunTool(string folder, string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        start.Environment["LC_ALL"] = "C";
        Process? started = null;
        try
        {
            started = Process.Start(start);
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{tool} is not installed");
        }
        using Process process = started!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{tool} {string.Join(' ', arguments)}: {error.Result}");
        return output;
    }

    /// <summary>Compiles C (or, by the file's suffix, C++ or assembly) and returns the output's path.</summary>
    public string Compile(string output, string sourceFile, string source, params string[] flags)
    {
        File.WriteAllText(PathOf(sourceFile), source);
        Run(sourceFile.EndsWith(".cc", StringComparison.Ordinal) ? "g++" : "gcc", ["-O1", "-o", output, sourceFile, .. flags]);
        return PathOf(output);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
