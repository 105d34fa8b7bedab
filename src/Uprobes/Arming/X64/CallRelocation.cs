using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Iced.Intel;

namespace Uprobes.Arming.X64;

/// <summary>
/// Calls become a push of the original return address and a jump, so that unwinders, exceptions and the callee see
/// the caller that they would see without the probe. Until the jump a thread can go back to the site by adding 8 to RSP:
/// the word below RSP belongs to the call anyway. (A processor with a shadow stack would refuse the callee's return; whoever
/// chooses the engine knows whether the thread has one.)
/// </summary>
internal static class CallRelocation
{
    private const int PushedBytes = 8;
    private const byte GroupFive = 0xFF;

    /// <summary>
    /// <code>
    /// (push of the return address)
    /// e9 rel32            jmp  target
    /// </code>
    /// </summary>
    public static void Direct(SlotCodeBuilder slot, DisplacedInstruction displaced)
    {
        PushReturnAddress(slot, displaced.Next);
        if (slot.StopAfter)
        {
            slot.Leave(displaced.Decoded.NearBranchTarget);
            return;
        }

        slot.BoundaryBefore(PushedBytes);
        slot.Jump(displaced.Decoded.NearBranchTarget);
    }

    /// <summary>
    /// The same with the operand of the call: FF /2 becomes FF /4, all else being equal. An operand on the
    /// stack has moved away by the pushed word.
    /// <code>
    /// (push of the return address)
    /// ff /4               jmp  *operand             call *8(%rsp) becomes jmp *16(%rsp)
    /// </code>
    /// </summary>
    public static bool TryIndirect(SlotCodeBuilder slot, DisplacedInstruction displaced, [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        PushReturnAddress(slot, displaced.Next);
        slot.BoundaryBefore(PushedBytes);
        ref readonly Instruction instruction = ref displaced.Decoded;
        if (instruction.Op0Kind != OpKind.Register && instruction.MemoryBase is Register.RSP or Register.ESP)
        {
            JumpThroughStack(slot, displaced);
            refusal = null;
            return true;
        }

        byte[] jump = [.. displaced.Bytes];
        ref byte modRm = ref jump[displaced.Prefixes.Length + 1];
        modRm = AsJump(modRm);
        return CopyRelocation.TryCopy(slot, displaced, jump, out refusal);
    }

    /// <summary>
    /// Touches no flag and no register but RSP; a fault can happen in the push only, at the address and for the reason
    /// that the call would fault.
    /// <code>
    /// 68 imm32                push  $low             sign-extended, hence the second half
    /// c7 44 24 04 imm32       movl  $high, 4(%rsp)
    /// </code>
    /// </summary>
    private static void PushReturnAddress(SlotCodeBuilder slot, ulong returnAddress)
    {
        slot.BoundaryBefore();
        slot.Write(0x68);
        slot.Write32((uint)returnAddress);
        slot.BoundaryBefore(PushedBytes);
        slot.Write(0xC7, 0x44, 0x24, 0x04);
        slot.Write32((uint)(returnAddress >> 32));
    }

    /// <summary>
    /// <code>
    /// [64|65] [67] [rex] ff a4 sib disp32      jmp  *disp+8(%rsp,index,scale)
    /// </code>
    /// Prefixes without a meaning are left out, except notrack, which has one: the wider displacement would not always fit beside them.
    /// </summary>
    private static void JumpThroughStack(SlotCodeBuilder slot, DisplacedInstruction displaced)
    {
        InstructionPrefixes prefixes = displaced.Prefixes;
        if (prefixes.Segment != 0)
            slot.Write(prefixes.Segment);
        else if (displaced.Bytes.AsSpan(0, prefixes.Length).Contains((byte)0x3E))
            slot.Write(0x3E);
        if (prefixes.AddressSize)
            slot.Write(0x67);
        if (prefixes.Rex != 0)
            slot.Write(prefixes.Rex);
        ReadOnlySpan<byte> operand = displaced.Bytes.AsSpan(prefixes.Length + 1);
        byte withLongDisplacement = (byte)((AsJump(operand[0]) & 0x3F) | 0x80);
        slot.Write(GroupFive, withLongDisplacement, operand[1]);
        int displacement = (operand[0] >> 6) switch
        {
            0 => 0,
            1 => (sbyte)operand[2],
            _ => BinaryPrimitives.ReadInt32LittleEndian(operand[2..]),
        };
        // The policy lets no displacement pass that this would carry over the top.
        slot.Write32(unchecked((uint)displacement + PushedBytes));
    }

    /// <summary>ModR/M with the operation /4 (jmp) instead of /2 (call).</summary>
    private static byte AsJump(byte modRm) => (byte)((modRm & 0xC7) | (4 << 3));
}
