using System.CommandLine;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.CommandLine;

/// <summary>
/// Flags of bpftrace that have no use here, so that command lines that are passed around either work or are told what to write instead: some are
/// taken, with a notice of why nothing has to be done, and the others are refused. They are not part of the help.
/// </summary>
internal sealed class BpftraceFlags
{
    private const string Compiler = "there is no BPF program here whose making could be looked at", Exercises = "tests and benchmarks of scripts are not offered here";

    private readonly (Option<string?[]> Option, string Answer, string? Instead)[] _refused =
    [
        (Valued("-d", "--debug"), Compiler, "--dry-run checks a script and finds its probes, -v tells where its actions run"),
        (Valued("--emit-elf"), Compiler, null),
        (Valued("--emit-llvm"), Compiler, null),
        (Valued("--aot"), "scripts are not made into programs of their own here", "an executable script begins with #!/usr/bin/env -S uprobe run"),
        (Valued("--mode"), Exercises, null),
        (Valued("--probe-filter"), Exercises + ", and this flag chooses among them", "probes are chosen in the script: uprobe:libc:mem*"),
        (Valued("--debuginfo"), "debug information has its places: in the file, beside it as .gnu_debuglink says, in .debug there, and under /usr/lib/debug", "put the debug file, or a link to it, into one of them"),
        (Valued("--traceable-functions"), "only the kernel's functions need such a list", null),
        (Valued("--no-feature"), "this flag is for features of the kernel, and none are used here", "--engine chooses how probes are made"),
    ];

    private readonly (Option<bool> Option, string Answer, string? Instead)[] _refusedSwitches =
    [
        (Switch("--test"), Exercises, null),
        (Switch("--bench"), Exercises, null),
        (Switch("--fmt"), "scripts are not formatted here", "--dry-run checks one"),
        (Switch("--verify-llvm-ir"), Compiler, null),
    ];

    private readonly (Option<bool> Option, string Notice)[] _takenSwitches =
    [
        (Switch("--usdt-file-activation"), "--usdt-file-activation: static probes are switched on in every process that is probed, with or without it"),
        (Switch("-b", "--btf"), "--btf: the types of programs are always read from their debug information; the kernel's are not needed"),
    ];

    private readonly Option<string?[]> _dwarfProcesses = Valued("--dwarf-pid");

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var (option, _, _) in _refused)
            command.Add(option);
        foreach (var (option, _, _) in _refusedSwitches)
            command.Add(option);
        foreach (var (option, _) in _takenSwitches)
            command.Add(option);
        command.Add(_dwarfProcesses);
    }

    /// <summary>Reads them: what is to be said of those that were given.</summary>
    /// <exception cref="ToolException">One cannot be taken.</exception>
    public IReadOnlyList<string> Read(ParseResult parsed)
    {
        foreach (var (option, answer, instead) in _refused)
        {
            if (IsGiven(parsed, option))
                throw ToolException.Usage($"{Name(option)} of bpftrace is not offered: {answer}", instead ?? "see uprobe run --help for what is there");
        }
        foreach (var (option, answer, instead) in _refusedSwitches)
        {
            if (IsGiven(parsed, option))
                throw ToolException.Usage($"{Name(option)} of bpftrace is not offered: {answer}", instead ?? "see uprobe run --help for what is there");
        }
        List<string> notices = [.. _takenSwitches.Where(one => IsGiven(parsed, one.Option)).Select(one => one.Notice)];
        if (IsGiven(parsed, _dwarfProcesses))
            notices.Add("--dwarf-pid: the stacks of every process that is probed are unwound by its call frame information, with or without it");
        return notices;
    }

    // Those that were not given have a result too: their default.
    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static string Name(Option option) => option.Aliases.FirstOrDefault() is { } alias ? $"{alias} ({option.Name})" : option.Name;

    private static Option<string?[]> Valued(string name, params string[] aliases) =>
        new(name, aliases) { Hidden = true, Arity = ArgumentArity.ZeroOrMore, AllowMultipleArgumentsPerToken = false };

    private static Option<bool> Switch(string name, params string[] aliases) => new(name, aliases) { Hidden = true };
}
