using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>
/// A signal whose only effect is that a blocking system call of the thread it is sent to returns EINTR. The handler is
/// a C library function without effects (abs), so that no managed code runs in signal context. The signal is the
/// highest real-time signal that the host program has left at its default.
/// </summary>
internal static unsafe class WakeSignal
{
    private const int SIGRTMAX = 64;
    private const int FirstCandidate = 40;
    private static readonly Lazy<int> Installed = new(Install);

    /// <summary>The signal's number; installing it happens at the first use.</summary>
    internal static int Number => Installed.Value;

    private static int Install()
    {
        nint handler = NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), "abs");
        for (int signal = SIGRTMAX - 1; signal >= FirstCandidate; signal--)
        {
            LibC.SigAction old = default;
            if (LibC.sigaction(signal, null, &old) != 0 || old.Handler != 0)
                continue;
            LibC.SigAction action = default;
            action.Handler = handler; // Without SA_RESTART: an interrupted wait has to return.
            if (LibC.sigaction(signal, &action, null) == 0)
                return signal;
        }

        throw new InvalidOperationException("every real-time signal from 40 to 63 is in use by this program; none is left to wake the tracer thread with");
    }
}
