using System.CommandLine;
using System.Globalization;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of flame.</summary>
internal sealed class FlameSyntax
{
    private const string StandardOutput = "-";
    private const string UsualFile = "flame.svg";
    private readonly ProbingOptions _probing = new(file: UsualFile);
    private readonly StackOptions _stacks = new();
    private readonly Option<bool> _inverted = new("--inverted") { Description = "Draw the outermost call at the top, and what it calls below it" };
    private readonly Option<bool> _folded = new("--folded") { Description = "Write lines of 'outermost;...;innermost N', which other programs read, instead of a graph" };

    /// <summary>Builds the command.</summary>
    /// <param name="run">What runs it.</param>
    /// <param name="trailingCommand">The words after <c>--</c>, or null.</param>
    public Command Build(Func<FlameRequest, int> run, IReadOnlyList<string>? trailingCommand)
    {
        var command = new Command("flame", HelpTexts.FlameDescription);
        _probing.AddTo(command);
        _stacks.AddTo(command);
        command.Add(_inverted);
        command.Add(_folded);
        command.SetAction(parsed => run(Read(parsed, trailingCommand)));
        return command;
    }

    private FlameRequest Read(ParseResult parsed, IReadOnlyList<string>? trailingCommand)
    {
        var probing = _probing.Read(parsed, trailingCommand);
        var isFolded = parsed.GetValue(_folded);
        return new FlameRequest(probing with { OutputPath = null }, _stacks.Query(parsed, _probing.Condition(parsed)), _stacks.Depth(parsed))
        {
            // Lines are for other programs: without -o they go to standard output.
            Path = probing.OutputPath == StandardOutput || (isFolded && !_probing.IsFileTold(parsed)) ? null : probing.OutputPath,
            Title = Title(probing),
            IsInverted = parsed.GetValue(_inverted),
            IsFolded = isFolded,
        };
    }

    private static string Title(ProbingRequest probing)
    {
        var probes = string.Join(", ", probing.Specs.Select(s => s.Text));
        return probing.Target switch
        {
            TargetChoice.Processes { Ids: [var only] } => string.Create(CultureInfo.InvariantCulture, $"{probes} in process {only}"),
            TargetChoice.Processes { Ids: var several } => $"{probes} in processes {string.Join(", ", several.Select(id => id.ToString(CultureInfo.InvariantCulture)))}",
            TargetChoice.Command command => $"{probes} in {string.Join(' ', command.Arguments.Prepend(command.Program))}",
            _ => probes,
        };
    }
}
