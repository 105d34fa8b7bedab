using System.Runtime.InteropServices;
using Uprobes.Linux;

namespace Uprobes.Tool.Commands;

/// <summary>
/// Turns the signals that ask a command to end into an orderly end. The second such signal ends at once: probes are
/// removed, results that still wait are given up.
/// </summary>
internal sealed class SignalWatch : IDisposable
{
    private const PosixSignal TerminalStop = (PosixSignal)20; // SIGTSTP, whose name in .NET is marked as not for Windows
    private const int OwnJob = 0; // kill(2): every process of our process group
    private const int Repeats = 5;
    private static readonly TimeSpan RepeatAfter = TimeSpan.FromMilliseconds(200);
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Action _interrupt;
    private readonly Action _abandon;
    private readonly Action<string> _tell;
    private readonly Timer _continuing;
    private int _count;
    private int _repeatsLeft;

    /// <summary>Watches from now on; the actions are called on a thread of the pool.</summary>
    /// <param name="interrupt">The first signal came.</param>
    /// <param name="abandon">The second came.</param>
    /// <param name="tell">Tells a line.</param>
    /// <param name="startsCommand">Whether a command is going to be started: it inherits which signals are ignored.</param>
    public SignalWatch(Action interrupt, Action abandon, Action<string> tell, bool startsCommand)
    {
        _interrupt = interrupt;
        _abandon = abandon;
        _tell = tell;
        _continuing = new Timer(_ => ContinueAgain());
        // A script that starts us behind & ends us by kill -INT, as it ends other tracers. Hang-ups that nohup makes us ignore stay ignored; and so do
        // interrupts where a command is started, which would ignore them if we were not there, and whose end ends us.
        if (!startsCommand)
            IgnoredSignals.HearAgain(Signal.SIGINT);
        foreach (var signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            _registrations.Add(PosixSignalRegistration.Create(signal, End));
        _registrations.Add(PosixSignalRegistration.Create(TerminalStop, RefuseStop));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _continuing.Dispose();
    }

    /// <summary>
    /// Ctrl-Z would stop us, and with us every thread that hits a probe from then on. The terminal sends it to all of the job: a command that we
    /// started, and what reads our results in a pipe. Were they to stay stopped, no shell would get the terminal back while we go on, and nobody
    /// could continue them.
    /// </summary>
    private void RefuseStop(PosixSignalContext context)
    {
        context.Cancel = true;
        ContinueJob();
        // A program that puts the terminal in order first stops itself a little later, as one of curses does.
        Volatile.Write(ref _repeatsLeft, Repeats);
        _continuing.Change(RepeatAfter, RepeatAfter);
        _tell("Ctrl-Z does nothing here: the probed program would stop too, at its next hit. Ctrl-C ends");
    }

    private void ContinueAgain()
    {
        ContinueJob();
        if (Interlocked.Decrement(ref _repeatsLeft) <= 0)
            _continuing.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// To a process that runs, SIGCONT means nothing. One that has not stopped yet will not: SIGCONT takes a stop signal back that waits, also where
    /// the tracer holds it (prepare_signal, kernel/signal.c).
    /// </summary>
    private static void ContinueJob() => _ = Tasks.Kill(OwnJob, Signal.SIGCONT); // It always reaches at least us.

    private void End(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _count) == 1)
            _interrupt();
        else
            _abandon();
    }
}
