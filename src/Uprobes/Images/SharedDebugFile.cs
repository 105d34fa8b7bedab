using System.Text;

namespace Uprobes.Images;

/// <summary>
/// Finds the file that several debug files share what they have in common in (<c>dwz -m</c>, as the debug packages of distributions have it). It is named by its path and
/// its build id in <c>.gnu_debugaltlink</c>, or by its path and its checksum in <c>.debug_sup</c> (DWARF 5, 7.3.6).
/// </summary>
internal static class SharedDebugFile
{
    private const ushort Version = 2, LaterVersion = 5;

    /// <summary>
    /// Looks for it where it is named, which is from the directory of the file that names it where it is no whole path, and by build id under
    /// <c>/usr/lib/debug/.build-id</c>. For an image under <c>/proc/PID/root</c> that root comes first.
    /// </summary>
    /// <param name="file">Which may name it.</param>
    /// <param name="imagePath">The image that the file belongs to, or is.</param>
    /// <param name="problems">Takes why it was not found, or not used.</param>
    /// <returns>The file, owned by the caller; null where none is named, or found.</returns>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    internal static SeparateDebugFile? Find(ElfFile file, string imagePath, List<string> problems)
    {
        if (ReadLink(file) is not { } link)
            return null;
        string hex = Convert.ToHexStringLower(link.Id);
        List<string> paths = [];
        // A link to the file is followed: where it really is, is where the name begins.
        string own = TargetOf(file.Source.Name);
        if (!link.Name.StartsWith('/'))
            paths.AddRange(((string[])[own, file.Source.Name]).Select(from => Path.Combine(Path.GetDirectoryName(from) ?? "", link.Name)).Distinct());
        foreach (string root in SeparateDebugFile.Roots(imagePath))
        {
            if (link.Name.StartsWith('/'))
                paths.Add(root + link.Name);
            if (hex.Length > 2)
                paths.Add($"{root}{SeparateDebugFile.DebugDirectory}/.build-id/{hex[..2]}/{hex[2..]}.debug");
        }

        foreach (string path in paths)
        {
            if (SeparateDebugFile.TryOpen(path, file.Limits, null, file.Source.Name, problems, (found, _) => IdOf(found, link.IsLater) is { } id && id.AsSpan().SequenceEqual(link.Id)) is { } shared)
                return shared;
        }

        problems.Add($"types are in {link.Name}, a file that several debug files share, which was not found: it is in the same debug package, or in one that this needs");
        return null;
    }

    private static string TargetOf(string path)
    {
        try
        {
            return System.IO.File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return path; // It was opened before: what became of its name since is no reason not to look.
        }
    }

    // Of a file that .debug_sup leads to, the section of the same name has the id (DWARF 5, 7.3.6): dwz writes it no note.
    private static byte[]? IdOf(ElfFile found, bool isLater) => !isLater ? NoteReader.FindBuildId(found) is { } id ? Convert.FromHexString(id.Hex) : null
        : ReadSupplement(found) is { IsShared: true } own ? own.Id : null;

    private static (string Name, byte[] Id, bool IsLater)? ReadLink(ElfFile file)
    {
        if (file.FindSection(".gnu_debugaltlink") is { } link)
        {
            var reader = new SpanReader(file.ReadSection(link, (ulong)file.Limits.PathBytes + file.Limits.BuildIdBytes));
            if (reader.TryReadString(out ReadOnlySpan<byte> name) && name.Length > 0 && reader.TryReadBytes((ulong)reader.Remaining, out ReadOnlySpan<byte> id))
                return (Encoding.UTF8.GetString(name), id.ToArray(), false);
            throw file.Source.Malformed($"{link.Name} at offset {link.FileOffset} has no name");
        }

        return ReadSupplement(file) is { IsShared: false, Name.Length: > 0 } later ? (later.Name, later.Id, true) : null;
    }

    private static (bool IsShared, string Name, byte[] Id)? ReadSupplement(ElfFile file)
    {
        if (file.FindSection(".debug_sup") is not { } section)
            return null;
        var fields = new SpanReader(file.ReadSection(section, (ulong)file.Limits.PathBytes + file.Limits.BuildIdBytes));
        if (fields.TryReadUInt16(out ushort version) && version is Version or LaterVersion && fields.TryReadByte(out byte isShared) && fields.TryReadString(out ReadOnlySpan<byte> text)
            && fields.TryReadUleb(out ulong length) && fields.TryReadBytes(length, out ReadOnlySpan<byte> checksum))
            return (isShared != 0, Encoding.UTF8.GetString(text), checksum.ToArray());
        throw file.Source.Malformed($"{section.Name} at offset {section.FileOffset} has no name");
    }
}
