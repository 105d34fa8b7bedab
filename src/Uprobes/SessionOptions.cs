using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>How probes are armed.</summary>
public enum ProbeEngine
{
    /// <summary>The cheapest engine that is safe for each site.</summary>
    Auto,

    /// <summary>A breakpoint instruction, served by the tracer.</summary>
    Trap,

    /// <summary>
    /// A jump to machine code in the process. What cannot be patched with one is refused, and so are handlers in C#, which need a breakpoint.
    /// </summary>
    Inline,
}

/// <summary>The choices of a session. Immutable.</summary>
public sealed record SessionOptions
{
    /// <summary>How probes are armed.</summary>
    public ProbeEngine Engine { get; init; } = ProbeEngine.Auto;

    /// <summary>What happens when someone wants to write a probed file.</summary>
    public WriteGuardPolicy WriteGuard { get; init; } = WriteGuardPolicy.DisarmAndAllow;

    /// <summary>Whether processes that a tracee forks are probed too. When false they run without probes.</summary>
    public bool FollowForks { get; init; } = true;

    /// <summary>
    /// Whether a small guardian process restores the text of all tracees if this process is killed. Without it a killed
    /// tracer leaves breakpoints behind, which the tracees step over by themselves but keep.
    /// </summary>
    public bool Guardian { get; init; } = true;

    /// <summary>
    /// Bytes of the buffer in which each thread of a process leaves a query's events until they are read: a power of two from 4 KiB to 1 GiB. An
    /// event takes 16 bytes and 8 for each integer that is selected. Memory that no event has come to is not used.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not a power of two, too little or too much.</exception>
    public int EventBufferBytes
    {
        get;
        init => field = value is >= 1 << 12 and <= 1 << 30 && int.IsPow2(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(EventBufferBytes), value, "a power of two from 4,096 to 1,073,741,824 is needed");
    } = ProgramGroup.DefaultRingBytes;

    /// <summary>How long a thread may take to stop before the operation gives it up.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Called with the session before it attaches or launches, so that it can be disposed of from another thread meanwhile.</summary>
    internal Action<UprobeSession>? Opening { get; init; }

    /// <summary>Called after each step that changes a tracee, with the step's name: where tests kill the tracer.</summary>
    internal Action<string>? Step { get; init; }
}
