using System.Buffers.Binary;
using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>One record of insn_runner's case file (<c>struct test_case</c>): an instruction, its slot, and a state to run both from.</summary>
internal sealed record ExecutedCase
{
    public const int Size = 344;
    private const int MaximumPositions = 6;

    public required string Name { get; init; }

    public required byte[] Original { get; init; }

    public required RelocatedInstruction Relocated { get; init; }

    public required ulong Slot { get; init; }

    public ulong Site { get; init; } = TestLayout.Site;

    /// <summary>In encoding order: rax rcx rdx rbx rsp rbp rsi rdi r8 to r15.</summary>
    public required ulong[] Registers { get; init; }

    public ulong Flags { get; init; } = 0x202;

    /// <summary>The value of every word of memory; 0 for a pattern.</summary>
    public ulong Fill { get; init; }

    /// <summary>The word at RSP.</summary>
    public ulong TopOfStack { get; init; } = TestLayout.Target;

    /// <summary>SSE control: 1F80 masks all exceptions.</summary>
    public uint Mxcsr { get; init; } = 0x1F80;

    /// <summary>x87 control: 037F masks all exceptions.</summary>
    public uint Fcw { get; init; } = 0x037F;

    public void WriteTo(Span<byte> record)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(record, Site);
        BinaryPrimitives.WriteUInt64LittleEndian(record[8..], Slot);
        record[16] = (byte)Original.Length;
        record[17] = (byte)Relocated.Code.Length;
        Original.CopyTo(record[24..]);
        Relocated.Code.CopyTo(record[40..]);
        // The original run ends in an int3 too, where it goes on, and reports the byte after that.
        SlotPosition[] positions =
        [
            .. Relocated.Positions.Select(position => Relocated.Exits.Any(exit => exit.Offset + 1 == position.Offset)
                ? position with { OriginalRip = position.OriginalRip + 1 }
                : position),
        ];
        Assert.InRange(positions.Length, 1, MaximumPositions);
        record[18] = (byte)positions.Length;
        for (int index = 0; index < positions.Length; index++)
        {
            Span<byte> entry = record[(88 + (16 * index))..];
            BinaryPrimitives.WriteUInt64LittleEndian(entry, positions[index].OriginalRip);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], positions[index].StackAdjust);
            entry[12] = (byte)positions[index].Offset;
            entry[13] = positions[index].FixRcx ? (byte)1 : (byte)0;
        }

        for (int index = 0; index < Registers.Length; index++)
            BinaryPrimitives.WriteUInt64LittleEndian(record[(184 + (8 * index))..], Registers[index]);
        BinaryPrimitives.WriteUInt64LittleEndian(record[312..], Flags);
        BinaryPrimitives.WriteUInt64LittleEndian(record[320..], Fill);
        BinaryPrimitives.WriteUInt64LittleEndian(record[328..], TopOfStack);
        BinaryPrimitives.WriteUInt32LittleEndian(record[336..], Mxcsr);
        BinaryPrimitives.WriteUInt32LittleEndian(record[340..], Fcw);
    }
}
