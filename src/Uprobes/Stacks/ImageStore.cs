using Microsoft.Win32.SafeHandles;
using Uprobes.Images;
using Uprobes.Images.Types;
using Uprobes.Linux;

namespace Uprobes.Stacks;

/// <summary>
/// The files that code of stacks is in, opened once each and kept open: they may be deleted, or their processes be gone, when they are
/// asked for functions. Thread-safe.
/// </summary>
internal sealed class ImageStore : IDisposable
{
    // Of all images of all stacks together: a target and its libraries with all their debug packages have some hundred megabytes.
    private readonly DebugMemory _memory = new(1UL << 30);
    private readonly Lock _gate = new();
    private readonly Dictionary<(ImageId Id, ulong Length, (long, long) Modified), ElfImage> _images = [];
    private readonly HashSet<ImageId> _toldOf = [];
    private readonly List<(byte[] Bytes, ElfImage Image)> _copies = [];

    /// <summary>Takes why inlined calls of an image may be missing, once for each image.</summary>
    internal Action<string>? Told { get; init; }

    /// <summary>To be called when inlined calls of an image were asked for: says what is wrong with them, if that was not said.</summary>
    internal void TellOf(ElfImage image)
    {
        if (image.Inlined.Problem is not { } problem)
            return;
        lock (_gate)
        {
            if (!_toldOf.Add(image.Id))
                return;
        }

        Told?.Invoke($"{image.Path}: inlined calls are left out of stacks: {problem}");
    }

    /// <summary>Opens a file by path, or gives the one that was opened before.</summary>
    /// <exception cref="ImageException">It is no image, or cannot be read.</exception>
    internal ElfImage Open(string path) => Keep(ElfImage.Open(path));

    /// <summary>As <see cref="Open(string)"/>, of an open file.</summary>
    /// <param name="handle">It belongs to the store from here on.</param>
    /// <param name="displayPath">What to call the file.</param>
    /// <exception cref="ImageException">It is no image, or cannot be read.</exception>
    internal ElfImage Open(SafeFileHandle handle, string displayPath) => Keep(ElfImage.Open(handle, displayPath));

    /// <summary>An image that lies in memory only, such as the kernel's vDSO.</summary>
    /// <exception cref="ImageException">It is no image.</exception>
    /// <exception cref="SyscallException">The kernel gave no memory file.</exception>
    internal ElfImage OpenCopy(byte[] bytes, string name)
    {
        lock (_gate)
        {
            foreach ((byte[] known, ElfImage image) in _copies)
            {
                if (known.AsSpan().SequenceEqual(bytes))
                    return image;
            }

            SafeFileHandle file = SealedMemoryFile.Create(name);
            RandomAccess.Write(file, bytes, 0);
            ElfImage made = ElfImage.Open(file, name);
            made.Types.ShareMemory(_memory);
            _copies.Add((bytes, made));
            return made;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (ElfImage image in _images.Values.Concat(_copies.Select(c => c.Image)))
                image.Dispose();
            _images.Clear();
            _copies.Clear();
        }
    }

    private ElfImage Keep(ElfImage opened)
    {
        lock (_gate)
        {
            (ImageId, ulong, (long, long)) key = (opened.Id, opened.Length, opened.Modified);
            if (_images.TryGetValue(key, out ElfImage? known))
            {
                opened.Dispose();
                return known;
            }

            opened.Types.ShareMemory(_memory);
            _images.Add(key, opened);
            return opened;
        }
    }
}
