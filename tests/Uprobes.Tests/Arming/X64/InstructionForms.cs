using Iced.Intel;
using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>Representative encodings of every instruction that the decoder knows in 64-bit mode.</summary>
internal static class InstructionForms
{
    private static readonly Lazy<List<InstructionForm>> Everything = new(() => [.. Codes().SelectMany(FormsOf)]);

    /// <summary>All forms, made once.</summary>
    public static IReadOnlyList<InstructionForm> All => Everything.Value;

    /// <summary>The rows of the table; without those of processors that need a decoder of their own (Knights Corner, MPX, ...).</summary>
    public static IEnumerable<Code> Codes() =>
        Enum.GetValues<Code>().Where(code => code.ToOpCode() is { IsInstruction: true, Mode64: true, DecoderOption: DecoderOptions.None });

    private static IEnumerable<InstructionForm> FormsOf(Code code)
    {
        OpCodeInfo row = code.ToOpCode();
        var seen = new HashSet<string>();
        foreach (InstructionForm form in Operands(code, row).SelectMany(entry => Decorations(code, row, entry.Instruction, entry.Variant)))
        {
            if (seen.Add(Relocation.Hex(form.Bytes)))
                yield return form;
        }
    }

    private static IEnumerable<(Instruction Instruction, string Variant)> Operands(Code code, OpCodeInfo row)
    {
        int[][] general = [[0, 2, 1, 3, 0], [8, 14, 9, 11, 8], [4, 5, 6, 7, 0], [1, 0, 2, 0, 0]];
        int[][] vectors = [[1, 2, 3, 4, 1], [9, 10, 11, 12, 9], [17, 18, 19, 20, 17]];
        for (int choice = 0; choice < general.Length; choice++)
        {
            var instruction = new Instruction { Code = code };
            if (new OperandChoice(general[choice], null, vectors[choice % vectors.Length]).TryApply(ref instruction, row))
                yield return (instruction, $"registers {choice}");
        }

        foreach (MemoryPlace place in MemoryPlace.All)
        {
            for (int choice = 0; choice < 2; choice++)
            {
                var instruction = new Instruction { Code = code };
                if (new OperandChoice(general[choice], place, vectors[choice]).TryApply(ref instruction, row))
                    yield return (instruction, $"{place.Name} {choice}");
            }
        }
    }

    private static IEnumerable<InstructionForm> Decorations(Code code, OpCodeInfo row, Instruction instruction, string variant)
    {
        var plain = instruction;
        if (row.RequireOpMaskRegister || row.RequiresUniqueRegNums)
            plain.OpMask = row.CanUseOpMaskRegister ? Register.K4 : Register.None;
        if (Encode(code, plain, variant) is not { } form)
            yield break;
        yield return form;

        bool memory = variant.StartsWith('[');
        if (row.CanUseOpMaskRegister && With(plain, static (ref Instruction i) => i.OpMask = Register.K2) is var masked
            && Encode(code, masked, variant + " {k2}") is { } maskedForm)
            yield return maskedForm;
        if (row.CanUseZeroingMasking && !memory
            && Encode(code, With(plain, static (ref Instruction i) => { i.OpMask = Register.K3; i.ZeroingMasking = true; }), variant + " {k3}{z}") is { } zeroing)
            yield return zeroing;
        if (row.CanBroadcast && memory && Encode(code, With(plain, static (ref Instruction i) => i.IsBroadcast = true), variant + " {1toN}") is { } broadcast)
            yield return broadcast;
        if (row.CanUseRoundingControl && !memory
            && Encode(code, With(plain, static (ref Instruction i) => i.RoundingControl = RoundingControl.RoundUp), variant + " {ru-sae}") is { } rounding)
            yield return rounding;
        if (row.CanSuppressAllExceptions && !memory
            && Encode(code, With(plain, static (ref Instruction i) => i.SuppressAllExceptions = true), variant + " {sae}") is { } suppressed)
            yield return suppressed;
        if (row.CanUseLockPrefix && memory && Encode(code, With(plain, static (ref Instruction i) => i.HasLockPrefix = true), variant + " lock") is { } locked)
            yield return locked;
        if (row.CanUseRepPrefix && Encode(code, With(plain, static (ref Instruction i) => i.HasRepPrefix = true), variant + " rep") is { } rep)
            yield return rep;
        if (row.CanUseRepnePrefix && Encode(code, With(plain, static (ref Instruction i) => i.HasRepnePrefix = true), variant + " repne") is { } repne)
            yield return repne;

        // Prefixes that a re-encoding would lose. 2E and 3E are dead or hints, 65 has base 0 in the runner, 67 halves addresses.
        foreach (byte prefix in (byte[])[0x2E, 0x3E, 0x65, 0x67, 0x66])
        {
            byte[] bytes = [prefix, .. form.Bytes];
            if (variant.EndsWith('0') && bytes.Length <= 15 && !variant.Contains("ip]", StringComparison.Ordinal) && DecodesWhole(bytes))
                yield return new(code, $"{variant} prefix {prefix:x2}", bytes);
        }
    }

    private delegate void Change(ref Instruction instruction);

    private static Instruction With(Instruction instruction, Change change)
    {
        change(ref instruction);
        return instruction;
    }

    private static bool DecodesWhole(byte[] bytes)
    {
        var decoder = Decoder.Create(64, bytes, TestLayout.Site);
        Instruction instruction = decoder.Decode();
        return !instruction.IsInvalid && instruction.Length == bytes.Length;
    }

    private static InstructionForm? Encode(Code code, in Instruction instruction, string variant)
    {
        var writer = new ByteWriter();
        var encoder = Encoder.Create(64, writer);
        if (!encoder.TryEncode(instruction, TestLayout.Site, out _, out _))
            return null;
        // fstenv and its like are fwait and fnstenv, two instructions.
        byte[] bytes = [.. writer.Bytes];
        if (bytes[0] == 0x9B && !DecodesWhole(bytes))
            return new(code, variant, bytes[1..]);
        // 66 e8 with 16-bit displacement is longer for Intel processors, and ud0 has a ModR/M there: as in memory, more bytes follow.
        byte[] window = [.. bytes, .. Enumerable.Repeat((byte)0x90, DisplacedInstruction.MaximumLength - bytes.Length)];
        Instruction decoded = Decoder.Create(64, window, TestLayout.Site).Decode();
        return new(code, variant, decoded.IsInvalid ? bytes : window[..decoded.Length]);
    }

    private sealed class ByteWriter : CodeWriter
    {
        public List<byte> Bytes { get; } = [];

        public override void WriteByte(byte value) => Bytes.Add(value);
    }
}
