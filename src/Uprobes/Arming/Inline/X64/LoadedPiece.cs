using System.Buffers.Binary;
using System.Numerics;

namespace Uprobes.Arming.Inline.X64;

/// <summary>The file's bytes of one loaded segment, at link-time addresses; for code, with a bit per byte that control may come to.</summary>
internal sealed class LoadedPiece
{
    private readonly ulong[] _branched;
    private readonly ulong[] _pointed;
    private readonly ulong[] _named;

    /// <summary>Takes the bytes.</summary>
    public LoadedPiece(ulong address, ulong offset, byte[] bytes, bool isExecutable)
    {
        (Address, Offset, Bytes, IsExecutable) = (address, offset, bytes, isExecutable);
        int words = isExecutable ? (bytes.Length + 63) / 64 : 0;
        _branched = new ulong[words];
        _pointed = new ulong[words];
        _named = new ulong[words];
    }

    /// <summary>The link-time address of the first byte.</summary>
    public ulong Address { get; }

    /// <summary>Its place in the file.</summary>
    public ulong Offset { get; }

    /// <summary>The bytes.</summary>
    public byte[] Bytes { get; }

    /// <summary>Whether they can run (PF_X).</summary>
    public bool IsExecutable { get; }

    /// <summary>Whether an address is of this piece, and which byte it is.</summary>
    public bool Contains(ulong address, out int index)
    {
        ulong distance = address - Address;
        index = (int)distance;
        return distance < (ulong)Bytes.Length;
    }

    /// <summary>The four bytes at an index, which the caller has checked.</summary>
    public int Int32At(int index) => BinaryPrimitives.ReadInt32LittleEndian(Bytes.AsSpan(index));

    /// <summary>Notes that bytes which look like a branch, or like the loading of an address, lead to a byte. They need not be an instruction.</summary>
    public void MarkBranched(int index) => _branched[index >> 6] |= 1UL << index;

    /// <summary>Notes that data leads to a byte, or a name by which other files find it.</summary>
    public void MarkPointed(int index) => _pointed[index >> 6] |= 1UL << index;

    /// <summary>Notes that something begins at a byte that only this file has a name or an unwind range for: no control comes there by that.</summary>
    public void MarkNamed(int index) => _named[index >> 6] |= 1UL << index;

    /// <summary>Whether <see cref="MarkBranched"/> was called for a byte.</summary>
    public bool IsBranched(int index) => (_branched[index >> 6] >> index & 1) != 0;

    /// <summary>Whether <see cref="MarkPointed"/> was called for a byte.</summary>
    public bool IsPointed(int index) => (_pointed[index >> 6] >> index & 1) != 0;

    /// <summary>Whether <see cref="MarkNamed"/> was called for a byte.</summary>
    public bool IsNamed(int index) => (_named[index >> 6] >> index & 1) != 0;

    /// <summary>How many bytes are marked as led to by data; for tests and figures.</summary>
    public int CountPointed()
    {
        int count = 0;
        foreach (ulong word in _pointed)
            count += BitOperations.PopCount(word);
        return count;
    }
}
