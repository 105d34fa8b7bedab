using Uprobes.Tool.Events;

namespace Uprobes.Tool.Probing;

/// <summary>What the commands need of a session: the seam between them and processes.</summary>
internal interface IProbeSession : IDisposable
{
    /// <summary>The processes.</summary>
    IReadOnlyList<int> ProcessIds { get; }

    /// <summary>Completes when every process has ended.</summary>
    Task Completion { get; }

    /// <summary>The started command's exit code, 128 + signal when it was killed; null while it runs or when none was started.</summary>
    int? CommandExitCode { get; }

    /// <summary>Raised on any thread, also while a probed thread waits: receivers must not block.</summary>
    event Action<SessionNotice>? Notice;

    /// <summary>Finds the images that the name that the user gave means to the processes: one, or several where files of one name differ.</summary>
    /// <exception cref="Messages.ToolException">There is none.</exception>
    IReadOnlyList<IFunctionSource> OpenImages(string name);

    /// <summary>Arms probes that record calls.</summary>
    ArmedProbes Trace(IReadOnlyList<PlannedProbe> probes, CallRecorder recorder, bool withReturns);

    /// <summary>Arms probes that only count.</summary>
    ArmedProbes Count(IReadOnlyList<PlannedProbe> probes);

    /// <summary>Lets the started command run.</summary>
    void Start();

    /// <summary>Removes probes, all at once. Never fails.</summary>
    void Remove(ArmedProbes probes);
}

/// <summary>A probe that stands.</summary>
internal interface IArmedProbe
{
    /// <summary>How often it was hit.</summary>
    long Hits { get; }

    /// <summary>Calls whose return could not be followed.</summary>
    long LostReturns { get; }

    /// <summary>By which engine it is armed.</summary>
    string Engine { get; }
}

/// <summary>The outcome of arming.</summary>
/// <param name="Armed">The probes that stand, each with what it was planned as.</param>
/// <param name="Refused">Those that were refused.</param>
internal sealed record ArmedProbes(IReadOnlyList<(PlannedProbe Probe, IArmedProbe Armed)> Armed, IReadOnlyList<RefusedProbe> Refused);
