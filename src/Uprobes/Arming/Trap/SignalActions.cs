using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Processes.X64;

namespace Uprobes.Arming.Trap;

/// <summary>Reads and sets what a program does with SIGTRAP. On the tracer thread, in stopped threads.</summary>
internal static class SignalActions
{
    private const int ActionSize = ProgramDisposition.ActionSize;
    private const ulong BelowRedZone = 512;

    /// <summary>The action that the kernel has now: the program's own, where ours is not installed.</summary>
    internal static ProgramDisposition ReadTrapDisposition(ArmingServices services, TracedThread thread)
    {
        byte[] action = new byte[ActionSize];
        bool isRead = WithScratch(thread, scratch =>
            services.Calls.GetSignalAction(thread, Signal.SIGTRAP, scratch).IsSuccess
            && thread.Process.Space.Memory.Read(scratch, action) == ActionSize);
        if (isRead)
        {
            // Of the program's own choice no more is left behind a killed tracer's handler than whether it was to ignore.
            ProgramDisposition read = ProgramDisposition.Of(action);
            return read.IsCaught && FormerNet.Find(thread.Process.Space.Memory, action) is { } former
                ? (former.IsIgnored ? ProgramDisposition.Ignored : ProgramDisposition.Default) with { Former = former }
                : read;
        }

        // A stack that cannot be used, or a system call that may not be made: what /proc tells has to do.
        ThreadStatus? status = ThreadStatus.TryRead(thread.ThreadId);
        return status is null || (!status.IsCaught(Signal.SIGTRAP) && !status.IsIgnored(Signal.SIGTRAP)) ? ProgramDisposition.Default
            : status.IsIgnored(Signal.SIGTRAP) ? ProgramDisposition.Ignored
            : new ProgramDisposition(IsIgnored: false, IsCaught: true, null);
    }

    /// <summary>Sets the action. False when that could not be done.</summary>
    internal static bool SetTrapDisposition(ArmingServices services, TracedThread thread, byte[] action) =>
        WithScratch(thread, scratch =>
            thread.Process.Space.Memory.WriteAll(scratch, action) == 0
            && services.Calls.SetSignalAction(thread, Signal.SIGTRAP, scratch).IsSuccess);

    /// <summary>Lends memory below the red zone, which no running code uses; what was there is put back.</summary>
    private static bool WithScratch(TracedThread thread, Func<RemoteAddress, bool> use)
    {
        if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
            return false;
        RemoteAddress scratch = new((registers.Rsp - BelowRedZone) & ~15UL);
        TraceeMemory memory = thread.Process.Space.Memory;
        byte[] before = new byte[ActionSize];
        if (memory.Read(scratch, before) != ActionSize)
            return false;
        bool done = use(scratch);
        _ = memory.WriteAll(scratch, before); // Fails only for a process that is gone.
        return done;
    }
}
