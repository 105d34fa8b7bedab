using System.CommandLine;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Output;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of record.</summary>
internal sealed class RecordSyntax
{
    private readonly ProbingOptions _probing = new(file: "uprobe.pftrace");
    private readonly CallOptions _calls = new();
    private readonly Option<bool> _instants = new("--instants") { Description = "Record entries alone, as points in time: no durations, no return values" };

    /// <summary>Builds the command.</summary>
    /// <param name="run">What runs it.</param>
    /// <param name="trailingCommand">The words after <c>--</c>, or null.</param>
    public Command Build(Func<TraceRequest, int> run, IReadOnlyList<string>? trailingCommand)
    {
        var command = new Command("record", HelpTexts.RecordDescription);
        _probing.AddTo(command);
        command.Add(_instants);
        _calls.AddTo(command);
        command.SetAction(parsed => run(Read(parsed, trailingCommand)));
        return command;
    }

    private static ProbingRequest ToStandardOutput(ProbingRequest request) => request.OutputPath == "-" ? request with { OutputPath = null } : request;

    private TraceRequest Read(ParseResult parsed, IReadOnlyList<string>? trailingCommand)
    {
        var request = _calls.Read(parsed, withReturns: !parsed.GetValue(_instants), _probing.Condition(parsed),
            () => ToStandardOutput(_probing.Read(parsed, trailingCommand) with { Format = OutputFormat.Perfetto }));
        if (request.Query.WithReturns)
            ProbingOptions.RefuseInside(request.Probing, "give --instants, or leave out the offset");
        return request;
    }
}
