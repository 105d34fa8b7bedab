namespace Uprobes.Arming.Inline.X64;

/// <summary>Why a site cannot be patched with a jump; the trap engine takes it.</summary>
internal enum PatchRefusalReason
{
    /// <summary>No instruction of the image is there.</summary>
    NotCode,

    /// <summary>An instruction that would be displaced cannot run elsewhere (<see cref="Arming.X64.RelocationRefusalReason"/>).</summary>
    Instruction,

    /// <summary>The signal return sequence, which unwinders recognise by its bytes.</summary>
    SignalReturn,

    /// <summary>The critical section of a restartable sequence.</summary>
    RestartableSequence,

    /// <summary>The first code of a process, which has no caller and no return address.</summary>
    ProcessStart,

    /// <summary>The dynamic linker's lazy binding, between a caller and a callee that both own the registers.</summary>
    LazyBinding,

    /// <summary>The code after <c>clone</c> or <c>vfork</c>, where a child may run on the stack, or without the stack, of its parent.</summary>
    CloneChild,

    /// <summary>More than one instruction would have to be displaced, and the site is not at the entry of a function.</summary>
    InsideFunction,

    /// <summary>A branch, a table, a symbol or a pointer leads into the bytes that would be overwritten.</summary>
    LandingInside,

    /// <summary>The function has a computed jump whose targets are not known.</summary>
    UnknownJump,

    /// <summary>A call would be displaced with instructions behind it: its return address would point into the patch.</summary>
    CallInside,

    /// <summary>
    /// A system call would be displaced with instructions behind it, and a thread can be in it for hours; or with some in front of it, and
    /// the kernel takes a thread back to its address, inside the patch, when a signal handler has interrupted it.
    /// </summary>
    SyscallInside,

    /// <summary>Control does not go on behind an instruction before the patch ends, and what follows is not unused padding.</summary>
    EndsEarly,

    /// <summary>A short jump would do, but within its reach no unused padding has room for the long one. Never the first reason of a plan.</summary>
    NoPadding,

    /// <summary>A displaced branch goes back to the site: the probe has to see each turn.</summary>
    LoopToSite,

    /// <summary>The image's runtime turns faults into exceptions by the address of the instruction, and this one can fault.</summary>
    CanFault,

    /// <summary>The written bytes would lie in two pages.</summary>
    PageCrossing,

    /// <summary>The patch would overlap that of another site.</summary>
    OverlapsPlan,

    /// <summary>The site is within a neighbour's displaced instructions, but at none of their starts.</summary>
    InsideDisplaced,
}
