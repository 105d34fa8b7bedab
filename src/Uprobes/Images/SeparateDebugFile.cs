using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Uprobes.Linux;

namespace Uprobes.Images;

/// <summary>The file that a distribution or <c>objcopy --only-keep-debug</c> put an image's symbols into. Owns its descriptor.</summary>
internal sealed class SeparateDebugFile : IDisposable
{
    internal const string DebugDirectory = "/usr/lib/debug";
    private readonly SafeFileHandle _handle;

    private SeparateDebugFile(SafeFileHandle handle, string path, ElfFile file)
    {
        _handle = handle;
        Path = path;
        File = file;
    }

    /// <summary>Where it was found.</summary>
    public string Path { get; }

    /// <summary>Its headers and sections.</summary>
    public ElfFile File { get; }

    /// <summary>
    /// Looks by build id in <c>/usr/lib/debug/.build-id</c>, then by <c>.gnu_debuglink</c> beside the image, in
    /// <c>.debug</c> there, and under <c>/usr/lib/debug</c>. For an image under <c>/proc/PID/root</c> the same
    /// directories of that root come first.
    /// </summary>
    /// <param name="image">The stripped file.</param>
    /// <param name="problems">Takes why a file that was found was not used.</param>
    /// <returns>The file, owned by the caller, or null.</returns>
    public static SeparateDebugFile? Find(ElfImage image, List<string> problems)
    {
        (string name, uint checksum)? link = ReadLink(image.File);
        foreach (string root in Roots(image.Path))
        {
            if (image.BuildId is { Hex.Length: > 2 } id
                && TryOpen($"{root}{DebugDirectory}/.build-id/{id.Hex[..2]}/{id.Hex[2..]}.debug", image, null, problems) is { } byId)
                return byId;
        }
        if (link is not { } named)
            return null;
        string directory = System.IO.Path.GetDirectoryName(image.Path) ?? "";
        directory = directory.Length == 0 ? "." : directory;
        foreach (string root in Roots(image.Path))
        {
            string inside = root.Length > 0 && directory.StartsWith(root, StringComparison.Ordinal) ? directory[root.Length..] : directory;
            string[] candidates = [$"{directory}/{named.name}", $"{directory}/.debug/{named.name}", $"{root}{DebugDirectory}/{inside.TrimStart('/')}/{named.name}"];
            foreach (string path in candidates)
            {
                if (TryOpen(path, image, named.checksum, problems) is { } found)
                    return found;
            }
        }
        return null;
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _handle.Dispose();

    /// <summary>The roots in which the files are that belong to an image: of a process's own one the same comes first.</summary>
    internal static string[] Roots(string path)
    {
        string[] parts = path.Split('/');
        return parts is ["", "proc", _, "root", ..] ? [string.Join('/', parts[..4]), ""] : [""];
    }

    // The file's name, padded to 4 bytes, then its CRC (GDB manual, "Separate Debug Files").
    private static (string, uint)? ReadLink(ElfFile file)
    {
        if (file.FindSection(".gnu_debuglink") is not { } section)
            return null;
        byte[] bytes = file.ReadSection(section, (ulong)file.Limits.PathBytes);
        int end = bytes.AsSpan().IndexOf((byte)0);
        int checksum = (end + 4) & ~3;
        if (end <= 0 || checksum + 4 > bytes.Length)
            throw file.Source.Malformed($".gnu_debuglink at offset {section.FileOffset} has no name or no checksum");
        string name = System.Text.Encoding.UTF8.GetString(bytes.AsSpan(0, end));
        // A name with directories would lead to places that nobody meant.
        return name.Contains('/', StringComparison.Ordinal)
            ? throw file.Source.Malformed($".gnu_debuglink at offset {section.FileOffset} names a path")
            : (name, BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(checksum)));
    }

    private static SeparateDebugFile? TryOpen(string path, ElfImage image, uint? checksum, List<string> problems) =>
        TryOpen(path, image.File.Limits, image.Id, image.Path, problems, (file, source) => NoteReader.FindBuildId(file) is { } id && image.BuildId is not null
            ? id == image.BuildId : checksum is null || Checksum.OfFile(source, image.File.Limits) == checksum); // Equal build ids say more than the checksum of the whole file.

    /// <summary>Opens a file if it is the one that is meant.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limits">For reading it.</param>
    /// <param name="other">One that it is not; null for none.</param>
    /// <param name="owner">What it is to belong to, for the user.</param>
    /// <param name="problems">Takes why a file that was found was not used.</param>
    /// <param name="belongs">Whether it is meant.</param>
    internal static SeparateDebugFile? TryOpen(
        string path, ReadLimits limits, ImageId? other, string owner, List<string> problems, Func<ElfFile, FileByteSource, bool> belongs)
    {
        if (!FileStatus.TryOf(path, out FileStatus status, out _) || !status.IsRegular || new ImageId(status.Device, status.Inode) == other)
            return null;
        if (ReadOnlyFile.TryOpen(path, out int error) is not { } handle)
        {
            problems.Add($"{path}: the debug file cannot be opened: {Errno.Name(error)} ({Errno.Describe(error)})");
            return null;
        }
        SeparateDebugFile? found = null;
        try
        {
            status = FileStatus.Of(handle, path);
            var source = new FileByteSource(handle, path, status.Length);
            ElfFile file = ElfFile.Read(source, limits);
            if (belongs(file, source))
                found = new SeparateDebugFile(handle, path, file);
            else
                problems.Add($"{path}: the debug file belongs to another build of {owner}");
        }
        catch (ImageException refused)
        {
            problems.Add(refused.Message);
        }
        finally
        {
            if (found is null)
                handle.Dispose();
        }
        return found;
    }
}
