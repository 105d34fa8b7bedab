namespace Uprobes.Images.SourceLines;

/// <summary>The sections that line tables are in.</summary>
/// <param name="Lines"><c>.debug_line</c>.</param>
/// <param name="Strings"><c>.debug_line_str</c>, empty where there is none.</param>
internal sealed record LineSection(byte[] Lines, byte[] Strings)
{
    private const int LongestText = 4096;

    /// <summary>The text at an offset of <see cref="Strings"/>, or null where there is none, or none of a sensible length.</summary>
    internal string? TextAt(ulong offset)
    {
        if (offset > (ulong)Strings.Length)
            return null;
        ReadOnlySpan<byte> rest = Strings.AsSpan((int)offset);
        int end = rest[..Math.Min(rest.Length, LongestText)].IndexOf((byte)0);
        return end < 0 ? null : System.Text.Encoding.UTF8.GetString(rest[..end]);
    }
}
