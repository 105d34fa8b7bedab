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

    /// <summary>Whether the string at an index is this text, alone or followed by <c>@</c>.</summary>
    public bool IsNamed(uint index, ReadOnlySpan<byte> name)
    {
        if (index >= (uint)bytes.Length)
            return false;
        ReadOnlySpan<byte> rest = bytes.AsSpan((int)index);
        return rest.Length > name.Length && rest.StartsWith(name) && rest[name.Length] is 0 or (byte)'@';
    }

    /// <summary>The string at an index; false where there is none, it is too long, or the budget is spent.</summary>
    /// <param name="index">Where it begins.</param>
    /// <param name="budget">How many bytes may still be looked at; what was looked at is taken off.</param>
    /// <param name="text">The string.</param>
    public bool TryGet(uint index, ref ulong budget, out string text)
    {
        text = "";
        if (index >= (uint)bytes.Length)
            return false;
        int most = (int)Math.Min((ulong)Math.Min(bytes.Length - (int)index, longest), budget);
        ReadOnlySpan<byte> rest = bytes.AsSpan((int)index, most);
        int end = rest.IndexOf((byte)0);
        budget -= (ulong)(end < 0 ? most : end);
        if (end < 0)
            return false;
        text = Encoding.UTF8.GetString(rest[..end]);
        return true;
    }
}
