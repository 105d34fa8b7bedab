using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>
/// ptrace(2), one method a request. Every method returns 0 or a positive errno: ESRCH means that the thread is gone or
/// not stopped, which callers treat as an event and not as a failure (traps T10). All calls must come from the thread
/// that seized the tracee (traps P1).
/// </summary>
internal static unsafe class Ptrace
{
    private const int PTRACE_CONT = 7, PTRACE_GETREGS = 12, PTRACE_SETREGS = 13, PTRACE_DETACH = 17, PTRACE_SYSCALL = 24, PTRACE_POKEUSER = 6,
        PTRACE_SETOPTIONS = 0x4200, PTRACE_GETEVENTMSG = 0x4201, PTRACE_GETSIGINFO = 0x4202, PTRACE_SETSIGINFO = 0x4203,
        PTRACE_SEIZE = 0x4206, PTRACE_INTERRUPT = 0x4207, PTRACE_LISTEN = 0x4208, PTRACE_PEEKSIGINFO = 0x4209,
        PTRACE_GETSIGMASK = 0x420a, PTRACE_SETSIGMASK = 0x420b;

    /// <summary>offsetof(struct user, regs.rip): the 17th word.</summary>
    private const int RipOffset = 16 * 8;

    [Flags]
    internal enum Options
    {
        TraceSysGood = 1, TraceFork = 2, TraceVfork = 4, TraceClone = 8, TraceExec = 0x10, TraceVforkDone = 0x20, TraceExit = 0x40,
        SuspendSeccomp = 0x200000,
    }

    /// <summary>What every tracee of ours is seized with.</summary>
    internal const Options Standard = Options.TraceSysGood | Options.TraceFork | Options.TraceVfork | Options.TraceClone | Options.TraceExec
        | Options.TraceVforkDone;

    internal static int Seize(int tid, Options options) => Call(PTRACE_SEIZE, tid, 0, (nint)options);

    internal static int Interrupt(int tid) => Call(PTRACE_INTERRUPT, tid, 0, 0);

    internal static int Listen(int tid) => Call(PTRACE_LISTEN, tid, 0, 0);

    internal static int Continue(int tid, int signal) => Call(PTRACE_CONT, tid, 0, signal);

    internal static int ContinueToSystemCall(int tid, int signal) => Call(PTRACE_SYSCALL, tid, 0, signal);

    internal static int Detach(int tid, int signal) => Call(PTRACE_DETACH, tid, 0, signal);

    internal static int SetOptions(int tid, Options options) => Call(PTRACE_SETOPTIONS, tid, 0, (nint)options);

    internal static int GetRegisters(int tid, out UserRegisters registers)
    {
        fixed (UserRegisters* pointer = &registers)
            return Call(PTRACE_GETREGS, tid, 0, (nint)pointer);
    }

    internal static int SetRegisters(int tid, in UserRegisters registers)
    {
        fixed (UserRegisters* pointer = &registers)
            return Call(PTRACE_SETREGS, tid, 0, (nint)pointer);
    }

    /// <summary>Sets RIP alone: half the price of writing all registers.</summary>
    internal static int SetInstructionPointer(int tid, ulong rip) => Call(PTRACE_POKEUSER, tid, RipOffset, (nint)rip);

    internal static int GetEventMessage(int tid, out ulong message)
    {
        message = 0;
        fixed (ulong* pointer = &message)
            return Call(PTRACE_GETEVENTMSG, tid, 0, (nint)pointer);
    }

    internal static int GetSignalInfo(int tid, out SignalInfo info)
    {
        fixed (SignalInfo* pointer = &info)
            return Call(PTRACE_GETSIGINFO, tid, 0, (nint)pointer);
    }

    internal static int SetSignalInfo(int tid, in SignalInfo info)
    {
        fixed (SignalInfo* pointer = &info)
            return Call(PTRACE_SETSIGINFO, tid, 0, (nint)pointer);
    }

    /// <summary>The signals that are pending for this thread alone, of those the first that the span has room for, in the order in which they came.</summary>
    /// <returns>How many, or a negative errno.</returns>
    internal static int PeekPending(int tid, int from, Span<SignalInfo> pending)
    {
        PeekArguments arguments = new() { From = (ulong)from, Count = pending.Length };
        fixed (SignalInfo* pointer = pending)
        {
            nint got = LibC.ptrace(PTRACE_PEEKSIGINFO, tid, (nint)(&arguments), (nint)pointer);
            return got < 0 ? -Marshal.GetLastPInvokeError() : (int)got;
        }
    }

    internal static int GetSignalMask(int tid, out ulong mask)
    {
        mask = 0;
        fixed (ulong* pointer = &mask)
            return Call(PTRACE_GETSIGMASK, tid, sizeof(ulong), (nint)pointer);
    }

    internal static int SetSignalMask(int tid, ulong mask) => Call(PTRACE_SETSIGMASK, tid, sizeof(ulong), (nint)(&mask));

    private static int Call(int request, int tid, nint address, nint data) =>
        LibC.ptrace(request, tid, address, data) == -1 ? Marshal.GetLastPInvokeError() : 0;

    /// <summary><c>struct ptrace_peeksiginfo_args</c> (linux/ptrace.h); without flags the thread's own queue is meant.</summary>
    private struct PeekArguments
    {
        internal ulong From;
        internal uint Flags;
        internal int Count;
    }

    /// <summary><c>siginfo_t</c>: 128 bytes, of which the first words and si_addr are named (asm-generic/siginfo.h).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    internal struct SignalInfo
    {
        [FieldOffset(0)] internal int Number;
        [FieldOffset(4)] internal int Error;
        [FieldOffset(8)] internal int Code;
        [FieldOffset(16)] internal ulong Address;
    }
}
