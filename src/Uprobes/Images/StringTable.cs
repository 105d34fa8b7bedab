using System.Text;

namespace Uprobes.Images;

/// <summary>
/// A string table (SHT_STRTAB). Whoever takes strings from it has a budget for all of them together, because many
/// entries can share one long string. Immutable and thread-safe.
/// </summary>
internal sealed class StringTable(byte[] bytes, int longest)
{
    /// <summary>Its size in bytes.</summary>
    public int Length => bytes.Length;

    /// <summary>The bytes of the string at an index, without its NUL; false where the table has no such string.</summary>
    public bool TryGetBytes(uint index, out ReadOnlySpan<byte> name)
    {
        name = default;
        if (index >= (uint)bytes.Length)
            return false;
        ReadOnlySpan<byte> rest = bytes.AsSpan((int)index, Math.Min(bytes.Length - (int)index, longest));
        int end = rest.IndexOf((byte)0);
        if (end < 0)
            return false;
        name = rest[..end];
        return true;
    }

    /// <summary>The string at an index; false where there is none or the budget is spent.</summary>
    public bool TryGet(uint index, ref ulong budget, out string name)
    {
        name = "";
        if (!TryGetBytes(index, out ReadOnlySpan<byte> text) || (ulong)text.Length > budget)
            return false;
        budget -= (ulong)text.Length;
        name = Encoding.UTF8.GetString(text);
        return true;
    }
}
