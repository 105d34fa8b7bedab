using Microsoft.Win32.SafeHandles;
using Uprobes.Images;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Stacks;

/// <summary>Opens the very files that a process has mapped, as long as it lives.</summary>
internal sealed class MappedFileOpener
{
    private const int LargestCopy = 1 << 20, HeaderBytes = 4096;
    private readonly int _pid;
    private readonly ImageStore _store;
    private readonly MemoryReader? _memory;
    private readonly string _root;

    /// <summary>Opens nothing yet.</summary>
    /// <param name="pid">A live thread of the process.</param>
    /// <param name="store">Keeps what is opened.</param>
    /// <param name="memory">Reads its memory, or null.</param>
    internal MappedFileOpener(int pid, ImageStore store, MemoryReader? memory)
    {
        (_pid, _store, _memory) = (pid, store, memory);
        string root = $"/proc/{pid}/root";
        // That of a process that has ended is not known any more. The files are compared with what was mapped.
        bool isOurs = FileStatus.TryOf("/", out FileStatus ours, out _)
            && (!FileStatus.TryOf(root + "/", out FileStatus theirs, out _) || (ours.Device, ours.Inode) == (theirs.Device, theirs.Inode));
        _root = isOurs ? "" : root;
    }

    /// <summary>Opens what a mapping shows.</summary>
    /// <param name="mapping">The mapping.</param>
    /// <param name="all">All mappings of the process.</param>
    /// <param name="isNow">Whether they are so now; otherwise another file may be where this one was.</param>
    /// <param name="problem">Why it cannot be opened, or null where there is nothing to open.</param>
    internal ElfImage? Open(Mapping mapping, IReadOnlyList<Mapping> all, bool isNow, out string? problem)
    {
        problem = null;
        try
        {
            if (mapping.Path == "[vdso]")
                return OpenMemory(mapping);
            if (!mapping.HasFile)
                return null;
            // Only root may follow these links; they lead to the file itself, wherever its name is now.
            string link = $"/proc/{_pid}/map_files/{mapping.Start:x}-{mapping.End:x}";
            if (FileStatus.TryOf(link, out FileStatus status, out _) && status.IsRegular && (isNow || status.Inode == mapping.Inode) && ReadOnlyFile.TryOpen(link, out _) is { } handle)
                return _store.Open(handle, _root + mapping.Path);
            if (!mapping.IsDeleted)
                return OpenPath(mapping, all, out problem);
            problem = $"{mapping.Path} has been deleted or replaced since it was mapped";
        }
        catch (ImageException error)
        {
            problem = error.Message;
        }
        catch (SyscallException error)
        {
            problem = error.Message;
        }

        return null;
    }

    private ElfImage? OpenPath(Mapping mapping, IReadOnlyList<Mapping> all, out string? problem)
    {
        problem = null;
        if (RootedPath.Resolve(_root, mapping.Path, ReadLimits.Default.SymbolicLinks) is { } path)
        {
            ElfImage image = _store.Open(path);
            // On overlay and btrfs the mappings show other numbers than fstat(2).
            if (image.Id.Inode == mapping.Inode || HasSameHeader(image, mapping, all))
                return image;
        }

        problem = $"{mapping.Path} is now another file than the one that is mapped";
        return null;
    }

    // The first page has the build id; it is not code, so that no probe changes it.
    private bool HasSameHeader(ElfImage image, Mapping mapping, IReadOnlyList<Mapping> all)
    {
        foreach (Mapping first in all)
        {
            if (first.FileOffset != 0 || first.Inode != mapping.Inode || first.Device != mapping.Device || first.Path != mapping.Path)
                continue;
            byte[] mapped = new byte[HeaderBytes], read = new byte[HeaderBytes];
            int count = image.Read(new FileOffset(0), read);
            return _memory is not null && _memory(first.Start, mapped) >= count && mapped.AsSpan(0, count).SequenceEqual(read.AsSpan(0, count));
        }

        return false;
    }

    private ElfImage? OpenMemory(Mapping mapping)
    {
        if (_memory is null || mapping.Length > LargestCopy)
            return null;
        byte[] bytes = new byte[mapping.Length];
        return _memory(mapping.Start, bytes) == bytes.Length ? _store.OpenCopy(bytes, mapping.Path) : null;
    }
}
