using System.CommandLine;
using Uprobes.Programs;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.CommandLine;

/// <summary>The options of the commands that show each call: which of its values, and of how many calls.</summary>
internal sealed class CallOptions
{
    private const int LargestText = ProgramLimits.TextCapacity;
    private const int LargestBuffer = 1 << 24;

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

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_arguments);
        command.Add(_format);
        command.Add(_limit);
        command.Add(_textBytes);
        command.Add(_buffer);
    }

    /// <summary>Reads them.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="withReturns">Whether returns are shown.</param>
    /// <param name="condition">That of --where, or null.</param>
    /// <param name="probing">Where and how; asked for last, so that what is wrong here is told first.</param>
    /// <exception cref="ToolException">They have no meaning.</exception>
    public TraceRequest Read(ParseResult parsed, bool withReturns, string? condition, Func<ProbingRequest> probing)
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
        var query = new TraceQuery(format, withReturns, textBytes, condition, buffer);
        return new TraceRequest(probing(), query, format) { Limit = limit, TextBytes = textBytes, BufferedEvents = buffer };
    }
}
