using System.Runtime.InteropServices;

namespace Uprobes.Channels;

/// <summary>Reads integers and texts as keys and events hold them (<see cref="DataType.StoredSize"/>), in 64-bit words.</summary>
internal static class StoredValue
{
    private const ulong CutFlag = 1ul << 63;

    /// <summary>Where a part begins, in words.</summary>
    internal static int OffsetOf(IReadOnlyList<DataType> types, int part)
    {
        int offset = 0;
        for (int i = 0; i < part; i++)
            offset += types[i].StoredSize;
        return offset / 8;
    }

    /// <summary>The bytes of a text; its length is not believed beyond its capacity.</summary>
    internal static ReadOnlySpan<byte> TextOf(ReadOnlySpan<ulong> words)
    {
        ReadOnlySpan<byte> room = MemoryMarshal.AsBytes(words[1..]);
        return room[..(int)Math.Min((uint)words[0], (uint)room.Length)];
    }

    /// <summary>Whether bytes of a text are missing at its end.</summary>
    internal static bool IsCut(ReadOnlySpan<ulong> words) => (words[0] & CutFlag) != 0;

    /// <summary>Whether words can be what writers store for values of types, one behind the other.</summary>
    internal static bool ArePossible(IReadOnlyList<DataType> types, ReadOnlySpan<ulong> words)
    {
        foreach (DataType type in types)
        {
            int length = type.StoredSize / 8;
            if (words.Length < length || !IsPossible(type, words[..length]))
                return false;
            words = words[length..];
        }

        return words.IsEmpty;
    }

    /// <summary>Whether words can be what writers store for a value of a type: the one form that it has.</summary>
    internal static bool IsPossible(DataType type, ReadOnlySpan<ulong> words)
    {
        if (!type.IsText)
            return Cell.IsOfType(type, words[0]);
        ulong length = words[0] & ~CutFlag;
        return length <= (ulong)type.Capacity && !MemoryMarshal.AsBytes(words[1..])[(int)length..].ContainsAnyExcept((byte)0);
    }
}
