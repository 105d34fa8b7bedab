using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls and constants of <c>signal.h</c>.</summary>
internal static partial class LibC
{
    /// <summary><c>struct sigaction</c> of glibc on x86-64 (bits/sigaction.h): 152 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct SigAction
    {
        internal nint Handler;
        internal fixed ulong Mask[16];
        internal int Flags;
        internal nint Restorer;
    }

    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial int sigaction(int signal, SigAction* action, SigAction* old);

    internal const int SIGTRAP = 5, SIGKILL = 9, SIGPIPE = 13, SIGCHLD = 17;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int kill(int processId, int signal);

#pragma warning disable CS1591 // The constants of those names in signal.h, x86-64.
    internal const int SIG_BLOCK = 0;
    internal const int SIGIO = 29, SIGRTMAX = 64;
#pragma warning restore CS1591

    /// <summary><c>sigset_t</c> of the C library: 1024 bits, of which the kernel reads the first 64; bit N-1 is signal N.</summary>
    [InlineArray(16)]
    internal struct SignalSet
    {
        private ulong first;

        internal static SignalSet Of(params ReadOnlySpan<int> signals)
        {
            var set = new SignalSet();
            foreach (int signal in signals)
            {
                set[0] |= 1UL << (signal - 1);
            }

            return set;
        }
    }

    /// <summary>Changes the calling thread's mask. Gives an errno value, not -1.</summary>
    [LibraryImport("libc")]
    internal static unsafe partial int pthread_sigmask(int how, SignalSet* set, SignalSet* old);
}
