using Uprobes.Channels;
using Uprobes.Programs;

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

    /// <summary>Has programs run at probes; a probe's place in the list is its index in the programs.</summary>
    /// <param name="group">The programs.</param>
    /// <param name="probes">Where.</param>
    /// <param name="events">Takes the events; null where there are none.</param>
    IArmedPrograms Run(ProgramGroup group, IReadOnlyList<PlannedProbe> probes, IQueryEvents? events);

    /// <summary>What reads the stacks of the processes; owned by the caller, and usable when they have ended.</summary>
    IStackSource OpenStacks();

    /// <summary>Lets the started command run.</summary>
    void Start();
}

/// <summary>Programs at probes. Disposing it takes the probes out and forgets what was found.</summary>
internal interface IArmedPrograms : IDisposable
{
    /// <summary>The probes that stand.</summary>
    IReadOnlyList<ArmedProbe> Armed { get; }

    /// <summary>Those that were refused.</summary>
    IReadOnlyList<RefusedProbe> Refused { get; }

    /// <summary>What is missing so far.</summary>
    QueryLosses Losses { get; }

    /// <summary>By what a probe is armed, as far as any process maps its file.</summary>
    string EngineOf(ArmedProbe probe);

    /// <summary>What a map holds now.</summary>
    MapSnapshot Snapshot(int map);

    /// <summary>Takes all probes out at once, and returns when all events were handed on. What was found can still be read. Never fails.</summary>
    void Stop();
}

/// <summary>A probe that stands.</summary>
/// <param name="Index">Its index in the programs.</param>
/// <param name="Probe">What it was planned as.</param>
internal sealed record ArmedProbe(int Index, PlannedProbe Probe);
