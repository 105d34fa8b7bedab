namespace Uprobes.LiveTests.Kit;

/// <summary>The built <c>uprobe</c> command.</summary>
public static class UprobeCommand
{
    /// <summary>
    /// The program: what UPROBE_TOOL names, else the newest of what <c>./uprobe</c> has built (native where it can) and what
    /// the solution's build has.
    /// </summary>
    public static string Path { get; } = Find();

    /// <summary>Starts the command; the caller waits for its lines, signals it and disposes of it.</summary>
    public static TargetProcess Start(params string[] arguments) => TargetProcess.Start(Path, arguments);

    /// <inheritdoc cref="Start(string[])"/>
    public static TargetProcess Start(StartOptions options, params string[] arguments) => TargetProcess.Start(options, Path, arguments);

    /// <summary>Runs the command to its end.</summary>
    public static CommandResult Run(params string[] arguments) => Run(new StartOptions(), arguments);

    /// <inheritdoc cref="Run(string[])"/>
    public static CommandResult Run(StartOptions options, params string[] arguments)
    {
        using TargetProcess process = Start(options, arguments);
        process.CloseInput();
        ExitStatus exit = process.WaitForExit();
        return new(exit, process.Output, process.Errors);
    }

    /// <summary>
    /// Runs the command to its end, which has to be a success, and gives its results: by way of a file, since a program that it starts writes to the
    /// same output.
    /// </summary>
    public static string Results(params string[] arguments)
    {
        string path = System.IO.Path.GetTempFileName();
        try
        {
            CommandResult result = Run([arguments[0], "-o", path, .. arguments[1..]]);
            Assert.True(result.Exit == new ExitStatus(0, null), $"{result.Exit}: {result.Errors}");
            return File.ReadAllText(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("UPROBE_TOOL") is { Length: > 0 } named)
            return named;
        string[] built =
        [
            System.IO.Path.Combine(Checkout.Root, ".build", "uprobe", "uprobe"),
            System.IO.Path.Combine(Checkout.Root, "src", "Uprobes.Tool", "bin", "Release", "net10.0", "uprobe"),
        ];
        return built.Where(File.Exists).MaxBy(File.GetLastWriteTimeUtc)
            ?? throw new FileNotFoundException("The command is not built: run ./uprobe --version, or ./test");
    }
}
