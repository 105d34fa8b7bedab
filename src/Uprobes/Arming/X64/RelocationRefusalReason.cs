namespace Uprobes.Arming.X64;

/// <summary>Why an instruction cannot be a site, or not with this slot.</summary>
internal enum RelocationRefusalReason
{
    /// <summary>The bytes are no instruction that the decoder knows; its length is not sure.</summary>
    Undecodable,

    /// <summary>The bytes end inside the instruction: the next page is not mapped or not readable.</summary>
    Truncated,

    /// <summary><c>int3</c> or <c>int 3</c>: the program's own breakpoint, or another debugger's.</summary>
    OwnBreakpoint,

    /// <summary><c>int n</c>, <c>int1</c>: enters the kernel through a gate that reports the address after it.</summary>
    SoftwareInterrupt,

    /// <summary><c>in</c>, <c>out</c>, <c>ins</c>, <c>outs</c>.</summary>
    PortIo,

    /// <summary>Works in the kernel or a hypervisor only.</summary>
    Privileged,

    /// <summary>Far call, jump or return, <c>iret</c>, <c>uiret</c>: loads or stores CS together with RIP.</summary>
    FarTransfer,

    /// <summary><c>sysenter</c>: the kernel does not keep the address to return to.</summary>
    Sysenter,

    /// <summary><c>mov ss</c> holds off debug traps for one instruction.</summary>
    StackSegmentLoad,

    /// <summary><c>xbegin</c>, <c>xend</c>, <c>xabort</c>: an int3 there aborts every transaction.</summary>
    Transactional,

    /// <summary><c>enclu</c>: hands the address after it to an enclave.</summary>
    EnclaveEntry,

    /// <summary>The RIP-relative operand is more than 2 GiB away from the slot.</summary>
    OutOfReach,

    /// <summary>A near branch with an operand-size prefix, which Intel and AMD processors take differently.</summary>
    OperandSizeBranch,

    /// <summary>An indirect call whose operand is RSP itself, or memory that its own push overwrites.</summary>
    StackPointerCall,

    /// <summary>The signal return sequence of the C library, which unwinders recognise by its bytes.</summary>
    SignalReturnTrampoline,

    /// <summary>
    /// The code was to stop afterwards, and the destination is not known in advance (<c>ret</c>, indirect jump or call):
    /// use <see cref="BranchTargets"/>, or code that does not stop.
    /// </summary>
    NeedsEmulation,
}
