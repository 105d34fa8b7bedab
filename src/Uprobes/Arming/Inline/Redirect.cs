using System.Buffers.Binary;

namespace Uprobes.Arming.Inline;

/// <summary>A branch in the tracee that is led to a site's trampoline instead of to the site. Immutable.</summary>
/// <param name="Address">Its first byte.</param>
/// <param name="Original">The whole instruction as it was; the last four bytes are a distance from its end.</param>
/// <param name="Patch">The same with the distance to the trampoline; as it was, before it is armed.</param>
internal sealed record Redirect(ulong Address, byte[] Original, byte[] Patch)
{
    /// <summary>Bytes of the longest, <c>0f 8x rel32</c>.</summary>
    internal const int MostBytes = 6;

    /// <summary>The address behind it.</summary>
    internal ulong End => Address + (ulong)Original.Length;

    /// <summary>Where it leads to, patched.</summary>
    internal ulong LeadsTo => End + (ulong)(long)BinaryPrimitives.ReadInt32LittleEndian(Patch.AsSpan(^sizeof(int)));

    /// <summary>Whether a byte of the text belongs to it.</summary>
    internal bool Covers(ulong place) => place - Address < (ulong)Original.Length;
}
