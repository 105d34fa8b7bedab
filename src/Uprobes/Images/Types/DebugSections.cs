using System.Buffers.Binary;
using System.Text;

namespace Uprobes.Images.Types;

/// <summary>The sections that types are in, unpacked. Immutable.</summary>
internal sealed record DebugSections
{
    private const int LongestText = 4096;

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

    /// <summary>Whether types are also in <c>.debug_types</c>, which is not read.</summary>
    internal bool HasTypesSection { get; init; }

    /// <summary>The most that is kept of what they say.</summary>
    internal ulong TypeBytes { get; init; } = ReadLimits.Default.TypeBytes;

    /// <summary>Reads them; null where the file has no debug information of this kind.</summary>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    internal static DebugSections? Read(ElfFile file)
    {
        if (file.FindSection(".debug_info") is null || file.FindSection(".debug_abbrev") is null)
            return null;
        ulong left = file.Limits.DebugInfoBytes;
        return new DebugSections
        {
            Info = ReadOne(file, ".debug_info", ref left),
            Abbreviations = ReadOne(file, ".debug_abbrev", ref left),
            Texts = ReadOne(file, ".debug_str", ref left),
            LineTexts = ReadOne(file, ".debug_line_str", ref left),
            TextOffsets = ReadOne(file, ".debug_str_offsets", ref left),
            Addresses = ReadOne(file, ".debug_addr", ref left),
            RangeLists = ReadOne(file, ".debug_rnglists", ref left),
            Ranges = ReadOne(file, ".debug_ranges", ref left),
            TypeBytes = file.Limits.TypeBytes,
            HasTypesSection = file.FindSection(".debug_types") is not null,
        };
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

    private static byte[] ReadOne(ElfFile file, string name, ref ulong left)
    {
        if (file.FindSection(name) is not { } section)
            return [];
        byte[] bytes;
        try
        {
            bytes = CompressedSection.Read(file, section, left);
        }
        catch (ImageException error) when (error.Reason == ImageFailureReason.Malformed && left < file.Limits.DebugInfoBytes)
        {
            throw file.Source.Malformed($"{error.Problem}, which is what others have left of {file.Limits.DebugInfoBytes} bytes for all debug information");
        }

        left -= (ulong)bytes.Length;
        return bytes;
    }
}
