using Uprobes.Arming.X64;

namespace Uprobes.Arming.Trap;

/// <summary>Whether a site's breakpoint is in the text.</summary>
internal enum SiteState
{
    /// <summary>The original byte stands; a thread may still be in the slot.</summary>
    Disarmed,
    Armed,

    /// <summary>The breakpoint vanished without us.</summary>
    Lost,
}

/// <summary>
/// An address in one address space that is, or was, armed. It stays known after it is disarmed, with its slot: a thread may
/// still be on its way through it, and arming it again costs nothing. Used on the tracer thread only.
/// </summary>
internal sealed class Site(ulong address, byte[] original, InspectedInstruction instruction)
{
    internal ulong Address { get; } = address;

    /// <summary>The original memory from the address on: the displaced instruction and what follows, up to 15 bytes.</summary>
    internal byte[] Original { get; } = original;

    internal InspectedInstruction Instruction { get; } = instruction;

    internal SiteState State { get; set; }

    /// <summary>Where the displaced instruction runs; goes on behind the site by itself.</summary>
    internal ulong Slot { get; set; }

    /// <summary>The same, ending in a stop for post handlers; 0 until one is wanted.</summary>
    internal ulong PostSlot { get; set; }

    /// <summary>The uprobe that the site belongs to, or null for a site of the engine's own.</summary>
    internal ArmedPoint? Point { get; set; }

    /// <summary>Those whose calls return to this address.</summary>
    internal HashSet<IReturnSink>? ReturnSinks { get; set; }

    /// <summary>Which system call of the program's own the engine is told of here.</summary>
    internal MappingHookKind Hook { get; set; }

    /// <summary>Called when calls end without returning.</summary>
    internal ExitHookKind ExitHook { get; set; }

    /// <summary>Whether this is the instruction that makes a followed call: when it runs, what was called from there before is over.</summary>
    internal bool WatchesCall { get; set; }

    /// <summary>The guardian's entry, or -1.</summary>
    internal int GuardianEntry { get; set; } = -1;

    /// <summary>Whether anything still needs the breakpoint.</summary>
    internal bool IsWanted => Point is not null || ReturnSinks is { Count: > 0 } || Hook != MappingHookKind.None
        || ExitHook != ExitHookKind.None || WatchesCall;
}

/// <summary>What a site of the engine's own reports.</summary>
internal enum MappingHookKind
{
    None,

    /// <summary>Right behind the system call of an mmap function.</summary>
    Map,

    /// <summary>Right behind the system call of a munmap function.</summary>
    Unmap,

    /// <summary>The dynamic linker's r_brk function.</summary>
    LinkerBreakpoint,

    /// <summary>The C library's sigaction.</summary>
    SignalActionEntry,

    /// <summary>Right behind the system call rt_sigaction, while one for SIGTRAP is under way.</summary>
    SignalAction,

    /// <summary>The entry point of a launched program, at which the libraries that it names are loaded.</summary>
    ProgramEntry,
}
