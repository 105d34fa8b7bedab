namespace Uprobes.Arming.X64;

/// <summary>
/// Direct jumps. Their targets stay the original addresses, also where the target is the site itself: the int3 there
/// must see every iteration.
/// </summary>
internal static class BranchRelocation
{
    private const byte TwoByteOpcode = 0x0F;

    /// <summary>
    /// <code>
    /// e9 rel32            jmp  target
    /// </code>
    /// The position at its start counts as executed for a post handler's int3 only; a thread that has not yet jumped
    /// can as well start again.
    /// </summary>
    public static void Jump(SlotCodeBuilder slot, DisplacedInstruction displaced)
    {
        if (slot.StopAfter)
        {
            slot.Leave(displaced.Decoded.NearBranchTarget);
            return;
        }

        slot.BoundaryBefore();
        slot.Jump(displaced.Decoded.NearBranchTarget);
    }

    /// <summary>
    /// <code>
    /// 0f 8x rel32         jcc  target               7x rel8             jcc  1f
    /// e9 rel32            jmp  next         or      e9 rel32            jmp  next      (or int3)
    ///                                               e9 rel32        1:  jmp  target    (or int3)
    /// </code>
    /// Between two int3s lies a byte that nothing reaches, so that having run the first and coming to the second are different
    /// addresses. The second form serves <c>loop</c> and <c>jrcxz</c> too, which have no long form; it keeps their prefixes (67 selects ECX).
    /// </summary>
    public static void Conditional(SlotCodeBuilder slot, DisplacedInstruction displaced)
    {
        ulong target = displaced.Decoded.NearBranchTarget;
        slot.BoundaryBefore();
        bool hasLongForm = displaced.Decoded.IsJccShortOrNear;
        if (hasLongForm && !slot.StopAfter && SlotCodeBuilder.Reaches(slot.Here + 6, target, out uint distance))
        {
            slot.Write(TwoByteOpcode, (byte)(0x80 | Condition(displaced)));
            slot.Write32(distance);
            slot.Leave(displaced.Next);
            return;
        }

        if (hasLongForm)
            slot.Write((byte)(0x70 | Condition(displaced)), 0);
        else
            slot.Write(displaced.Bytes);
        int notTaken = slot.Length;
        slot.Leave(displaced.Next);
        if (slot.StopAfter)
            slot.Write(0xCC);
        slot.Patch(notTaken - 1, (byte)(slot.Length - notTaken));
        slot.Leave(target);
    }

    /// <summary>The low four bits of the opcode (7x, or 0F 8x).</summary>
    private static int Condition(DisplacedInstruction displaced)
    {
        byte opcode = displaced.Opcode == TwoByteOpcode ? displaced.Bytes[displaced.Prefixes.Length + 1] : displaced.Opcode;
        return opcode & 0x0F;
    }
}
