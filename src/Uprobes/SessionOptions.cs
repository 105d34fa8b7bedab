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

/// <summary>Whether the tracer stays with the processes that it probes.</summary>
public enum TracerPresence
{
    /// <summary>
    /// It stays attached for as long as the session lasts. It learns of new threads, forked children, executed programs and loaded libraries before
    /// anything in them can run, and hides from signal handlers where probes run.
    /// </summary>
    Attached,

    /// <summary>
    /// It lets go of a process as soon as its probes are in place, and comes back to put in more, to take them out, and when something has changed,
    /// which it looks for every <see cref="SessionOptions.LookInterval"/>. Meanwhile the process makes no stop, and a debugger can have it. Only
    /// programs of queries that look at entries can be probes then (<see cref="ProbeEngine.Inline"/> is implied), and what loads, forks or executes
    /// is probed late.
    /// </summary>
    Detached,
}

/// <summary>The choices of a session. Immutable.</summary>
public sealed record SessionOptions
{
    /// <summary>How probes are armed.</summary>
    public ProbeEngine Engine { get; init; } = ProbeEngine.Auto;

    /// <summary>Whether the tracer stays with the processes.</summary>
    public TracerPresence Presence { get; init; } = TracerPresence.Attached;

    /// <summary>
    /// How often processes are looked at that the tracer has let go of: by so much later than they are loaded, forked or executed, libraries,
    /// children and programs are probed. And how often room is made in maps that the programs of queries fill with keys and delete them from.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a millisecond, or more than a minute.</exception>
    public TimeSpan LookInterval
    {
        get;
        init => field = value >= TimeSpan.FromMilliseconds(1) && value <= TimeSpan.FromMinutes(1) ? value
            : throw new ArgumentOutOfRangeException(nameof(LookInterval), value, "a millisecond to a minute is needed");
    } = TimeSpan.FromMilliseconds(20);

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
