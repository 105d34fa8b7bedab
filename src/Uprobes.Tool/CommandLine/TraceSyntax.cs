using System.CommandLine;
using Uprobes.Programs;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of trace.</summary>
internal sealed class TraceSyntax
{
    private const int LargestText = ProgramLimits.TextCapacity;
    private const int LargestBuffer = 1 << 24;
    private readonly ProbingOptions _probing = new();
    private readonly Option<bool> _returns = new("-r", "--returns") { Description = "Show return values and how long calls took; a line appears when the call returns" };

    private readonly Option<int?> _arguments = new("--args")
    {
        Description = $"How many arguments to show (unless told {ArgumentFormat.DefaultCount}, or as many as --format has letters)",
        HelpName = "N",
    };

    private readonly Option<string?> _format = new("--format")
    {
        Description = "A letter an argument: x hexadecimal, p pointer, d signed 64-bit, i signed 32-bit, u unsigned, s string, c character, b boolean; "
            + "the last one repeats; =LETTER is for the return value",
        HelpName = "FMT",
    };

    private readonly Option<long?> _limit = new("-n", "--count") { Description = "End after this many calls", HelpName = "COUNT" };

    private readonly Option<int> _textBytes = new("-s", "--string-size")
    {
        Description = "How many bytes of a string to show",
        HelpName = "BYTES",
        DefaultValueFactory = _ => 64,
    };

    private readonly Option<int> _buffer = new("--buffer")
    {
        Description = "How many calls can wait to be written; more than that are lost, counted and told",
        HelpName = "EVENTS",
        DefaultValueFactory = _ => 65536,
    };

    /// <summary>Builds the command.</summary>
    /// <param name="run">What runs it.</param>
    /// <param name="trailingCommand">The words after <c>--</c>, or null.</param>
    public Command Build(Func<TraceRequest, int> run, IReadOnlyList<string>? trailingCommand)
    {
        var command = new Command("trace", HelpTexts.TraceDescription);
        _probing.AddTo(command);
        command.Add(_returns);
        command.Add(_arguments);
        command.Add(_format);
        command.Add(_limit);
        command.Add(_textBytes);
        command.Add(_buffer);
        command.SetAction(parsed => run(Read(parsed, trailingCommand)));
        return command;
    }

    private TraceRequest Read(ParseResult parsed, IReadOnlyList<string>? trailingCommand)
    {
        var limit = parsed.GetValue(_limit) ?? long.MaxValue;
        var (textBytes, buffer) = (parsed.GetValue(_textBytes), parsed.GetValue(_buffer));
        if (limit <= 0)
            throw ToolException.Usage($"-n {limit} would show nothing", "give a number from 1 on");
        if (textBytes is < 1 or > LargestText)
            throw ToolException.Usage($"-s {textBytes} is out of range", $"1 to {LargestText} bytes can be shown");
        if (buffer is < 1 or > LargestBuffer)
            throw ToolException.Usage($"--buffer {buffer} is out of range", $"1 to {LargestBuffer} events can wait");
        var format = ArgumentFormat.Create(parsed.GetValue(_format), parsed.GetValue(_arguments));
        var query = new TraceQuery(format, parsed.GetValue(_returns), textBytes, _probing.Condition(parsed), buffer);
        var request = new TraceRequest(_probing.Read(parsed, trailingCommand), query, format) { Limit = limit, TextBytes = textBytes, BufferedEvents = buffer };
        if (query.WithReturns)
            ProbingOptions.RefuseInside(request.Probing, "leave out the offset, or -r and what --where wants to know of the return");
        return request;
    }
}
