namespace Uprobes.Linux;

/// <summary>What a wait status reports about a traced thread (ptrace(2), "Stopped tracees").</summary>
internal enum WaitKind
{
    /// <summary>The thread ended by itself; <see cref="WaitStatus.ExitCode"/>.</summary>
    Exited,

    /// <summary>The thread was ended by a signal; <see cref="WaitStatus.Signal"/>.</summary>
    Killed,

    /// <summary>A signal is about to be delivered; the tracer decides.</summary>
    SignalDelivery,

    /// <summary>Entry or exit of a system call, with PTRACE_O_TRACESYSGOOD.</summary>
    SystemCall,

    /// <summary>PTRACE_INTERRUPT took effect, or a new child's first stop (PTRACE_EVENT_STOP with SIGTRAP).</summary>
    Interrupted,

    /// <summary>The process is stopped by job control (PTRACE_EVENT_STOP with a stop signal).</summary>
    GroupStop,

    /// <summary>A PTRACE_EVENT_* other than STOP; <see cref="WaitStatus.Event"/>.</summary>
    Event,
}

/// <summary>The events that PTRACE_SETOPTIONS asks for (linux/ptrace.h).</summary>
internal enum PtraceEvent
{
    Fork = 1, Vfork = 2, Clone = 3, Exec = 4, VforkDone = 5, Exit = 6, Seccomp = 7, Stop = 128,
}

/// <summary>A wait status, decoded once (traps P3).</summary>
internal readonly record struct WaitStatus(int Raw)
{
    private const int SIGTRAP = 5;
    private const int SystemCallStop = SIGTRAP | 0x80;

    internal WaitKind Kind
    {
        get
        {
            if ((Raw & 0x7f) == 0)
                return WaitKind.Exited;
            if ((Raw & 0xff) != 0x7f)
                return WaitKind.Killed;
            return (Raw >> 16, Signal) switch
            {
                (0, SystemCallStop) => WaitKind.SystemCall,
                (0, _) => WaitKind.SignalDelivery,
                ((int)PtraceEvent.Stop, SIGTRAP) => WaitKind.Interrupted,
                ((int)PtraceEvent.Stop, _) => WaitKind.GroupStop,
                _ => WaitKind.Event,
            };
        }
    }

    /// <summary>The status that waitid(2) reports in two parts.</summary>
    internal static WaitStatus Of(int code, int status) => new(code switch
    {
        LibC.CLD_EXITED => (status & 0xff) << 8,
        LibC.CLD_KILLED or LibC.CLD_DUMPED => status & 0x7f,
        _ => status << 8 | 0x7f,
    });

    /// <summary>The event of a <see cref="WaitKind.Event"/>.</summary>
    internal PtraceEvent Event => (PtraceEvent)(Raw >> 16);

    /// <summary>The signal that killed, is to be delivered, or stopped the job.</summary>
    internal int Signal => (Raw & 0xff) == 0x7f ? (Raw >> 8) & 0xff : Raw & 0x7f;

    /// <summary>exit(3)'s argument.</summary>
    internal int ExitCode => (Raw >> 8) & 0xff;

    /// <summary>Whether the thread is gone.</summary>
    internal bool IsEnd => Kind is WaitKind.Exited or WaitKind.Killed;

    /// <inheritdoc/>
    public override string ToString() => $"{Kind} 0x{Raw:x}";
}
