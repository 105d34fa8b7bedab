using System.Globalization;
using Uprobes.Images;

namespace Uprobes.Tests.Images;

/// <summary>What binutils' readelf says about a file, for comparison.</summary>
internal static class Readelf
{
    public sealed record Symbol(string Name, ulong Value, ulong Size, string Type, string Binding, string Section, string Table);

    public static List<Symbol> Symbols(string path)
    {
        var symbols = new List<Symbol>();
        string table = "";
        foreach (string line in Workshop.RunTool("/", "readelf", "-Ws", "--", path).Split('\n'))
        {
            if (line.StartsWith("Symbol table", StringComparison.Ordinal))
                table = line.Split('\'')[1];
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 8 || !words[0].EndsWith(':') || !char.IsDigit(words[0][0]))
                continue;
            ulong size = words[2].StartsWith("0x", StringComparison.Ordinal)
                ? ulong.Parse(words[2].AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                : ulong.Parse(words[2], CultureInfo.InvariantCulture);
            symbols.Add(new Symbol(words[7], ulong.Parse(words[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture), size, words[3], words[4], words[6], table));
        }
        return symbols;
    }

    public static List<ElfSegment> Segments(string path)
    {
        var segments = new List<ElfSegment>();
        foreach (string line in Workshop.RunTool("/", "readelf", "-Wl", "--", path).Split('\n'))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 8 || words[0] != "LOAD")
                continue;
            string flags = string.Concat(words[6..^1]);
            ElfSegmentAccess access = (flags.Contains('R') ? ElfSegmentAccess.Read : 0) | (flags.Contains('W') ? ElfSegmentAccess.Write : 0) | (flags.Contains('E') ? ElfSegmentAccess.Execute : 0);
            segments.Add(new ElfSegment(new FileOffset(Hex(words[1])), Hex(words[4]), new LinkAddress(Hex(words[2])), Hex(words[5]), access));
        }
        return segments;
    }

    private static ulong Hex(string text) => ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
