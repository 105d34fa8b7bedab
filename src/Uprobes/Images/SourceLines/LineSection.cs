namespace Uprobes.Images.SourceLines;

/// <summary>The sections that line tables are in.</summary>
/// <param name="Lines"><c>.debug_line</c>.</param>
/// <param name="Strings"><c>.debug_line_str</c>, empty where there is none.</param>
internal sealed record LineSection(byte[] Lines, byte[] Strings)
{
    // As PATH_MAX.
    private const int LongestText = 4096;

    /// <summary>A text, or null where there is none, or none of a sensible length.</summary>
    internal string? TextAt(LineText text)
    {
        byte[] section = text.IsShared ? Strings : Lines;
        if (text.Offset < 0 || text.Offset > section.Length)
            return null;
        ReadOnlySpan<byte> rest = section.AsSpan(text.Offset);
        int end = rest[..Math.Min(rest.Length, LongestText)].IndexOf((byte)0);
        return end < 0 ? null : System.Text.Encoding.UTF8.GetString(rest[..end]);
    }
}
