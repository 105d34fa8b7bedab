using System.CommandLine;
using System.Globalization;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of top.</summary>
internal sealed class TopSyntax
{
    private const int DefaultRows = 20;
    private readonly ProbingOptions _probing = new();

    private readonly Option<int> _rows = new("-n", "--rows") { Description = "Show so many functions; JSON has all", HelpName = "N", DefaultValueFactory = _ => DefaultRows };

    private readonly Option<double?> _interval = new("-i", "--interval") { Description = "Make the table anew at this interval; 1 without it", HelpName = "SECONDS" };

    private readonly Option<string> _sort = new("-s", "--sort") { Description = "What comes first: the most calls, or the most time", HelpName = "calls|time", DefaultValueFactory = _ => "calls" };

    /// <summary>Builds the command.</summary>
    /// <param name="run">What runs it.</param>
    /// <param name="trailingCommand">The words after <c>--</c>, or null.</param>
    public Command Build(Func<TopRequest, int> run, IReadOnlyList<string>? trailingCommand)
    {
        var command = new Command("top", HelpTexts.TopDescription);
        _sort.AcceptOnlyFromAmong("calls", "time");
        _probing.AddTo(command);
        command.Add(_rows);
        command.Add(_interval);
        command.Add(_sort);
        command.SetAction(parsed => run(Read(parsed, trailingCommand)));
        return command;
    }

    private TopRequest Read(ParseResult parsed, IReadOnlyList<string>? trailingCommand)
    {
        var request = new TopRequest(_probing.Read(parsed, trailingCommand), new CallQuery(_probing.Condition(parsed), followsReturns: true))
        {
            Interval = ProbingOptions.Seconds("-i", parsed.GetValue(_interval)) ?? TimeSpan.FromSeconds(1),
            Rows = parsed.GetValue(_rows) is >= 1 and var rows
                ? rows
                : throw ToolException.Usage(string.Create(CultureInfo.InvariantCulture, $"-n {parsed.GetValue(_rows)} is no number of functions"), "give 1 or more"),
            Order = parsed.GetValue(_sort) == "time" ? TopOrder.Time : TopOrder.Calls,
        };
        ProbingOptions.RefuseInside(request.Probing, "leave out the offset");
        return request;
    }
}
