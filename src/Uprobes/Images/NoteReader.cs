using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>Finds the build id among the notes of a file.</summary>
internal static class NoteReader
{
    /// <summary>The build id in a note segment or section, or null.</summary>
    /// <param name="notes">The whole segment or section.</param>
    /// <param name="alignment">Its alignment: entries are padded to 4 bytes, or to 8 where it says so.</param>
    /// <param name="limit">Most bytes of a build id.</param>
    public static BuildId? FindBuildId(ReadOnlySpan<byte> notes, ulong alignment, uint limit)
    {
        ulong pad = alignment == 8 ? 8UL : 4UL;
        var reader = new SpanReader(notes);
        while (reader.TryReadUInt32(out uint nameSize) && reader.TryReadUInt32(out uint size) && reader.TryReadUInt32(out uint type)
            && reader.TryReadBytes(nameSize, out ReadOnlySpan<byte> name) && TryAlign(ref reader, pad)
            && reader.TryReadBytes(size, out ReadOnlySpan<byte> description))
        {
            if (type == NT_GNU_BUILD_ID && name.SequenceEqual("GNU\0"u8) && size > 0 && size <= limit)
                return BuildId.FromBytes(description);
            if (!TryAlign(ref reader, pad))
                return null;
        }
        return null;
    }

    /// <summary>The build id in the sections of a file whose segments have no contents, or null.</summary>
    public static BuildId? FindBuildId(ElfFile file)
    {
        ElfSection? section = file.FindSection(".note.gnu.build-id");
        return section is null ? null : FindBuildId(file.ReadSection(section, file.Limits.NoteBytes), 4, file.Limits.BuildIdBytes);
    }

    private static bool TryAlign(ref SpanReader reader, ulong to) =>
        reader.TrySkip((to - ((ulong)reader.Position % to)) % to);
}
