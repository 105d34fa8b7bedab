namespace Uprobes.Linux;

/// <summary>Signal numbers (signal(7), x86-64).</summary>
internal static class Signal
{
    internal const int SIGHUP = 1, SIGINT = 2, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9, SIGSEGV = 11,
        SIGTERM = 15, SIGCHLD = 17, SIGCONT = 18, SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22, SIGURG = 23, SIGWINCH = 28, SIGSYS = 31;

    /// <summary>From here on several signals of one number are pending in the order in which they were sent: the real-time signals, with those of the C library.</summary>
    internal const int FirstQueued = 32;

    /// <summary>si_code of a SIGTRAP that int3 raised (asm-generic/siginfo.h SI_KERNEL).</summary>
    internal const int SI_KERNEL = 0x80;

    /// <summary>The bit of a signal in a 64-bit signal set.</summary>
    internal static ulong Bit(int signal) => 1UL << (signal - 1);
}
