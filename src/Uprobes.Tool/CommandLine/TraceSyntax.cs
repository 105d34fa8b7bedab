using System.CommandLine;
using Uprobes.Tool.Commands;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of trace.</summary>
internal sealed class TraceSyntax
{
    private readonly ProbingOptions _probing = new();
    private readonly CallOptions _calls = new();
    private readonly Option<bool> _returns = new("-r", "--returns") { Description = "Show return values and how long calls took; a line appears when the call returns" };

    /// <summary>Builds the command.</summary>
    /// <param name="run">What runs it.</param>
    /// <param name="trailingCommand">The words after <c>--</c>, or null.</param>
    public Command Build(Func<TraceRequest, int> run, IReadOnlyList<string>? trailingCommand)
    {
        var command = new Command("trace", HelpTexts.TraceDescription);
        _probing.AddTo(command);
        command.Add(_returns);
        _calls.AddTo(command);
        command.SetAction(parsed => run(Read(parsed, trailingCommand)));
        return command;
    }

    private TraceRequest Read(ParseResult parsed, IReadOnlyList<string>? trailingCommand)
    {
        var request = _calls.Read(parsed, parsed.GetValue(_returns), _probing.Condition(parsed), () => _probing.Read(parsed, trailingCommand));
        if (request.Query.WithReturns)
            ProbingOptions.RefuseInside(request.Probing, "leave out the offset, or -r and what --where wants to know of the return");
        return request;
    }
}
