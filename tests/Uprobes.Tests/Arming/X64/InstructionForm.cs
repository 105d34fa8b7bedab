using Iced.Intel;

namespace Uprobes.Tests.Arming.X64;

/// <summary>One encoding of one instruction.</summary>
/// <param name="Code">The instruction in the decoder's table.</param>
/// <param name="Variant">Which operands and prefixes were chosen.</param>
/// <param name="Bytes">Its machine code, for <see cref="TestLayout.Site"/>.</param>
internal sealed record InstructionForm(Code Code, string Variant, byte[] Bytes)
{
    public override string ToString() => $"{Code} {Variant} {Relocation.Hex(Bytes)}";
}
