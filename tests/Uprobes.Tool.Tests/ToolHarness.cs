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
