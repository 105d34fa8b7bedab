using System.CommandLine;
using System.Globalization;
using Uprobes.Stacks;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Stacks;

namespace Uprobes.Tool.CommandLine;

/// <summary>The options that stack and flame share.</summary>
internal sealed class StackOptions
{
    private const int MostOneOf = 1_000_000;

    private readonly Option<string?> _by = new("--by")
    {
        Description = "Sum this up for each stack instead of counting calls, for example arg0 of malloc: bytes asked for",
        HelpName = "VALUE",
    };

    private readonly Option<int> _depth = new("--depth")
    {
        Description = "Look at so many calls of a stack, from the probed function on outwards",
        HelpName = "N",
        DefaultValueFactory = _ => StackUnwinder.MostFrames,
    };

    private readonly Option<int> _oneOf = new("--one-of")
    {
        Description = "Look at the stack of one call of so many, picked by chance; all are counted. For functions that are called millions of times a second",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_by);
        command.Add(_depth);
        command.Add(_oneOf);
    }

    /// <summary>The program that they ask for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="condition">That of <c>--where</c>, or null.</param>
    /// <exception cref="ToolException">One of them has no meaning.</exception>
    /// <exception cref="Filters.FilterException">The condition or the value means nothing.</exception>
    public StackQuery Query(ParseResult parsed, string? condition)
    {
        var oneOf = parsed.GetValue(_oneOf);
        return oneOf is >= 1 and <= MostOneOf
            ? new StackQuery(condition, parsed.GetValue(_by), Depth(parsed), oneOf)
            : throw ToolException.Usage(string.Create(CultureInfo.InvariantCulture, $"--one-of {oneOf} is no number of calls"), $"give 1 to {MostOneOf}; 1 looks at each");
    }

    /// <summary>How many calls of a stack are looked at.</summary>
    /// <exception cref="ToolException">It is no such number.</exception>
    public int Depth(ParseResult parsed) => parsed.GetValue(_depth) is >= 1 and <= StackUnwinder.MostFrames and var depth
        ? depth
        : throw ToolException.Usage(string.Create(CultureInfo.InvariantCulture, $"--depth {parsed.GetValue(_depth)} is no number of calls"), $"give 1 to {StackUnwinder.MostFrames}");
}
