using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Uprobes.Linux;

internal static partial class LibC
{
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
