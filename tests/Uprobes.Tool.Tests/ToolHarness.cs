using System.Text;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>Runs a whole command line with a session of the test's own, and keeps what it wrote.</summary>
internal sealed class ToolHarness(FakeSession? session = null, IImageFinder? images = null, Stream? output = null)
{
    public TargetChoice? Target { get; private set; }

    public SessionOptions? Options { get; private set; }

    public string Output { get; private set; } = "";

    public string Error { get; private set; } = "";

    /// <summary>A run that succeeds, and ends behind these calls.</summary>
    public static ToolHarness Observe(FakeImage image, Action<FakeSession> calls, string[] arguments)
    {
        var tool = new ToolHarness(new FakeSession(image, s =>
        {
            calls(s);
            s.Complete();
        }));
        Assert.Equal(0, tool.Run(arguments));
        return tool;
    }

    /// <summary>The command line has no meaning, which is answered with what, and with a hint.</summary>
    public static void AssertRefused(string commandLine, string what)
    {
        var tool = new ToolHarness();
        Assert.Equal(ExitCode.Usage, tool.Run(commandLine.Split(' ')));
        Assert.Contains(what, tool.Error, StringComparison.Ordinal);
        Assert.Contains("\n  hint: ", tool.Error, StringComparison.Ordinal);
    }

    public int Run(params string[] arguments)
    {
        using var written = new MemoryStream();
        using var error = new MemoryStream();
        var environment = new ToolEnvironment(
            Open, _ => new ResultOutput(output ?? written, isTerminal: false), new StatusLines(error, isTerminal: false));
        var exitCode = new ToolSyntax(environment, images ?? new ImageFinder()).Run(arguments);
        (Output, Error) = (Encoding.UTF8.GetString(written.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
        return exitCode;
    }

    private FakeSession Open(TargetChoice target, SessionOptions options, Action<IDisposable> opening)
    {
        Target = target;
        Options = options;
        return session ?? throw new InvalidOperationException("The command line was not to open a session.");
    }
}
