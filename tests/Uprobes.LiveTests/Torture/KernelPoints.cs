using Iced.Intel;

namespace Uprobes.LiveTests.Torture;

/// <summary>
/// Where the kernel is asked to count a function. At its first instruction, but for those that the kernel accepts and then
/// executes wrongly: Linux up to at least 6.18 tells branches by the opcode byte alone (arch/x86/kernel/uprobes.c,
/// branch_setup_xol_ops), and so takes vector instructions with the opcode bytes of short jumps, calls and nop for these:
/// <c>vpbroadcastb %esi,%ymm17</c>, with which glibc's strchr begins, becomes <c>jp</c>. There the count is that of the
/// next instruction.
/// </summary>
internal static class KernelPoints
{
    private const int LongestInstruction = 15;

    public static IReadOnlyList<(string File, ulong Offset)> Of(IReadOnlyList<FunctionPlace> places)
    {
        Dictionary<string, byte[]> files = places.Select(p => p.File).Distinct().ToDictionary(f => f, File.ReadAllBytes);
        return [.. places.Select(p => (p.File, Sound(files[p.File], p.Offset.Value)))];
    }

    /// <summary>
    /// Whether the kernel never counts there: it refuses instructions with a lock prefix (arch/x86/kernel/uprobes.c,
    /// is_prefix_bad), and says so to nobody when the file is mapped after the registration.
    /// </summary>
    public static bool IsRefused(FunctionPlace place)
    {
        using FileStream file = File.OpenRead(place.File);
        file.Position = (long)place.Offset.Value;
        return file.ReadByte() == 0xF0;
    }

    private static ulong Sound(byte[] file, ulong offset)
    {
        while (true)
        {
            ReadOnlySpan<byte> bytes = file.AsSpan((int)offset, Math.Min(LongestInstruction, file.Length - (int)offset));
            int opcodeAt = bytes[0] switch { 0xC5 => 2, 0xC4 => 3, 0x62 => 4, _ => -1 };
            if (opcodeAt < 0 || bytes[opcodeAt] is not ((>= 0x70 and <= 0x7F) or 0xE8 or 0xE9 or 0xEB or 0x90))
                return offset;
            offset += (ulong)Decoder.Create(64, bytes.ToArray()).Decode().Length;
        }
    }
}
