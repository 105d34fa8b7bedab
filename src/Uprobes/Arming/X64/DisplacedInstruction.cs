using System.Diagnostics.CodeAnalysis;
using Iced.Intel;

namespace Uprobes.Arming.X64;

/// <summary>An instruction decoded from the bytes of a site, with those bytes: they are copied, never encoded anew.</summary>
internal sealed class DisplacedInstruction
{
    /// <summary>The longest instruction that a processor takes.</summary>
    public const int MaximumLength = 15;

    private readonly Instruction _instruction;

    private DisplacedInstruction(byte[] bytes, in Instruction instruction, in ConstantOffsets offsets)
    {
        Bytes = bytes;
        _instruction = instruction;
        Offsets = offsets;
        Prefixes = InstructionPrefixes.Scan(bytes);
    }

    /// <summary>Exactly the instruction's bytes.</summary>
    public byte[] Bytes { get; }

    /// <summary>The decoder's view of it.</summary>
    public ref readonly Instruction Decoded => ref _instruction;

    /// <summary>Where displacement and immediates stand in <see cref="Bytes"/>.</summary>
    public ConstantOffsets Offsets { get; }

    /// <summary>What stands before the opcode.</summary>
    public InstructionPrefixes Prefixes { get; }

    /// <summary>The site's address.</summary>
    public ulong Address => _instruction.IP;

    /// <summary>The address after the instruction.</summary>
    public ulong Next => _instruction.NextIP;

    /// <summary>The first opcode byte; of the one-byte map, or 0F. Means nothing for VEX, EVEX and XOP.</summary>
    public byte Opcode => Bytes[Prefixes.Length];

    /// <summary>Where execution goes after it. Only for instructions that the policy lets pass.</summary>
    public ControlFlowKind ControlFlow => _instruction.FlowControl switch
    {
        FlowControl.UnconditionalBranch => ControlFlowKind.DirectJump,
        FlowControl.ConditionalBranch => ControlFlowKind.ConditionalJump,
        FlowControl.IndirectBranch => ControlFlowKind.IndirectJump,
        FlowControl.IndirectCall => ControlFlowKind.IndirectCall,
        FlowControl.Return => ControlFlowKind.Return,
        FlowControl.Call when _instruction.Code == Code.Syscall => ControlFlowKind.SystemCall,
        FlowControl.Call => ControlFlowKind.DirectCall,
        _ => ControlFlowKind.StraightLine,
    };

    /// <summary>Decodes the instruction that <paramref name="bytes"/> start with.</summary>
    /// <param name="bytes">The memory at the site; more than 15 bytes are ignored, missing ones are never taken for zeros.</param>
    /// <param name="address">The site's address in the tracee.</param>
    /// <param name="displaced">The instruction.</param>
    /// <param name="refusal">Truncated or Undecodable.</param>
    public static bool TryDecode(
        ReadOnlySpan<byte> bytes,
        ulong address,
        [NotNullWhen(true)] out DisplacedInstruction? displaced,
        [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        byte[] window = bytes[..Math.Min(bytes.Length, MaximumLength)].ToArray();
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(window), address);
        decoder.Decode(out Instruction instruction);
        displaced = null;
        if (instruction.IsInvalid)
        {
            // A full window that ends inside the instruction is one longer than 15 bytes, which every processor refuses.
            refusal = decoder.LastError == DecoderError.NoMoreBytes && window.Length < MaximumLength
                ? new(RelocationRefusalReason.Truncated,
                    $"The instruction at 0x{address:x} runs past the last readable byte ({Hex(window)}).")
                : new(RelocationRefusalReason.Undecodable,
                    $"The bytes at 0x{address:x} ({Hex(window)}) are no x86-64 instruction that is known here.");
            return false;
        }

        refusal = null;
        displaced = new(window[..instruction.Length], instruction, decoder.GetConstantOffsets(instruction));
        return true;
    }

    /// <summary>A refusal whose message starts with the address and the bytes of this instruction.</summary>
    public RelocationRefusal Refuse(RelocationRefusalReason reason, string because) =>
        new(reason, $"The instruction at 0x{Address:x} ({Hex(Bytes)}) {because}.");

    private static string Hex(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return "none";
        var text = new System.Text.StringBuilder(bytes.Length * 3);
        foreach (byte value in bytes)
            text.Append(text.Length == 0 ? "" : " ").Append(value.ToString("x2", null));
        return text.ToString();
    }
}
