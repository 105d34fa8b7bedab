namespace Uprobes.Arming.X64;

/// <summary>The legacy and REX prefixes of an instruction that has already been decoded as valid.</summary>
/// <param name="Length">How many bytes stand before the opcode.</param>
/// <param name="OperandSize">Whether 66 is among them.</param>
/// <param name="AddressSize">Whether 67 is among them.</param>
/// <param name="Segment">64 (FS) or 65 (GS), whichever came last, or 0. The others mean nothing in 64-bit mode.</param>
/// <param name="Rex">The REX byte that counts, the one right before the opcode, or 0.</param>
internal readonly record struct InstructionPrefixes(int Length, bool OperandSize, bool AddressSize, byte Segment, byte Rex)
{
    /// <summary>
    /// Whether 66 makes the operand 16 bits wide where a processor honours it: REX.W goes before 66, as in the
    /// padded <c>66 48 e8</c> of the thread-local storage calls.
    /// </summary>
    public bool NarrowsOperand => OperandSize && (Rex & 8) == 0;

    /// <summary>Reads the prefixes; VEX, EVEX and XOP count as opcode.</summary>
    public static InstructionPrefixes Scan(ReadOnlySpan<byte> instruction)
    {
        var found = default(InstructionPrefixes);
        for (int index = 0; index < instruction.Length; index++)
        {
            byte value = instruction[index];
            switch (value)
            {
                case 0x66:
                    found = found with { OperandSize = true, Rex = 0 };
                    break;
                case 0x67:
                    found = found with { AddressSize = true, Rex = 0 };
                    break;
                case 0x64 or 0x65:
                    found = found with { Segment = value, Rex = 0 };
                    break;
                case 0x26 or 0x2E or 0x36 or 0x3E or 0xF0 or 0xF2 or 0xF3:
                    found = found with { Rex = 0 };
                    break;
                case >= 0x40 and <= 0x4F:
                    found = found with { Rex = value };
                    break;
                default:
                    return found with { Length = index };
            }
        }

        return found with { Length = instruction.Length };
    }
}
