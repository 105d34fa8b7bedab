using System.Text;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images.StaticProbes;

/// <summary>
/// Reads the static probes of a file: notes of type 3 of the owner <c>stapsdt</c> in <c>.note.stapsdt</c>. Each has the addresses of its instruction,
/// of <c>.stapsdt.base</c> as it was when the file was linked, and of its semaphore, then three texts: provider, name, arguments. A
/// prelinker moves the section of one byte with the file, and leaves notes alone: the distance tells where the other addresses are now.
/// </summary>
internal static class StaticProbeReader
{
    private const string Notes = ".note.stapsdt", Base = ".stapsdt.base";
    private const uint ProbeNote = 3;

    /// <summary>Reads them, in the order of the file.</summary>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    public static IReadOnlyList<StaticProbeNote> Read(ElfImage image)
    {
        if (image.File.FindSection(Notes) is not { } section)
            return [];
        ulong moved = image.Sections.FirstOrDefault(s => s.Name == Base)?.LinkAddress.Value ?? 0;
        Dictionary<string, LinkAddress?> symbols = new(StringComparer.Ordinal);
        StaticArgumentParser arguments = new(AddressOf);
        List<StaticProbeNote> probes = [];
        var reader = new SpanReader(image.File.ReadSection(section, image.File.Limits.StaticProbeBytes));
        while (reader.Remaining > 0)
        {
            int start = reader.Position;
            if (!reader.TryReadUInt32(out uint nameSize) || !reader.TryReadUInt32(out uint size) || !reader.TryReadUInt32(out uint type)
                || !reader.TryReadBytes(nameSize, out ReadOnlySpan<byte> owner) || !TryAlign(ref reader) || !reader.TryReadBytes(size, out ReadOnlySpan<byte> content))
                throw Malformed(image, section, start, "is cut off");
            _ = TryAlign(ref reader); // The last one need not be filled up.
            if (type == ProbeNote && owner.SequenceEqual("stapsdt\0"u8) && ReadProbe(image, content, moved, arguments, section, start) is { } probe)
                probes.Add(probe);
        }

        return probes;

        LinkAddress? AddressOf(string name)
        {
            if (!symbols.TryGetValue(name, out LinkAddress? address))
                symbols.Add(name, address = image.Functions.AddressOf(name));
            return address;
        }
    }

    /// <summary>Reads a probe; null for one whose code the linker has dropped: its note stays behind, with an address at which there is nothing.</summary>
    private static StaticProbeNote? ReadProbe(ElfImage image, ReadOnlySpan<byte> content, ulong moved, StaticArgumentParser arguments, ElfSection section, int start)
    {
        var reader = new SpanReader(content);
        if (!reader.TryReadUInt64(out ulong address) || !reader.TryReadUInt64(out ulong linked) || !reader.TryReadUInt64(out ulong semaphore)
            || !reader.TryReadString(out ReadOnlySpan<byte> provider) || !reader.TryReadString(out ReadOnlySpan<byte> name) || !reader.TryReadString(out ReadOnlySpan<byte> text))
            throw Malformed(image, section, start, "is too short for a static probe");
        ulong distance = moved == 0 || linked == 0 ? 0 : unchecked(moved - linked);
        LinkAddress place = new(unchecked(address + distance));
        if (address == 0 || !image.TryGetOffset(place, out FileOffset offset))
            return null;
        LinkAddress? counter = semaphore == 0 ? null : new LinkAddress(unchecked(semaphore + distance));
        FileOffset? counted = FindSemaphore(image, counter, out string? problem);
        return new StaticProbeNote(
            Encoding.UTF8.GetString(provider), Encoding.UTF8.GetString(name), place, offset, counter, arguments.ParseAll(Encoding.UTF8.GetString(text)))
        {
            SemaphoreOffset = counted,
            SemaphoreProblem = problem,
        };
    }

    private static FileOffset? FindSemaphore(ElfImage image, LinkAddress? semaphore, out string? problem)
    {
        problem = null;
        if (semaphore is not { } address)
            return null;
        if (!image.TryGetOffset(address, out FileOffset offset))
            problem = "the file has no bytes for it";
        else if (!image.Segments.Any(s => s.Contains(offset) && (s.Access & ElfSegmentAccess.Write) != 0))
            problem = "it is in memory that the file has mapped read-only";
        return problem is null ? offset : null;
    }

    private static ImageException Malformed(ElfImage image, ElfSection section, int at, string problem) =>
        image.File.Source.Malformed($"the note at offset {new FileOffset(section.FileOffset.Value + (ulong)at)} in {section.Name} {problem}");

    private static bool TryAlign(ref SpanReader reader) => reader.TrySkip((ulong)(-reader.Position & 3));
}
