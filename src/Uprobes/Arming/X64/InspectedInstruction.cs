namespace Uprobes.Arming.X64;

/// <summary>What the choice of a slot, or of an engine, needs to know about an instruction that can be a site.</summary>
/// <param name="Length">Bytes of the instruction, 1 to 15.</param>
/// <param name="ControlFlow">Where execution goes after it.</param>
/// <param name="DataReach">
/// The absolute address of its RIP-relative operand (address space of the tracee), or null where it has none that
/// restricts the slot. A slot within 2 GiB less <see cref="InstructionRelocator.MaximumCodeLength"/> of that address
/// can hold the instruction. EIP-relative operands (prefix 67) wrap at 4 GiB and restrict nothing.
/// </param>
internal readonly record struct InspectedInstruction(int Length, ControlFlowKind ControlFlow, ulong? DataReach)
{
    /// <summary>Whether a thread can stay in the slot for as long as a system call takes, and a child process start in it.</summary>
    public bool IsSyscall => ControlFlow == ControlFlowKind.SystemCall;

    /// <summary>Whether it is a call.</summary>
    public bool PushesReturn => ControlFlow is ControlFlowKind.DirectCall or ControlFlowKind.IndirectCall;

    /// <summary>
    /// Whether a post handler needs the tracer to work out the destination (<see cref="BranchTargets"/>), because
    /// no int3 can be put where the instruction goes.
    /// </summary>
    public bool NeedsEmulationAfterwards =>
        ControlFlow is ControlFlowKind.Return or ControlFlowKind.IndirectJump or ControlFlowKind.IndirectCall;
}
