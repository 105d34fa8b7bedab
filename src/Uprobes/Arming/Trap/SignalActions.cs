using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Processes.X64;

namespace Uprobes.Arming.Trap;

/// <summary>Reads what a program does with SIGTRAP.</summary>
internal static class SignalActions
{
    private const int ActionSize = 32;
    private const ulong BelowRedZone = 512;

    /// <summary>The program's own disposition, read in a stopped thread before ours is installed.</summary>
    internal static ProgramDisposition ReadTrapDisposition(ArmingServices services, TracedThread thread)
    {
        ThreadStatus? status = ThreadStatus.TryRead(thread.ThreadId);
        if (status is null || (!status.IsCaught(Signal.SIGTRAP) && !status.IsIgnored(Signal.SIGTRAP)))
            return ProgramDisposition.Default;
        if (status.IsIgnored(Signal.SIGTRAP))
            return new ProgramDisposition(IsIgnored: true, IsCaught: false, null);

        // The kernel writes the action below the red zone, which no running code uses, and what was there is put back.
        if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
            return new ProgramDisposition(false, true, null);
        RemoteAddress scratch = new((registers.Rsp - BelowRedZone) & ~15UL);
        TraceeMemory memory = thread.Process.Space.Memory;
        byte[] before = new byte[ActionSize], action = new byte[ActionSize];
        if (memory.Read(scratch, before) != ActionSize)
            return new ProgramDisposition(false, true, null);
        bool read = services.Calls.GetSignalAction(thread, Signal.SIGTRAP, scratch).IsSuccess && memory.Read(scratch, action) == ActionSize;
        _ = memory.WriteAll(scratch, before); // Fails only for a process that is gone.
        return read && FormerNet.Find(memory, action) is { } former
            ? new ProgramDisposition(former.IsIgnored, IsCaught: false, null, former)
            : new ProgramDisposition(false, true, read ? action : null);
    }
}
