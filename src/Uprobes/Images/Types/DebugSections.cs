using System.Buffers.Binary;
using System.Text;

namespace Uprobes.Images.Types;

/// <summary>The sections that types are in, unpacked. Immutable.</summary>
internal sealed record DebugSections
{
    private const int LongestText = 4096;
    private static readonly string[] SharedNames = [".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str"];
    private static readonly string[] Names = [.. SharedNames, ".debug_types", ".debug_str_offsets", ".debug_addr", ".debug_rnglists", ".debug_ranges"];

    /// <summary><c>.debug_info</c>: units and their entries.</summary>
    internal required byte[] Info { get; init; }

    /// <summary><c>.debug_abbrev</c>: what the entries consist of.</summary>
    internal required byte[] Abbreviations { get; init; }

    /// <summary><c>.debug_str</c>.</summary>
    internal byte[] Texts { get; init; } = [];

    /// <summary><c>.debug_line_str</c>.</summary>
    internal byte[] LineTexts { get; init; } = [];

    /// <summary><c>.debug_str_offsets</c>: offsets of texts by index.</summary>
    internal byte[] TextOffsets { get; init; } = [];

    /// <summary><c>.debug_addr</c>: addresses by index.</summary>
    internal byte[] Addresses { get; init; } = [];

    /// <summary><c>.debug_rnglists</c>: address ranges of DWARF 5.</summary>
    internal byte[] RangeLists { get; init; } = [];

    /// <summary><c>.debug_ranges</c>: those of earlier versions.</summary>
    internal byte[] Ranges { get; init; } = [];

    /// <summary>What units have in common, in the order of <see cref="Info"/>.</summary>
    internal IReadOnlyList<DebugPart> Parts
    {
        get => field ?? [new DebugPart(0, Info.Length) { Texts = 0..Texts.Length, LineTexts = 0..LineTexts.Length, References = 0..Info.Length }];
        init;
    }

    /// <summary>The most that is kept of what they say.</summary>
    internal ulong TypeBytes { get; init; } = ReadLimits.Default.TypeBytes;

    /// <summary>How many bytes of sections were read.</summary>
    internal ulong Bytes { get; init; }

    /// <summary>How many bytes they have, as the files say; what cannot be so is not counted.</summary>
    /// <param name="file">The file.</param>
    /// <param name="shared">The one that it shares with others; null for none.</param>
    /// <exception cref="ImageException">ReadFailed.</exception>
    internal static ulong SizeOf(ElfFile file, ElfFile? shared = null)
    {
        ulong size = Names.Aggregate(0UL, (sum, name) => sum + SizeOf(file, name));
        return shared is null ? size : SharedNames.Aggregate(size, (sum, name) => sum + SizeOf(shared, name));
    }

    /// <summary>Reads them; null where the file has no debug information of this kind.</summary>
    /// <param name="file">The file.</param>
    /// <param name="shared">The one that it shares with others; null for none.</param>
    /// <param name="most">How many bytes they may have together, where that is less than the file's own limit.</param>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    internal static DebugSections? Read(ElfFile file, ElfFile? shared = null, ulong most = ulong.MaxValue)
    {
        if (file.FindSection(".debug_info") is null || file.FindSection(".debug_abbrev") is null)
            return null;
        most = Math.Min(most, file.Limits.DebugInfoBytes);
        ulong left = most;
        byte[] info = ReadOne(file, ".debug_info", ref left), types = ReadOne(file, ".debug_types", ref left);
        byte[] abbreviations = ReadOne(file, ".debug_abbrev", ref left), texts = ReadOne(file, ".debug_str", ref left), lineTexts = ReadOne(file, ".debug_line_str", ref left);
        DebugPart own = new(0, info.Length) { Texts = 0..texts.Length, LineTexts = 0..lineTexts.Length, References = 0..info.Length };
        List<DebugPart> parts = [own];
        if (shared is not null)
        {
            byte[] others = ReadOne(shared, ".debug_info", ref left), otherTexts = ReadOne(shared, ".debug_str", ref left), otherLines = ReadOne(shared, ".debug_line_str", ref left);
            DebugPart other = new(info.Length, Sum(info, others))
            {
                Abbreviations = abbreviations.Length,
                Texts = texts.Length..Sum(texts, otherTexts),
                LineTexts = lineTexts.Length..Sum(lineTexts, otherLines),
                References = info.Length..Sum(info, others),
                IsShared = true,
            };
            parts = [own with { Shared = other }, other];
            abbreviations = [.. abbreviations, .. ReadOne(shared, ".debug_abbrev", ref left)];
            (info, texts, lineTexts) = ([.. info, .. others], [.. texts, .. otherTexts], [.. lineTexts, .. otherLines]);
        }

        if (types.Length > 0)
        {
            // Their abbreviations and texts are those of the file's other units, which they may also refer to.
            parts.Add(parts[0] with { Start = info.Length, End = Sum(info, types), HasSignatures = true });
            info = [.. info, .. types];
        }

        DebugSections sections = new()
        {
            Info = info,
            Abbreviations = abbreviations,
            Texts = texts,
            LineTexts = lineTexts,
            TextOffsets = ReadOne(file, ".debug_str_offsets", ref left),
            Addresses = ReadOne(file, ".debug_addr", ref left),
            RangeLists = ReadOne(file, ".debug_rnglists", ref left),
            Ranges = ReadOne(file, ".debug_ranges", ref left),
            TypeBytes = file.Limits.TypeBytes,
            Parts = parts,
        };
        return sections with { Bytes = most - left };

        int Sum(byte[] first, byte[] second) => (long)first.Length + second.Length <= Array.MaxLength
            ? first.Length + second.Length : throw file.Source.Malformed($"sections of debug information have more than {Array.MaxLength} bytes together");
    }

    /// <summary>The bytes of a text without its zero; empty where there is none, or none of a sensible length.</summary>
    internal ReadOnlySpan<byte> TextBytes(AttributeValue value)
    {
        byte[]? section = value.Class switch
        {
            AttributeClass.InlineText => Info,
            AttributeClass.Text => Texts,
            AttributeClass.LineText => LineTexts,
            _ => null,
        };
        if (section is null || value.Number >= (ulong)section.Length)
            return default;
        ReadOnlySpan<byte> rest = section.AsSpan((int)value.Number);
        int end = rest[..Math.Min(rest.Length, LongestText)].IndexOf((byte)0);
        return end < 0 ? default : rest[..end];
    }

    /// <summary>A text; null where there is none, or an empty one.</summary>
    internal string? Text(AttributeValue value) => TextBytes(value) is { IsEmpty: false } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>A number of four or eight bytes at an index behind an offset; null outside of the section.</summary>
    internal static ulong? NumberAt(byte[] section, ulong offset, ulong index, bool isWide)
    {
        ulong size = isWide ? 8UL : 4UL;
        if (offset > (ulong)section.Length || index > (ulong)section.Length / size)
            return null;
        ulong at = offset + (index * size);
        if (at + size > (ulong)section.Length)
            return null;
        return isWide ? BinaryPrimitives.ReadUInt64LittleEndian(section.AsSpan((int)at)) : BinaryPrimitives.ReadUInt32LittleEndian(section.AsSpan((int)at));
    }

    // A file cannot say more than its length many times, of which there are few.
    private static ulong SizeOf(ElfFile file, string name) => file.FindSection(name) is { } section ? CompressedSection.SizeOf(file, section) ?? 0 : 0;

    private static byte[] ReadOne(ElfFile file, string name, ref ulong left)
    {
        if (file.FindSection(name) is not { } section)
            return [];
        byte[] bytes;
        try
        {
            bytes = CompressedSection.Read(file, section, left);
        }
        catch (ImageException error) when (error.Reason == ImageFailureReason.Malformed && left < file.Limits.DebugInfoBytes && CompressedSection.SizeOf(file, section) > left)
        {
            throw file.Source.Malformed($"{error.Problem}, which is what others have left of {file.Limits.DebugInfoBytes} bytes for all debug information");
        }

        left -= (ulong)bytes.Length;
        return bytes;
    }
}
