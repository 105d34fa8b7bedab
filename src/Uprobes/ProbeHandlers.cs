namespace Uprobes;

/// <summary>
/// What runs when a probe is hit: C# code in the tracer, while the thread that hit it waits. Handlers are called on the
/// session's tracer thread, one at a time; a handler that throws is removed and the exception is reported
/// (<see cref="UprobeSession.Notice"/>). Keep them short: the probed thread may hold its program's locks.
/// </summary>
public sealed record ProbeHandlers
{
    /// <summary>Called before the probed instruction runs. Registers and memory may be read and written.</summary>
    public Action<ProbeHit>? Pre { get; init; }

    /// <summary>Called after the probed instruction has run; costs a second stop.</summary>
    public Action<ProbeHit>? Post { get; init; }

    /// <summary>Called when the probed instruction raises a signal (SIGSEGV, SIGFPE, ...), with the signal's number.</summary>
    public Func<ProbeHit, int, FaultAction>? Fault { get; init; }
}

/// <summary>What becomes of a signal that a probed instruction raised.</summary>
public enum FaultAction
{
    /// <summary>The program gets the signal, as it would without probes.</summary>
    Deliver,

    /// <summary>The signal is dropped and the thread goes on at its (possibly changed) RIP. Without a change the instruction is tried again.</summary>
    Resume,
}

/// <summary>What runs at the entry and the return of a function. The thread rule of <see cref="ProbeHandlers"/> holds.</summary>
public sealed record ReturnHandlers
{
    /// <summary>
    /// Called at entry; what it returns is <see cref="ReturnHit.State"/> at the return. Returning
    /// <see cref="SkipReturn"/> means that this call's return is not wanted.
    /// </summary>
    public Func<ProbeHit, object?>? Entry { get; init; }

    /// <summary>Called when the function has returned to its caller, before the caller goes on.</summary>
    public Action<ReturnHit>? Return { get; init; }

    /// <summary>The value by which <see cref="Entry"/> says that the call's return is of no interest.</summary>
    public static object SkipReturn { get; } = new();
}
