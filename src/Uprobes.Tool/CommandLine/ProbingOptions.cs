using System.CommandLine;
using Uprobes.Registry;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.CommandLine;

/// <summary>The arguments and options that the commands share that probe.</summary>
/// <param name="value">What the last word is where it names no function; null where all do.</param>
/// <param name="file">The file that the results go to unless told, in a format of their own; null where they go to standard output.</param>
internal sealed class ProbingOptions(string? value = null, string? file = null)
{
    private readonly Argument<string[]> _specs = new("SPEC")
    {
        Description = "What to probe: IMAGE:FUNCTION, IMAGE:PATTERN, IMAGE:FUNCTION+0xN, IMAGE:0xOFFSET or usdt:IMAGE:NAME" + (value is null ? "" : $"; behind them, {value}"),
        HelpName = value is null ? null : "SPEC... VALUE",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly TargetOptions _target = new("", "; words are split as by a shell, but no shell runs (or end with: -- PROGRAM ARGUMENT...)");

    private readonly Option<string> _format = FormatOption();

    private readonly Option<string?> _output = new("-o", "--output")
    {
        Description = file is null ? "Write results to this file, not to standard output" : "Write to this file",
        HelpName = "FILE",
        DefaultValueFactory = file is null ? null : _ => file,
    };

    private readonly Option<double?> _duration = new("-d", "--duration")
    {
        Description = "End after this time",
        HelpName = "SECONDS",
    };

    private readonly Option<string> _engine = EngineOption("How probes are armed: the cheapest safe way for each, jumps only, or breakpoints only");

    private readonly Option<bool> _detach = new("--detach")
    {
        Description = "Attach to arm and to remove only: no stops in between, and a debugger can have the process; what it loads, forks or executes is probed late",
    };

    private readonly Option<string> _writeGuard = new("--write-guard")
    {
        Description = "When somebody wants to write a probed file: make the writer wait, remove the file's probes, or do not watch",
        HelpName = "deny|allow|none",
        DefaultValueFactory = _ => "allow",
    };

    private readonly Option<string?> _where = new("--where")
    {
        Description = "Only calls of which this holds, for example 'arg0 > 64K && arg1 == 0', 'str(arg0) == \"PATH\"', 'retval < 0 || duration > 10ms'",
        HelpName = "CONDITION",
    };

    private readonly Option<bool> _noFollow = new("--no-follow") { Description = "Leave processes that a probed one forks without probes" };

    private readonly Option<bool> _force = new("--force") { Description = "Probe even the shell or terminal that this command runs in" };

    private readonly Option<bool> _verbose = new("-v", "--verbose") { Description = "Tell every function that cannot be probed, not only how many" };

    /// <summary>The -f option.</summary>
    public static Option<string> FormatOption()
    {
        var option = new Option<string>("-f")
        {
            Description = "Results as lines for people, or as one JSON object a line",
            HelpName = "text|json",
            DefaultValueFactory = _ => "text",
        };
        option.AcceptOnlyFromAmong("text", "json");
        return option;
    }

    /// <summary>What -f says.</summary>
    public static OutputFormat FormatOf(string value) => value == "json" ? OutputFormat.Json : OutputFormat.Text;

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        _writeGuard.AcceptOnlyFromAmong("deny", "allow", "none");
        command.Add(_specs);
        _target.AddTo(command);
        command.Add(_where);
        if (file is null)
            command.Add(_format);
        command.Add(_output);
        command.Add(_duration);
        command.Add(_engine);
        command.Add(_detach);
        command.Add(_writeGuard);
        command.Add(_noFollow);
        command.Add(_force);
        command.Add(_verbose);
    }

    /// <summary>Reads them.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="trailingCommand">The words after <c>--</c>, or null.</param>
    /// <exception cref="ToolException">They have no meaning together.</exception>
    public ProbingRequest Read(ParseResult parsed, IReadOnlyList<string>? trailingCommand) => new()
    {
        Specs = [.. Words(parsed)[..^(value is null ? 0 : 1)].Select(SpecParser.Parse)],
        Target = _target.Read(parsed, trailingCommand) ?? throw ToolException.Usage(
            "probing every process of the system is not there yet", "give -p PID for a running process (pgrep NAME finds it), or -c 'CMD' to start one"),
        Options = new SessionOptions
        {
            Engine = EngineOf(parsed.GetValue(_engine)),
            Presence = Presence(parsed),
            WriteGuard = parsed.GetValue(_writeGuard) switch
            {
                "deny" => WriteGuardPolicy.Deny,
                "none" => WriteGuardPolicy.None,
                _ => WriteGuardPolicy.DisarmAndAllow,
            },
            FollowForks = !parsed.GetValue(_noFollow),
        },
        Force = parsed.GetValue(_force),
        Verbose = parsed.GetValue(_verbose),
        Format = file is null ? FormatOf(parsed.GetValue(_format)!) : OutputFormat.Text,
        OutputPath = parsed.GetValue(_output),
        Duration = Seconds("-d", parsed.GetValue(_duration)),
    };

    /// <summary>The option of the engine.</summary>
    /// <param name="description">What the help says of it.</param>
    public static Option<string> EngineOption(string description)
    {
        var engine = new Option<string>("--engine") { Description = description, HelpName = "auto|inline|trap", DefaultValueFactory = _ => "auto" };
        engine.AcceptOnlyFromAmong("auto", "inline", "trap");
        return engine;
    }

    /// <summary>The engine by its name.</summary>
    public static ProbeEngine EngineOf(string? name) => name switch
    {
        "trap" => ProbeEngine.Trap,
        "inline" => ProbeEngine.Inline,
        _ => ProbeEngine.Auto,
    };

    /// <summary>Whether -o was given.</summary>
    public bool IsFileTold(ParseResult parsed) => parsed.GetResult(_output) is { Implicit: false };

    /// <summary>The specifications, and the value behind them where there is one.</summary>
    public string[] Words(ParseResult parsed) => parsed.GetRequiredValue(_specs);

    /// <summary>The condition of --where, or null.</summary>
    public string? Condition(ParseResult parsed) => parsed.GetValue(_where);

    /// <summary>Refuses static probes and probes inside of functions where returns are wanted.</summary>
    /// <exception cref="ToolException">There is one.</exception>
    public static void RefuseInside(ProbingRequest request, string why)
    {
        if (request.Specs.FirstOrDefault(spec => spec is FunctionOffsetSpec or SourceLineSpec) is { } inside)
            throw ToolException.Usage($"'{inside.Text}' is inside a function, which has no return of its own", why);
        if (request.Specs.OfType<StaticSpec>().FirstOrDefault() is { } mark)
            throw ToolException.Usage($"'{mark.Text}' is a static probe, which has no return", why);
    }

    /// <summary>A time given in seconds.</summary>
    public static TimeSpan? Seconds(string option, double? value)
    {
        const double Longest = 1e9;
        if (value is null)
            return null;
        return value is > 0 and <= Longest
            ? TimeSpan.FromSeconds(value.Value)
            : throw ToolException.Usage($"{option} {value} is not a time", "give seconds, for example 2.5");
    }

    private TracerPresence Presence(ParseResult parsed)
    {
        if (!parsed.GetValue(_detach))
            return TracerPresence.Attached;
        return parsed.GetValue(_engine) != "trap" ? TracerPresence.Detached
            : throw ToolException.Usage("--detach and --engine trap exclude each other: breakpoints need a tracer that stays", "leave out one of them");
    }
}
