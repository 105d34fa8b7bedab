using System.CommandLine;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of count.</summary>
internal sealed class CountSyntax
{
    private readonly ProbingOptions _probing = new();
    private readonly Option<bool> _all = new("--all") { Description = "Show functions that were not called, too" };

    private readonly Option<double?> _interval = new("-i", "--interval")
    {
        Description = "Print the counts so far at this interval, and go on",
        HelpName = "SECONDS",
    };

    /// <summary>Builds the command.</summary>
    /// <param name="run">What runs it.</param>
    /// <param name="trailingCommand">The words after <c>--</c>, or null.</param>
    public Command Build(Func<CountRequest, int> run, IReadOnlyList<string>? trailingCommand)
    {
        var command = new Command("count", HelpTexts.CountDescription);
        _probing.AddTo(command);
        command.Add(_interval);
        command.Add(_all);
        command.SetAction(parsed => run(Read(parsed, trailingCommand)));
        return command;
    }

    private CountRequest Read(ParseResult parsed, IReadOnlyList<string>? trailingCommand)
    {
        var request = new CountRequest(_probing.Read(parsed, trailingCommand), new CallQuery(_probing.Condition(parsed)))
        {
            Interval = ProbingOptions.Seconds("-i", parsed.GetValue(_interval)),
            All = parsed.GetValue(_all),
        };
        if (request.Query.IsReturn)
            ProbingOptions.RefuseInside(request.Probing, "leave out the offset, or what --where wants to know of the return");
        return request;
    }
}
