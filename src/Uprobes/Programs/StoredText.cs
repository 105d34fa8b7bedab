using System.Runtime.InteropServices;

namespace Uprobes.Programs;

/// <summary>
/// A text as keys and events hold it, and as texts are compared: a word with its length in bytes (bit 63: it was cut), then the
/// bytes, filled up with zeros to the capacity.
/// </summary>
internal static class StoredText
{
    internal const ulong CutFlag = 1ul << 63;

    /// <summary>64-bit words of a text of a capacity.</summary>
    internal static int Words(int capacity) => 1 + (capacity / 8);

    /// <summary>The bytes of a stored text. Its length is not believed beyond its capacity.</summary>
    internal static ReadOnlySpan<byte> Bytes(ReadOnlySpan<ulong> words)
    {
        ReadOnlySpan<byte> room = MemoryMarshal.AsBytes(words[1..]);
        return room[..(int)Math.Min((uint)words[0], (uint)room.Length)];
    }

    /// <summary>Whether bytes are missing at the end.</summary>
    internal static bool IsCut(ReadOnlySpan<ulong> words) => (words[0] & CutFlag) != 0;

    /// <summary>Stores bytes, which are not more than there is room for.</summary>
    internal static void Write(Span<ulong> words, ReadOnlySpan<byte> bytes)
    {
        words.Clear();
        words[0] = (uint)bytes.Length;
        bytes.CopyTo(MemoryMarshal.AsBytes(words[1..]));
    }
}
