using System.Diagnostics.CodeAnalysis;

namespace Uprobes.Arming.X64;

/// <summary>
/// Turns the instruction at a site into native code that does the same from another address and then goes on behind
/// the site. No step of it needs a tracer: a slot keeps working when there is none any more. Pure functions; any thread.
/// </summary>
/// <remarks>
/// What the slot cannot hide: the instruction pointer that x87 instructions leave for <c>fnstenv</c> and <c>fxsave</c>,
/// and, where <c>popf</c> sets TF, the first trap, which comes after the slot's jump back instead of after the instruction
/// behind the site.
/// </remarks>
internal static class InstructionRelocator
{
    /// <summary>
    /// Bytes to reserve for a slot. The longest code is a conditional branch of 15 bytes with two far jumps of 14
    /// bytes; rounded up to 16.
    /// </summary>
    public const int MaximumCodeLength = 48;

    /// <summary>Makes the code of a slot.</summary>
    /// <param name="bytes">The original memory at <paramref name="address"/>: up to 15 bytes, fewer at the end of a mapping.</param>
    /// <param name="address">The site, an address in the tracee.</param>
    /// <param name="destination">The slot, an address in the tracee.</param>
    /// <param name="stopAfter">
    /// Whether the code ends in int3s where it would jump back, for post handlers. Refused with
    /// <see cref="RelocationRefusalReason.NeedsEmulation"/> where the destination is not known in advance.
    /// </param>
    /// <param name="relocated">The code, and what each position in it means.</param>
    /// <param name="refusal">Why there is none.</param>
    public static bool TryRelocate(
        ReadOnlySpan<byte> bytes,
        ulong address,
        ulong destination,
        bool stopAfter,
        [NotNullWhen(true)] out RelocatedInstruction? relocated,
        [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        relocated = null;
        if (!TryAdmit(bytes, address, out DisplacedInstruction? displaced, out refusal))
            return false;
        if (stopAfter && Describe(displaced).NeedsEmulationAfterwards)
        {
            refusal = displaced.Refuse(RelocationRefusalReason.NeedsEmulation,
                "goes to an address that is known only when it runs, so that its slot cannot stop behind it");
            return false;
        }

        var slot = new SlotCodeBuilder(displaced, destination, stopAfter);
        if (!TryEmit(slot, displaced, out refusal))
            return false;
        relocated = slot.Build();
        return true;
    }

    /// <summary>One instruction of a run (<see cref="RunRelocator"/>).</summary>
    /// <param name="bytes">As for <see cref="TryRelocate"/>.</param>
    /// <param name="address">Its address in the tracee.</param>
    /// <param name="destination">Where its copy will be.</param>
    /// <param name="length">The bytes that are displaced from here on; where the instruction has fewer, the copy of the next one follows.</param>
    /// <param name="inspected">The instruction.</param>
    /// <param name="relocated">The code, and what each position in it means.</param>
    /// <param name="refusal">Why there is none.</param>
    public static bool TryRelocateOne(
        ReadOnlySpan<byte> bytes,
        ulong address,
        ulong destination,
        int length,
        out InspectedInstruction inspected,
        [NotNullWhen(true)] out RelocatedInstruction? relocated,
        [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        (relocated, inspected) = (null, default);
        if (!TryAdmit(bytes, address, out DisplacedInstruction? displaced, out refusal))
            return false;
        inspected = Describe(displaced);
        bool fallsThrough = inspected.Length < length; // Then it must be one that goes on there.
        if (fallsThrough && !GoesOn(displaced))
        {
            refusal = displaced.Refuse(RelocationRefusalReason.NeedsEmulation, "goes elsewhere and can only be the last of several displaced instructions");
            return false;
        }

        var slot = new SlotCodeBuilder(displaced, destination, stopAfter: false, fallsThrough);
        if (!TryEmit(slot, displaced, out refusal))
            return false;
        const int LongConditionalJump = 6;
        if (fallsThrough && displaced.ControlFlow == ControlFlowKind.ConditionalJump && slot.Length != LongConditionalJump)
        {
            refusal = displaced.Refuse(RelocationRefusalReason.OutOfReach, "goes to an address more than 2 GiB away from its copy");
            return false;
        }

        relocated = slot.Build();
        return true;
    }

    /// <summary>Whether the code of an instruction can end where the next one's begins.</summary>
    private static bool GoesOn(DisplacedInstruction displaced) => displaced.ControlFlow switch
    {
        ControlFlowKind.StraightLine or ControlFlowKind.SystemCall => true,
        ControlFlowKind.ConditionalJump => displaced.Decoded.IsJccShortOrNear,
        _ => false,
    };

    /// <summary>The policy alone, before there is a slot: whether the instruction can be a site.</summary>
    /// <param name="bytes">As for <see cref="TryRelocate"/>.</param>
    /// <param name="address">The site, an address in the tracee.</param>
    /// <param name="inspected">What the choice of a slot needs to know.</param>
    /// <param name="refusal">Why it cannot be a site.</param>
    public static bool TryInspect(
        ReadOnlySpan<byte> bytes, ulong address, out InspectedInstruction inspected, [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        bool admitted = TryAdmit(bytes, address, out DisplacedInstruction? displaced, out refusal);
        inspected = displaced is null ? default : Describe(displaced);
        return admitted;
    }

    private static bool TryAdmit(
        ReadOnlySpan<byte> bytes,
        ulong address,
        [NotNullWhen(true)] out DisplacedInstruction? displaced,
        [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        if (!DisplacedInstruction.TryDecode(bytes, address, out displaced, out refusal))
            return false;
        refusal = InstructionPolicy.Judge(displaced, bytes);
        if (refusal is null)
            return true;
        displaced = null;
        return false;
    }

    private static InspectedInstruction Describe(DisplacedInstruction displaced)
    {
        bool reaches = displaced.Decoded.IsIPRelativeMemoryOperand && displaced.Decoded.MemoryBase != Iced.Intel.Register.EIP;
        return new(displaced.Bytes.Length, displaced.ControlFlow, reaches ? displaced.Decoded.IPRelativeMemoryAddress : null);
    }

    private static bool TryEmit(SlotCodeBuilder slot, DisplacedInstruction displaced, [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        refusal = null;
        switch (displaced.ControlFlow)
        {
            case ControlFlowKind.DirectJump:
                BranchRelocation.Jump(slot, displaced);
                return true;
            case ControlFlowKind.ConditionalJump:
                BranchRelocation.Conditional(slot, displaced);
                return true;
            case ControlFlowKind.DirectCall:
                CallRelocation.Direct(slot, displaced);
                return true;
            case ControlFlowKind.SystemCall:
                CopyRelocation.Syscall(slot, displaced);
                return true;
            case ControlFlowKind.IndirectCall:
                return CallRelocation.TryIndirect(slot, displaced, out refusal);
            case ControlFlowKind.IndirectJump or ControlFlowKind.Return:
                return CopyRelocation.TryTransfer(slot, displaced, out refusal);
            default:
                return CopyRelocation.TryStraightLine(slot, displaced, out refusal);
        }
    }
}
