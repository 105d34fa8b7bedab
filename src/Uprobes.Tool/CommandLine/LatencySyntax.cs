using System.CommandLine;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Output;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of latency.</summary>
internal sealed class LatencySyntax
{
    private readonly ProbingOptions _probing = new();
    private readonly DistributionOptions _distribution = new("0,10ms,500us");

    /// <summary>Builds the command.</summary>
    /// <param name="run">What runs it.</param>
    /// <param name="trailingCommand">The words after <c>--</c>, or null.</param>
    public Command Build(Func<DistributionRequest, int> run, IReadOnlyList<string>? trailingCommand)
    {
        var command = new Command("latency", HelpTexts.LatencyDescription);
        _probing.AddTo(command);
        _distribution.AddTo(command);
        command.SetAction(parsed => run(Read(parsed, trailingCommand)));
        return command;
    }

    private DistributionRequest Read(ParseResult parsed, IReadOnlyList<string>? trailingCommand)
    {
        var query = new CallQuery(_probing.Condition(parsed), followsReturns: true);
        var request = new DistributionRequest(
            _probing.Read(parsed, trailingCommand), AggregateQueries.Latency(query, _distribution.Steps(parsed)), new DistributionValue.Durations())
        {
            Interval = _distribution.Interval(parsed),
            Top = _distribution.Top(parsed),
        };
        ProbingOptions.RefuseInside(request.Probing, "leave out the offset");
        return request;
    }
}
