namespace Uprobes.Script.Running;

/// <summary>How a script is run.</summary>
internal sealed record ScriptRunOptions
{
    /// <summary>On what.</summary>
    internal ScriptTarget Target { get; init; } = new ScriptTarget.Nothing();

    /// <summary>
    /// Opens the session of the target; hands it out before it attaches or starts anything, so that it can be given up meanwhile.
    /// Not called for scripts without probes of a target.
    /// </summary>
    internal required Func<ScriptTarget, Action<UprobeSession>, UprobeSession> OpenSession { get; init; }

    /// <summary>Tells people what is no output of the script, a line each. Called on the thread that runs the script.</summary>
    internal required Action<string> Tell { get; init; }

    /// <summary>Tells that work goes on which may take long, until what is returned is disposed of. Called on the thread that runs the script.</summary>
    internal Func<string, IDisposable?> BeginWork { get; init; } = static _ => null;

    /// <summary>-k: whether each failure of an action is told.</summary>
    internal bool TellsFailures { get; init; }

    /// <summary>-q: whether the number of probes is not told.</summary>
    internal bool IsQuiet { get; init; }

    /// <summary>Whether everything is done but the run itself.</summary>
    internal bool IsDryRun { get; init; }

    /// <summary>How many records of the target's threads may wait to be written; more are lost and counted.</summary>
    internal int MostWaiting { get; init; } = 1 << 16;
}
