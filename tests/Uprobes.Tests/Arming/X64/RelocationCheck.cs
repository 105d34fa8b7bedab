using Iced.Intel;
using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>What must hold for the code of every slot, found by decoding it again.</summary>
internal static class RelocationCheck
{
    public static void Verify(InstructionForm form, RelocatedInstruction relocated, ulong destination)
    {
        Instruction original = Decoder.Create(64, form.Bytes, TestLayout.Site).Decode();
        Assert.Equal(original.Length, relocated.OriginalLength);
        Assert.InRange(relocated.Code.Length, 1, InstructionRelocator.MaximumCodeLength);
        List<Instruction> slot = DecodeAll(form, relocated, destination);

        // Positions: one for every boundary, ascending; a restart inside the prefixes of syscall comes on top.
        var boundaries = slot.Select(instruction => (int)(instruction.IP - destination)).ToHashSet();
        int[] offsets = [.. relocated.Positions.Select(position => position.Offset)];
        Assert.True(offsets.Order().SequenceEqual(offsets) && offsets.Distinct().Count() == offsets.Length, form.ToString());
        Assert.True(boundaries.IsSubsetOf(offsets), form.ToString());
        boundaries.UnionWith(relocated.Exits.Select(exit => exit.Offset + 1));
        if (original.Code != Code.Syscall)
            Assert.Equal(boundaries.Count, offsets.Length);
        foreach (SlotPosition position in relocated.Positions)
            VerifyPosition(form, original, position);
        foreach (SlotExit exit in relocated.Exits)
            Assert.Equal(0xCC, relocated.Code[exit.Offset]);

        if (original.FlowControl is FlowControl.Next or FlowControl.Exception or FlowControl.Return or FlowControl.IndirectBranch)
            VerifyCopy(form, original, slot[0], relocated);
    }

    private static List<Instruction> DecodeAll(InstructionForm form, RelocatedInstruction relocated, ulong destination)
    {
        var instructions = new List<Instruction>();
        int offset = 0;
        while (offset < relocated.Code.Length)
        {
            Instruction instruction = Decoder.Create(64, relocated.Code[offset..], destination + (ulong)offset).Decode();
            Assert.False(instruction.IsInvalid, form.ToString());
            instructions.Add(instruction);
            offset += instruction.Length;
            // jmp *0(%rip) is followed by its target.
            bool farJump = instruction.Code == Code.Jmp_rm64 && instruction.IsIPRelativeMemoryOperand && instruction.IPRelativeMemoryAddress == instruction.NextIP;
            if (farJump && offset + 8 <= relocated.Code.Length)
                offset += 8;
        }

        Assert.Equal(relocated.Code.Length, offset);
        return instructions;
    }

    private static void VerifyPosition(InstructionForm form, in Instruction original, SlotPosition position)
    {
        bool call = original.IsCallNear || original.IsCallNearIndirect;
        Assert.True(position.StackAdjust is 0 || (position.StackAdjust == 8 && call && !position.Executed), form.ToString());
        Assert.True(!position.FixRcx || original.Code == Code.Syscall, form.ToString());
        if (position.Executed)
        {
            bool target = (original.IsJccShortOrNear || original.IsJmpShortOrNear || original.IsCallNear || original.FlowControl == FlowControl.ConditionalBranch)
                && position.OriginalRip == original.NearBranchTarget;
            Assert.True(target || position.OriginalRip == original.NextIP, form.ToString());
        }
        else
        {
            Assert.True(position.OriginalRip == original.IP || original.Code == Code.Syscall, form.ToString());
        }
    }

    private static void VerifyCopy(InstructionForm form, in Instruction original, in Instruction copy, RelocatedInstruction relocated)
    {
        Assert.Equal(original.Code, copy.Code);
        if (!original.IsIPRelativeMemoryOperand)
        {
            Assert.True(form.Bytes.AsSpan().SequenceEqual(relocated.Code.AsSpan(0, form.Bytes.Length)), form.ToString());
            return;
        }

        Assert.Equal(original.IPRelativeMemoryAddress, copy.IPRelativeMemoryAddress);
        var decoder = Decoder.Create(64, form.Bytes, TestLayout.Site);
        int displacement = decoder.GetConstantOffsets(decoder.Decode()).DisplacementOffset;
        for (int index = 0; index < form.Bytes.Length; index++)
        {
            bool patched = index >= displacement && index < displacement + 4;
            Assert.True(patched || form.Bytes[index] == relocated.Code[index], form.ToString());
        }
    }
}
