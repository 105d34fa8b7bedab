using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Registry;

/// <summary>A folder of our own with copies of targets, to be linked, renamed and written to. Removed when disposed.</summary>
internal sealed class PrivateFolder : IDisposable
{
    internal PrivateFolder()
    {
        Path = Directory.CreateTempSubdirectory("uprobes-registry-").FullName;
        Run("chmod", "755", Path);
    }

    internal string Path { get; }

    internal string At(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Copies a target of tests/targets; gives the copy's path.</summary>
    internal string Copy(string target, string? name = null)
    {
        string copy = At(name ?? target);
        File.Copy(Targets.Path(target), copy);
        return copy;
    }

    /// <summary>Starts a program of this folder that speaks as the targets do.</summary>
    internal TargetProcess Start(string name)
    {
        TargetProcess process = TargetProcess.Start(At(name));
        try
        {
            process.WaitForLine("ready ");
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Runs a tool to its end.</summary>
    internal static void Run(string tool, params string[] arguments)
    {
        using TargetProcess process = TargetProcess.Start(Require.Program(tool), arguments); // The runtime's Process leaves descriptors open.
        ExitStatus exit = process.WaitForExit();
        Assert.True(exit == new ExitStatus(0, null), $"{tool} {string.Join(' ', arguments)}: {exit} {process.Errors}");
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
