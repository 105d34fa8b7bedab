using System.CommandLine;
using System.Globalization;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of stack.</summary>
internal sealed class StackSyntax
{
    private const int DefaultTop = 10;
    private readonly ProbingOptions _probing = new();
    private readonly StackOptions _stacks = new();

    private readonly Option<int> _top = new("-n", "--top")
    {
        Description = "Show so many stacks; JSON has all",
        HelpName = "N",
        DefaultValueFactory = _ => DefaultTop,
    };

    private readonly Option<double?> _interval = new("-i", "--interval")
    {
        Description = "Print what was found so far at this interval, and go on",
        HelpName = "SECONDS",
    };

    /// <summary>Builds the command.</summary>
    /// <param name="run">What runs it.</param>
    /// <param name="trailingCommand">The words after <c>--</c>, or null.</param>
    public Command Build(Func<StackRequest, int> run, IReadOnlyList<string>? trailingCommand)
    {
        var command = new Command("stack", HelpTexts.StackDescription);
        _probing.AddTo(command);
        _stacks.AddTo(command);
        command.Add(_top);
        command.Add(_interval);
        command.SetAction(parsed => run(Read(parsed, trailingCommand)));
        return command;
    }

    private StackRequest Read(ParseResult parsed, IReadOnlyList<string>? trailingCommand) =>
        new(_probing.Read(parsed, trailingCommand), _stacks.Query(parsed, _probing.Condition(parsed)), _stacks.Depth(parsed))
        {
            Interval = ProbingOptions.Seconds("-i", parsed.GetValue(_interval)),
            Top = parsed.GetValue(_top) is >= 1 and var top
                ? top
                : throw ToolException.Usage(string.Create(CultureInfo.InvariantCulture, $"-n {parsed.GetValue(_top)} is no number of stacks"), "give 1 or more"),
        };
}
