using System.Globalization;
using Uprobes.Script.Output;

namespace Uprobes.Script.Semantics;

/// <summary>What is done where a probe cannot be attached.</summary>
internal enum MissingProbes
{
    Error,
    Warn,
    Ignore,
}

/// <summary>Options of a script, with bpftrace's defaults.</summary>
internal sealed record ScriptConfig
{
    /// <summary>Bytes of a text of str(), buf() and their like, where the script does not say.</summary>
    internal int MaxStringLength { get; init; } = 1024;

    /// <summary>Entries of a map.</summary>
    internal int MaxMapKeys { get; init; } = 4096;

    /// <summary>Probes of a script, after patterns were expanded.</summary>
    internal int MaxProbes { get; init; } = 1024;

    /// <summary>Bytes that cat() reads.</summary>
    internal int MaxCatBytes { get; init; } = 10240;

    internal StackMode StackMode { get; init; } = StackMode.Bpftrace;

    /// <summary>What is written behind a text that was cut.</summary>
    internal string TruncationTrailer { get; init; } = "..";

    internal MissingProbes MissingProbes { get; init; } = MissingProbes.Error;

    internal bool PrintsMapsOnExit { get; init; } = true;

    /// <summary>Whether stacks tell source lines.</summary>
    internal bool ShowsDebugInformation { get; init; } = true;

    /// <summary>Whether C++ names are told in their source form.</summary>
    internal bool Demangles { get; init; } = true;

    /// <summary>All names, for suggestions. Those at the end are the kernel's or change nothing here.</summary>
    internal static readonly string[] Names =
    [
        "max_strlen", "max_map_keys", "max_probes", "max_cat_bytes", "stack_mode", "str_trunc_trailer", "missing_probes", "print_maps_on_exit", "show_debug_info", "cpp_demangle",
        "cache_user_symbols", "lazy_symbolication", "license", "log_size", "max_bpf_progs", "max_ast_nodes", "max_type_res_iterations", "on_stack_limit", "perf_rb_pages", "use_blazesym",
        "unstable_map_decl", "unstable_tseries", "unstable_addr", "unstable_import", "unstable_macro", "unstable_typeinfo",
    ];

    /// <summary>The option's name in the form of <see cref="Names"/>: <c>BPFTRACE_MAX_STRLEN</c> is <c>max_strlen</c>.</summary>
    internal static string Normalize(string name)
    {
        string lower = name.ToLowerInvariant();
        lower = lower.StartsWith("bpftrace_", StringComparison.Ordinal) ? lower["bpftrace_".Length..] : lower;
        return lower switch
        {
            "strlen" => "max_strlen",
            "map_keys_max" => "max_map_keys",
            "no_cpp_demangle" => "cpp_demangle",
            _ => lower,
        };
    }

    /// <summary>These options with one of them changed.</summary>
    /// <param name="name">As <see cref="Normalize"/> gives it.</param>
    /// <param name="value">As written.</param>
    /// <param name="expected">What values there are, where this is none.</param>
    /// <returns>Null where the value is wrong, or no option has the name: then <paramref name="expected"/> is null too.</returns>
    internal ScriptConfig? With(string name, string value, out string? expected)
    {
        expected = null;
        switch (name)
        {
            case "max_strlen":
                expected = "a number from 1 to 65536";
                return Number(value, 1, 65536) is { } length ? this with { MaxStringLength = length } : null;
            case "max_map_keys":
                expected = "a number greater than 0";
                return Number(value, 1, int.MaxValue) is { } keys ? this with { MaxMapKeys = keys } : null;
            case "max_probes":
                expected = "a number greater than 0";
                return Number(value, 1, int.MaxValue) is { } probes ? this with { MaxProbes = probes } : null;
            case "max_cat_bytes":
                expected = "a number greater than 0";
                return Number(value, 1, int.MaxValue) is { } bytes ? this with { MaxCatBytes = bytes } : null;
            case "stack_mode":
                expected = "bpftrace, perf, raw or build_id";
                return ParseMode(value) is { } mode ? this with { StackMode = mode } : null;
            case "str_trunc_trailer":
                return this with { TruncationTrailer = value };
            case "missing_probes":
                expected = "error, warn or ignore";
                return Enum.TryParse(value, ignoreCase: true, out MissingProbes missing) && !char.IsAsciiDigit(value[0]) ? this with { MissingProbes = missing } : null;
            case "print_maps_on_exit":
                expected = "true or false";
                return Boolean(value) is { } prints ? this with { PrintsMapsOnExit = prints } : null;
            case "show_debug_info":
                expected = "true or false";
                return Boolean(value) is { } shows ? this with { ShowsDebugInformation = shows } : null;
            case "cpp_demangle":
                expected = "true or false";
                return Boolean(value) is { } demangles ? this with { Demangles = demangles } : null;
            default:
                return Names.Contains(name) ? this : null;
        }
    }

    /// <summary>The mode of a stack by its name; null where there is none.</summary>
    internal static StackMode? ParseMode(string name) => name switch
    {
        "bpftrace" => Output.StackMode.Bpftrace,
        "perf" => Output.StackMode.Perf,
        "raw" => Output.StackMode.Raw,
        "build_id" => Output.StackMode.BuildId,
        _ => null,
    };

    private static int? Number(string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number : null;

    private static bool? Boolean(string value) => value switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => null,
    };
}
