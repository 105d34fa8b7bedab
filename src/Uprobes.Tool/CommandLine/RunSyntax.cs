using System.CommandLine;
using Uprobes.Script.Output;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of run: bpftrace's own flags where it has them.</summary>
internal sealed class RunSyntax
{
    private readonly Argument<string[]> _words = new("FILE")
    {
        Description = "The script (- for standard input), unless -e gives it; then what $1, $2 and so on are in it",
        HelpName = "FILE [PARAMETER...]",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _program = new("-e") { Description = "The script itself", HelpName = "PROGRAM" };

    private readonly TargetOptions _target = new(". The run ends with the last of them", "; the run ends with it. Words are split as by a shell, but no shell runs");
    private readonly Option<string> _format = ProbingOptions.FormatOption();
    private readonly Option<string?> _output = new("-o", "--output") { Description = "Write the script's output to this file, not to standard output", HelpName = "FILE" };

    private readonly Option<string> _buffering = new("-B")
    {
        Description = "When output is written: after each line, after everything, or when much has come together",
        HelpName = "line|full|none",
        DefaultValueFactory = _ => "line",
    };

    private readonly Option<string> _engine = ProbingOptions.EngineOption("How actions are run: inside the target where they can be, only there, or here at breakpoints");
    private readonly Option<bool> _list = new("-l", "--list") { Description = "List the probes that PARAMETER means (uprobe:FILE:PATTERN), or those of the script, and end; with -v also what the functions take and return" };
    private readonly Option<bool> _quiet = new("-q", "--quiet") { Description = "Do not tell how many probes were attached" };
    private readonly Option<bool> _verbose = new("-v", "--verbose") { Description = "Tell more about what is done" };
    private readonly Option<bool> _failures = new("-k", "--warnings") { Description = "Tell each read of memory that was not there, and each entry that a map had no room for" };
    private readonly Option<bool> _unsafe = new("--unsafe") { Description = "Allow actions that change the target or this machine: signal, override, write_user, system, registers" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Check the script and find its probes, but run nothing" };
    private readonly Option<bool> _noWarnings = new("--no-warnings") { Description = "Do not show warnings about the script" };
    private readonly Option<string[]> _headerFolders = Several("-I", "DIR", "Look for the C headers that the script includes in this directory first; may be given several times");
    private readonly Option<string[]> _headerFiles = Several("--include", "FILE", "Include this C header before the script; may be given several times");
    private readonly Option<bool> _version = new("-V") { Description = "Show the version" };
    private readonly Option<bool> _info = new("--info") { Description = "Tell what this machine lets uprobe do" };
    private readonly BpftraceFlags _others = new();
    private readonly Option<bool> _noFollow = new("--no-follow") { Description = "Leave processes that a probed one forks without probes" };
    private readonly Option<bool> _force = new("--force") { Description = "Probe even the shell or terminal that this command runs in" };

    /// <summary>Builds the command.</summary>
    /// <param name="run">What runs it.</param>
    public Command Build(Func<RunRequest, int> run)
    {
        var command = new Command("run", HelpTexts.RunDescription);
        _buffering.AcceptOnlyFromAmong("line", "full", "none");
        command.Add(_words);
        command.Add(_program);
        _target.AddTo(command);
        foreach (var option in (Option[])[_format, _output, _buffering, _engine, _list, _quiet, _verbose, _failures, _unsafe, _dryRun, _noWarnings, _headerFolders, _headerFiles, _noFollow, _force, _info, _version])
            command.Add(option);
        _others.AddTo(command);
        command.SetAction(parsed =>
        {
            if (!parsed.GetValue(_version) && !parsed.GetValue(_info))
                return run(Read(parsed));
            parsed.InvocationConfiguration.Output.Write(parsed.GetValue(_info) ? MachineReport.Write() : MachineReport.Version + "\n");
            return ExitCode.Success;
        });
        return command;
    }

    private static Option<string[]> Several(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };

    private RunRequest Read(ParseResult parsed)
    {
        var notices = _others.Read(parsed);
        var words = parsed.GetValue(_words) ?? [];
        var program = parsed.GetValue(_program);
        var isListing = parsed.GetValue(_list);
        if (program is null && !isListing && words.Length == 0)
            throw ToolException.Usage("run needs a script", "give one with -e 'PROGRAM', or a FILE; see uprobe run --help");
        var takesFile = program is null && !(isListing && IsPattern(words));
        IReadOnlyList<string> parameters = [.. words.Skip(takesFile ? 1 : 0)];
        return new RunRequest
        {
            Program = program,
            File = takesFile ? words.FirstOrDefault() : null,
            Pattern = isListing && program is null && !takesFile ? words.FirstOrDefault() ?? "uprobe:*:*" : null,
            IsListing = isListing,
            Positional = [.. parameters.Where(word => !word.StartsWith("--", StringComparison.Ordinal))],
            Named = NamedOf(parameters),
            Target = _target.Read(parsed),
            Format = parsed.GetValue(_format) == "json" ? ScriptFormat.Json : ScriptFormat.Text,
            OutputPath = parsed.GetValue(_output),
            Buffering = parsed.GetValue(_buffering) switch
            {
                "none" => OutputBuffering.None,
                "full" => OutputBuffering.Full,
                _ => OutputBuffering.Line,
            },
            Options = new SessionOptions { Engine = ProbingOptions.EngineOf(parsed.GetValue(_engine)), FollowForks = !parsed.GetValue(_noFollow) },
            IsQuiet = parsed.GetValue(_quiet),
            IsVerbose = parsed.GetValue(_verbose),
            TellsFailures = parsed.GetValue(_failures),
            AllowsUnsafe = parsed.GetValue(_unsafe),
            IsDryRun = parsed.GetValue(_dryRun),
            HidesWarnings = parsed.GetValue(_noWarnings),
            Force = parsed.GetValue(_force),
            HeaderFolders = parsed.GetValue(_headerFolders) ?? [],
            HeaderFiles = parsed.GetValue(_headerFiles) ?? [],
            Notices = notices,
        };
    }

    // A word that names a file is a script; everything else that -l is given is a pattern.
    private static bool IsPattern(string[] words) => words.Length == 0 || words[0] != "-" && !File.Exists(words[0]);

    private static Dictionary<string, string> NamedOf(IEnumerable<string> parameters)
    {
        var named = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var word in parameters.Where(word => word.StartsWith("--", StringComparison.Ordinal)))
        {
            var parts = word[2..].Split('=', 2);
            named[parts[0]] = parts.Length > 1 ? parts[1] : "";
        }
        return named;
    }
}
