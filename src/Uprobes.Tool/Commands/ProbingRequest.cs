using Uprobes.Programs;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.Commands;

/// <summary>What the commands that probe have in common: where to probe, how, and where results go.</summary>
internal sealed record ProbingRequest
{
    /// <summary>What to probe.</summary>
    public required IReadOnlyList<ProbeSpec> Specs { get; init; }

    /// <summary>Where.</summary>
    public required TargetChoice Target { get; init; }

    /// <summary>The choices of the session.</summary>
    public SessionOptions Options { get; init; } = new();

    /// <summary>Whether ancestors of this process may be probed.</summary>
    public bool Force { get; init; }

    /// <summary>Whether every refusal is told.</summary>
    public bool Verbose { get; init; }

    /// <summary>How results are written.</summary>
    public OutputFormat Format { get; init; }

    /// <summary>The file for results; null means standard output.</summary>
    public string? OutputPath { get; init; }

    /// <summary>When to end, or null.</summary>
    public TimeSpan? Duration { get; init; }
}

/// <summary>What trace is asked for beyond that.</summary>
/// <param name="Probing">Where and how.</param>
/// <param name="Query">The programs.</param>
/// <param name="Format">How values are shown.</param>
internal sealed record TraceRequest(ProbingRequest Probing, TraceQuery Query, ArgumentFormat Format)
{

    /// <summary>The longest string shown, in bytes.</summary>
    public int TextBytes { get; init; } = 64;

    /// <summary>How many calls can wait to be printed.</summary>
    public int BufferedEvents { get; init; } = 65536;

    /// <summary>After how many calls to end.</summary>
    public long Limit { get; init; } = long.MaxValue;
}

/// <summary>What count is asked for beyond that.</summary>
/// <param name="Probing">Where and how.</param>
/// <param name="Query">Which calls count.</param>
internal sealed record CountRequest(ProbingRequest Probing, CallQuery Query)
{
    /// <summary>How often to print and go on, or null.</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>Whether functions that were not called are shown, too.</summary>
    public bool All { get; init; }
}

/// <summary>What hist and latency are asked for beyond that.</summary>
/// <param name="Probing">Where and how.</param>
/// <param name="Group">The programs, of <see cref="AggregateQueries"/>.</param>
/// <param name="Value">What the distributions are of.</param>
internal sealed record DistributionRequest(ProbingRequest Probing, ProgramGroup Group, DistributionValue Value)
{
    /// <summary>How often to print and go on, or null.</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>Of how many functions the distribution is shown as text.</summary>
    public int Top { get; init; } = 10;
}

/// <summary>What the commands reach the world by; tests put their own in.</summary>
/// <param name="OpenSession">Opens a session; hands it out before it attaches, so that it can be given up meanwhile.</param>
/// <param name="OpenOutput">Opens the results' file, or standard output for null.</param>
/// <param name="Status">Standard error.</param>
internal sealed record ToolEnvironment(
    Func<TargetChoice, SessionOptions, Action<IDisposable>, IProbeSession> OpenSession, Func<string?, ResultOutput> OpenOutput, StatusLines Status);
