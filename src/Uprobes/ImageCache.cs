using Microsoft.Win32.SafeHandles;
using Uprobes.Images;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>Finds and opens the images that a session names, once each. Usable from any thread.</summary>
internal sealed class ImageCache : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ImageId, ElfImage> _images = [];
    private readonly List<ElfImage> _replaced = [];

    /// <summary>Opens what a name means to a set of processes.</summary>
    /// <param name="name">A path or library name.</param>
    /// <param name="processes">Live thread ids of the processes, in the order in which they are asked.</param>
    /// <param name="mainExecutable">The program of a process that has not loaded its libraries yet, or null.</param>
    /// <exception cref="ProbeRefusedException">There is no such file, or it is no image.</exception>
    internal ElfImage Open(string name, IReadOnlyList<int> processes, string? mainExecutable) =>
        OpenAll(name, processes, mainExecutable, most: 1)[0];

    /// <summary>Opens all files that a name means to a set of processes: those with a root of their own may have a libc of their own.</summary>
    /// <param name="name">A path or library name.</param>
    /// <param name="processes">Live thread ids of the processes, in the order in which they are asked.</param>
    /// <param name="mainExecutable">The program of a process that has not loaded its libraries yet, or null.</param>
    /// <param name="most">How many are enough.</param>
    /// <returns>At least one; each file once.</returns>
    /// <exception cref="ProbeRefusedException">There is no such file, or one is no image.</exception>
    internal IReadOnlyList<ElfImage> OpenAll(string name, IReadOnlyList<int> processes, string? mainExecutable, int most = int.MaxValue)
    {
        LibraryResolution? failure = null;
        List<ElfImage> images = [];
        foreach (int pid in processes)
        {
            List<Mapping> mappings = [.. MappingParser.ReadProcess(pid).Where(m => m.IsExecutable && m.HasFile)];
            LibraryResolution found = Resolver(pid, mappings, mainExecutable).Resolve(name);
            if (found.Path is not { } path)
            {
                failure ??= found;
                continue;
            }

            ElfImage image = OpenMapped(pid, mappings, path) ?? OpenPath(path);
            if (!images.Contains(image)) // The cache has one object for a file.
                images.Add(image);
            if (images.Count == most)
                break;
        }

        if (images.Count > 0)
            return images;

        if (processes.Count == 0)
        {
            failure = new LibraryResolver { MainExecutable = mainExecutable }.Resolve(name);
            if (failure.Path is { } path)
                return [OpenPath(path)];
        }

        throw new ProbeRefusedException(new ProbeRefusal(ProbeRefusalReason.NoSuchFile, name, failure!.ToString()));
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (ElfImage image in _images.Values.Concat(_replaced))
                image.Dispose();
            _images.Clear();
            _replaced.Clear();
        }
    }

    private static LibraryResolver Resolver(int pid, List<Mapping> mappings, string? mainExecutable)
    {
        string own = NamespaceOf("self"), other = NamespaceOf(pid.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return new LibraryResolver
        {
            Root = own.Length == 0 || other.Length == 0 || own == other ? "/" : $"/proc/{pid}/root",
            MappedFiles = [.. mappings.Select(m => m.Path).Distinct()],
            MainExecutable = mainExecutable,
        };
    }

    private static string NamespaceOf(string process)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{process}/ns/mnt", returnFinalTarget: false)?.Name ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>Opens the very file that a process has mapped under a path whose name belongs to another file by now; null when it does not.</summary>
    private ElfImage? OpenMapped(int pid, List<Mapping> mappings, string path)
    {
        foreach (Mapping mapping in mappings)
        {
            if (!mapping.IsDeleted || !path.EndsWith(mapping.Path, StringComparison.Ordinal))
                continue;
            string link = $"/proc/{pid}/map_files/{mapping.Start:x}-{mapping.End:x}";
            SafeFileHandle? handle = ReadOnlyFile.TryOpen(link, out int error);
            if (handle is null)
                throw new ProbeRefusedException(new ProbeRefusal(ProbeRefusalReason.ImageChanged, path,
                    $"process {pid} runs an older {path} that has been replaced since; only root can open it ({Errno.Name(error)})"));
            return Keep(Refusing(() => ElfImage.Open(handle, path), path));
        }

        return null;
    }

    private ElfImage OpenPath(string path) => Keep(Refusing(() => ElfImage.Open(path), path));

    private ElfImage Keep(ElfImage opened)
    {
        lock (_gate)
        {
            if (!_images.TryGetValue(opened.Id, out ElfImage? known))
            {
                _images.Add(opened.Id, opened);
                return opened;
            }

            if (known.Length == opened.Length && known.Modified == opened.Modified)
            {
                opened.Dispose();
                return known;
            }

            // The same file, written anew: what was read of it before is void, but may still be in use.
            _replaced.Add(known);
            _images[opened.Id] = opened;
            return opened;
        }
    }

    private static ElfImage Refusing(Func<ElfImage> open, string path)
    {
        try
        {
            return open();
        }
        catch (ImageException e)
        {
            throw new ProbeRefusedException(new ProbeRefusal(ReasonOf(e), path, e.Problem));
        }
    }

    internal static ProbeRefusalReason ReasonOf(ImageException error) => error.Reason switch
    {
        ImageFailureReason.NotFound => ProbeRefusalReason.NoSuchFile,
        ImageFailureReason.PermissionDenied or ImageFailureReason.ReadFailed => ProbeRefusalReason.FileNotReadable,
        ImageFailureReason.Malformed => ProbeRefusalReason.MalformedImage,
        _ => ProbeRefusalReason.NotElf,
    };
}
