using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>
/// Signals that a thread's own instruction has raised. They are delivered before the thread runs another instruction, unless an interrupt
/// (PTRACE_INTERRUPT) is reported first: the thread stands behind a breakpoint then, say, and its SIGTRAP is still to come.
/// </summary>
internal static class RaisedSignals
{
    /// <summary>SYNCHRONOUS_MASK of kernel/signal.c.</summary>
    internal const ulong All = 1UL << (Signal.SIGSEGV - 1) | 1UL << (Signal.SIGBUS - 1) | 1UL << (Signal.SIGILL - 1)
        | 1UL << (Signal.SIGTRAP - 1) | 1UL << (Signal.SIGFPE - 1) | 1UL << (Signal.SIGSYS - 1);

    private const int AtOnce = 8;

    /// <summary>Whether one waits to be delivered to a stopped thread, and is going to be when the thread goes on.</summary>
    internal static bool ArePending(int tid)
    {
        Span<Ptrace.SignalInfo> pending = stackalloc Ptrace.SignalInfo[AtOnce];
        for (int from = 0, got; (got = Ptrace.PeekPending(tid, from, pending)) > 0; from += got)
        {
            foreach (ref readonly Ptrace.SignalInfo info in pending[..got])
            {
                // A signal that somebody sent has a code of at most 0 (sigaction(2)).
                if ((All & Signal.Bit(info.Number)) != 0 && info.Code > 0 && Ptrace.GetSignalMask(tid, out ulong mask) == 0
                    && (mask & Signal.Bit(info.Number)) == 0)
                    return true;
            }
        }

        return false; // None, or killed meanwhile.
    }
}
