using Iced.Intel;

namespace Uprobes.Arming.Trap.X64;

/// <summary>Turns an assembler's instructions into bytes for a given address.</summary>
internal static class MachineCode
{
    /// <summary>The bytes of everything that was added to the assembler.</summary>
    /// <param name="assembler">A 64-bit assembler with every label placed.</param>
    /// <param name="address">Where the first byte will lie when the code runs.</param>
    internal static byte[] Encode(Assembler assembler, ulong address) => Encode(assembler, address, out _);

    /// <summary>As <see cref="Encode(Assembler, ulong)"/>; the result also tells where labels have come to lie.</summary>
    internal static byte[] Encode(Assembler assembler, ulong address, out AssemblerResult result)
    {
        using var bytes = new MemoryStream();
        result = assembler.Assemble(new StreamCodeWriter(bytes), address, BlockEncoderOptions.ReturnNewInstructionOffsets);
        return bytes.ToArray();
    }
}
