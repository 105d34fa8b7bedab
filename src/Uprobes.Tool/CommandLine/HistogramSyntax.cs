using System.CommandLine;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Filters;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of hist.</summary>
internal sealed class HistogramSyntax
{
    private readonly ProbingOptions _probing = new("the value whose distribution is wanted, such as arg0, retval or '(int32)*(arg1 + 8)'");
    private readonly DistributionOptions _distribution = new("0,64K,4K");

    /// <summary>Builds the command.</summary>
    /// <param name="run">What runs it.</param>
    /// <param name="trailingCommand">The words after <c>--</c>, or null.</param>
    public Command Build(Func<DistributionRequest, int> run, IReadOnlyList<string>? trailingCommand)
    {
        var command = new Command("hist", HelpTexts.HistogramDescription);
        _probing.AddTo(command);
        _distribution.AddTo(command);
        command.SetAction(parsed => run(Read(parsed, trailingCommand)));
        return command;
    }

    private DistributionRequest Read(ParseResult parsed, IReadOnlyList<string>? trailingCommand)
    {
        var value = Value(_probing.Words(parsed));
        var query = new CallQuery(_probing.Condition(parsed), value);
        var request = new DistributionRequest(
            _probing.Read(parsed, trailingCommand), AggregateQueries.Histogram(query, _distribution.Steps(parsed)), new DistributionValue.Of(value))
        {
            Interval = _distribution.Interval(parsed),
            Top = _distribution.Top(parsed),
        };
        if (query.IsReturn)
            ProbingOptions.RefuseInside(request.Probing, "leave out the offset, or what the value and --where want to know of the return");
        return request;
    }

    private static string Value(string[] words)
    {
        var last = words[^1];
        // A text in an expression may have a colon, too: str(arg0) == "a:b".
        if (SpecParser.SplitImage(last).Image is not null && !FilterExpression.IsOne(last))
            throw ToolException.Usage($"no value is given behind '{last}'", "the last word is what the distribution is of: uprobe hist -p PID libc:malloc arg0");
        return words.Length > 1
            ? last
            : throw ToolException.Usage($"no function is given, only the value '{last}'", "give functions, then the value: uprobe hist -p PID libc:malloc arg0");
    }
}
