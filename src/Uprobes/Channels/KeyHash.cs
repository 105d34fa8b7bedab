namespace Uprobes.Channels;

/// <summary>The hash of a key: the same in emitted code, interpreter and readers.</summary>
internal static class KeyHash
{
    /// <summary>Odd, from the golden ratio; bits spread upwards by the product, then folded down.</summary>
    internal const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    /// <summary>Folds a key's words into one: h = (h xor word) x Multiplier, h ^= h >> 32, for each word in turn, from 0. The state of an entry is that with bit 63 set and the two low bits cleared.</summary>
    internal static ulong StateOf(ReadOnlySpan<ulong> words)
    {
        ulong hash = 0;
        foreach (ulong word in words)
        {
            hash = (hash ^ word) * Multiplier;
            hash ^= hash >> 32;
        }

        return (hash | (1ul << 63)) & ~3ul;
    }
}
