using Uprobes.Script.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>What run is asked for.</summary>
internal sealed record RunRequest
{
    /// <summary>The script's text; null where it is in a file.</summary>
    public string? Program { get; init; }

    /// <summary>The script's file, <c>-</c> for standard input; null where the text is given.</summary>
    public string? File { get; init; }

    /// <summary>The pattern of probes to list; null where the script's are listed.</summary>
    public string? Pattern { get; init; }

    /// <summary>Whether probes are listed and nothing is run.</summary>
    public bool IsListing { get; init; }

    /// <summary><c>$1</c> and so on.</summary>
    public IReadOnlyList<string> Positional { get; init; } = [];

    /// <summary>Options of the script by name.</summary>
    public IReadOnlyDictionary<string, string> Named { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What is probed; null for nothing.</summary>
    public TargetChoice? Target { get; init; }

    /// <summary>The choices of the session.</summary>
    public SessionOptions Options { get; init; } = new();

    /// <summary>How output is written.</summary>
    public ScriptFormat Format { get; init; }

    /// <summary>The file for output; null means standard output.</summary>
    public string? OutputPath { get; init; }

    /// <summary>When output is written.</summary>
    public OutputBuffering Buffering { get; init; }

    /// <summary>Whether the number of probes is not told.</summary>
    public bool IsQuiet { get; init; }

    /// <summary>Whether more is told.</summary>
    public bool IsVerbose { get; init; }

    /// <summary>Whether each failure of an action is told.</summary>
    public bool TellsFailures { get; init; }

    /// <summary>Whether actions may change the target or this machine.</summary>
    public bool AllowsUnsafe { get; init; }

    /// <summary>Whether nothing is run.</summary>
    public bool IsDryRun { get; init; }

    /// <summary>Whether warnings about the script are not shown.</summary>
    public bool HidesWarnings { get; init; }

    /// <summary>Where C headers are looked for first.</summary>
    public IReadOnlyList<string> HeaderFolders { get; init; } = [];

    /// <summary>C headers that are included before those of the script.</summary>
    public IReadOnlyList<string> HeaderFiles { get; init; } = [];

    /// <summary>What is to be said of options that were given and do nothing.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary>Whether ancestors of this process may be probed.</summary>
    public bool Force { get; init; }
}
