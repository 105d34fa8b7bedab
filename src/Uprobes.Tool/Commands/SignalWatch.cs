using System.Runtime.InteropServices;

namespace Uprobes.Tool.Commands;

/// <summary>
/// Turns the signals that ask a command to end into an orderly end. The second such signal ends at once: probes are
/// removed, results that still wait are given up.
/// </summary>
internal sealed class SignalWatch : IDisposable
{
    private const PosixSignal TerminalStop = (PosixSignal)20; // SIGTSTP, whose name in .NET is marked as not for Windows
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Action _interrupt;
    private readonly Action _abandon;
    private readonly Action _refuseStop;
    private int _count;

    /// <summary>Watches from now on; the actions are called on a thread of the pool.</summary>
    /// <param name="interrupt">The first signal came.</param>
    /// <param name="abandon">The second came.</param>
    /// <param name="tell">Tells a line.</param>
    public SignalWatch(Action interrupt, Action abandon, Action<string> tell)
    {
        _interrupt = interrupt;
        _abandon = abandon;
        _refuseStop = () => tell("Ctrl-Z does nothing here: the probed program would stop too, at its next hit. Ctrl-C ends");
        foreach (var signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            _registrations.Add(PosixSignalRegistration.Create(signal, End));
        // Ctrl-Z would stop us, and with us every thread that hits a probe from then on.
        _registrations.Add(PosixSignalRegistration.Create(TerminalStop, context =>
        {
            context.Cancel = true;
            _refuseStop();
        }));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }

    private void End(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _count) == 1)
            _interrupt();
        else
            _abandon();
    }
}
