namespace Uprobes.Linux;

/// <summary>
/// Spares this process a SIGCHLD for each stop of a tracee. The kernel sends one to the tracer's process at every stop unless the
/// action has SA_NOCLDSTOP (kernel/signal.c do_notify_parent_cldstop), and the .NET runtime, which catches SIGCHLD as soon as Process or Console is used,
/// wakes a thread for each (traps N3). Children that end are reported as before; the runtime takes no interest in those that stop.
/// </summary>
internal static unsafe class ChildStopSignals
{
    private const int NoChildStop = 1;
    private const nint DefaultAction = 0, IgnoreAction = 1;

    /// <summary>Adds the flag to the present action, if one is installed and lacks it. Cheap, to be repeated: the runtime may install its action at any time.</summary>
    internal static void Suppress()
    {
        LibC.SigAction action = default;
        if (LibC.sigaction(Signal.SIGCHLD, null, &action) != 0 || action.Handler is DefaultAction or IgnoreAction || (action.Flags & NoChildStop) != 0)
            return;
        action.Flags |= NoChildStop;
        _ = LibC.sigaction(Signal.SIGCHLD, &action, null); // It cannot fail with an action that was just read; at worst each stop costs more.
    }
}
