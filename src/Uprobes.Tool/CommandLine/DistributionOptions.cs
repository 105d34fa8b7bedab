using System.CommandLine;
using System.Globalization;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Tool.Filters;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.CommandLine;

/// <summary>The options that hist and latency share.</summary>
internal sealed class DistributionOptions
{
    private const int MostSteps = 1000;
    private const int DefaultTop = 10;

    private readonly Option<double?> _interval = new("-i", "--interval")
    {
        Description = "Print what was found so far at this interval, and go on",
        HelpName = "SECONDS",
    };

    private readonly Option<string?> _linear;

    private readonly Option<int> _top = new("--top")
    {
        Description = "Show the ranges of so many functions; the table has all that were called, and so has JSON",
        HelpName = "N",
        DefaultValueFactory = _ => DefaultTop,
    };

    /// <summary>Creates them.</summary>
    /// <param name="example">An example for the steps.</param>
    public DistributionOptions(string example) => _linear = new Option<string?>("--linear")
    {
        Description = $"Ranges of one width from LEAST up to LIMIT, instead of powers of two, for example {example}",
        HelpName = "LEAST,LIMIT,WIDTH",
    };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_linear);
        command.Add(_top);
        command.Add(_interval);
    }

    /// <summary>How often to print, or null.</summary>
    /// <exception cref="ToolException">It is not a time.</exception>
    public TimeSpan? Interval(ParseResult parsed) => ProbingOptions.Seconds("-i", parsed.GetValue(_interval));

    /// <summary>Of how many functions the ranges are shown.</summary>
    /// <exception cref="ToolException">It is not a number of functions.</exception>
    public int Top(ParseResult parsed) => parsed.GetValue(_top) is >= 0 and var top
        ? top
        : throw ToolException.Usage(string.Create(CultureInfo.InvariantCulture, $"--top {parsed.GetValue(_top)} is no number of functions"), "0 shows the table only");

    /// <summary>The steps, or null for powers of two.</summary>
    /// <exception cref="ToolException">They are none.</exception>
    /// <exception cref="FilterException">One of the numbers is none.</exception>
    public LinearSteps? Steps(ParseResult parsed) => parsed.GetValue(_linear) is { } text ? ParseSteps(text) : null;

    private static LinearSteps ParseSteps(string text)
    {
        const string Example = "LEAST,LIMIT,WIDTH, for example 0,1000,50 or 0,64K,4K or 0,10ms,500us";
        if (text.Split(',') is not [var first, var second, var third])
            throw ToolException.Usage($"--linear {text} has not three numbers", $"give {Example}");
        var (least, limit, width) = (Number(first), Number(second), Number(third));
        if (width <= 0 || limit <= least)
            throw ToolException.Usage($"--linear {text} has no range: {(width <= 0 ? "the width is not above 0" : "the limit is not above the least value")}", $"give {Example}");
        var steps = ((Int128)limit - least + width - 1) / width;
        if (steps > MostSteps)
        {
            var wider = ((Int128)limit - least + MostSteps - 1) / MostSteps;
            throw ToolException.Usage($"--linear {text} has {steps} ranges", $"at most {MostSteps} are possible: give a width of {wider} or more");
        }
        return least + (steps * width) <= long.MaxValue
            ? new LinearSteps(least, (long)(least + (steps * width)), width) // What is no multiple of the width ends behind the limit.
            : throw ToolException.Usage($"--linear {text} ends beyond 64 bits", $"give {Example}");

        long Number(string number) => FilterExpression.Parse(number.Trim(), FilterNames.Entry) is Constant { Type.IsSigned: true, Value: var known }
            ? known
            : throw ToolException.Usage($"'{number}' in --linear is no number of 63 bits", $"give {Example}");
    }
}
