using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>What the engine keeps about a thread.</summary>
internal sealed class ThreadArming
{
    /// <summary>Hits whose handlers have been called and whose instructions have not run.</summary>
    internal FiredMarks Fired { get; } = new();

    /// <summary>When the thread's signal mask was last compared with what the kernel did to it; ticks of the stop watch.</summary>
    internal long LastMaskCheck { get; set; }

    /// <summary>The mask that was seen then, after the kernel had taken SIGTRAP out of it; at first none that a thread can have.</summary>
    internal ulong CheckedMask { get; set; } = ulong.MaxValue;

    /// <summary>Whether SIGTRAP was found blocked at the last look, or a handler for it is about to run.</summary>
    internal bool ExpectsBlocked { get; set; }

    /// <summary>Whether the thread has met a breakpoint with SIGTRAP blocked, and the action that this has reset was put right before its turn came.</summary>
    internal bool IsResetByThis { get; set; }

    /// <summary>The FS base when a call of the thread was followed: its control block.</summary>
    internal ulong FsBase { get; set; }

    /// <summary>The thread pointer (FS base) by which programs in the target find the thread's records; see <see cref="OwnThreadId"/>.</summary>
    internal ulong ThreadPointer { get; set; }

    /// <summary>The thread's id as it sees it itself, by which its records are named; 0 where nobody has looked.</summary>
    internal int OwnThreadId { get; set; }

    /// <summary>The stack that the thread was started with; null when it is not known, or not yet.</summary>
    internal StackExtent? OwnStack { get; set; }

    internal bool IsOwnStackKnown { get; set; }

    /// <summary>RSP where the exception was thrown, or taken up again, that the thread is unwinding for; 0 when there is none.</summary>
    internal ulong ThrownFrom { get; set; }

    /// <summary>What a SIGTRAP of the program's own said, that was taken from the thread and sent to it again.</summary>
    internal Ptrace.SignalInfo? HeldTrap { get; set; }

    internal static ThreadArming Of(TracedThread thread) =>
        (thread.EngineState ??= new ThreadArming()) as ThreadArming ?? throw new InvalidOperationException("foreign thread state");
}
