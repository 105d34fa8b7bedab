namespace Uprobes.LiveTests.Kit;

/// <summary>The programs of tests/targets, built by its makefile.</summary>
public static class Targets
{
    /// <summary>The folder of the sources: scripts such as workload.py lie there.</summary>
    public static string SourceFolder { get; } = System.IO.Path.Combine(Checkout.Root, "tests", "targets");

    /// <summary>The folder of the built programs and libraries.</summary>
    public static string Folder { get; } = System.IO.Path.Combine(SourceFolder, "out");

    /// <summary>
    /// The path of a built target. Skips the test where this machine cannot build it (the makefile leaves the reason) and
    /// fails where it only has not been built.
    /// </summary>
    public static string Path(string name)
    {
        string path = System.IO.Path.Combine(Folder, name);
        if (File.Exists(path))
            return path;
        string reason = path + ".missing";
        if (File.Exists(reason))
            Assert.Skip($"target {name}: {File.ReadAllText(reason).Trim()}");
        Require.Program("gcc");
        Require.Program("make");
        throw new FileNotFoundException($"The target {name} is not built: run ./test, or make -C tests/targets", path);
    }

    /// <summary>The path of a script beside the sources.</summary>
    public static string Script(string name) => System.IO.Path.Combine(SourceFolder, name);
}
