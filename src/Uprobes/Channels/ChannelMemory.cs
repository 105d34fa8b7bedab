using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Uprobes.Linux;

namespace Uprobes.Channels;

/// <summary>
/// A channel's bytes as the tracer sees them. They change while they are read, and what they say is not to be trusted. Words are
/// read and written whole and in order; any thread may do so. Who reads for a while holds the memory (<see cref="Hold"/>), so that
/// disposing it elsewhere unmaps it only afterwards.
/// </summary>
internal sealed unsafe class ChannelMemory : IDisposable
{
    private readonly MappedMemory _mapping;
    private readonly byte* _start;
    private readonly long _size;

    private readonly SafeFileHandle? _file;

    private ChannelMemory(MappedMemory mapping, ChannelLayout layout, SafeFileHandle? file)
    {
        (_mapping, Layout, _file) = (mapping, layout, file);
        _start = (byte*)mapping.Address;
        _size = layout.Size;
        Write(0, ChannelLayout.Magic);
    }

    internal ChannelLayout Layout { get; }

    /// <summary>Held by those in the tracer who read maps with keys or put values into them: meanwhile no entry gets another key.</summary>
    internal Lock Tables { get; } = new();

    /// <summary>Sizes, seals and maps a new memory file of a target.</summary>
    /// <param name="path"><c>/proc/PID/fd/N</c>.</param>
    /// <param name="layout">How it will be divided.</param>
    /// <exception cref="SyscallException">The kernel refused.</exception>
    /// <exception cref="InvalidDataException">It is not a new memory file, or the target interfered.</exception>
    internal static ChannelMemory CreateFrom(string path, ChannelLayout layout)
    {
        using SafeFileHandle file = SealedMemoryFile.Open(path);
        return CreateFrom(file, layout, path);
    }

    /// <summary>Sizes, seals and maps a new memory file.</summary>
    /// <param name="file">Open in whatever way; only lent, and not needed afterwards.</param>
    /// <param name="layout">How it will be divided.</param>
    /// <param name="displayPath">What to call the file in an error.</param>
    /// <exception cref="SyscallException">The kernel refused.</exception>
    /// <exception cref="InvalidDataException">It is not a new memory file, or its owner interfered.</exception>
    internal static ChannelMemory CreateFrom(SafeFileHandle file, ChannelLayout layout, string displayPath = "a channel")
    {
        SafeFileHandle own = SealedMemoryFile.Reopen(file);
        try
        {
            SealedMemoryFile.SetSize(own, layout.Size, displayPath);
            return new ChannelMemory(MappedMemory.MapShared(own, layout.Size), layout, own);
        }
        catch (Exception e) when (e is SyscallException or InvalidDataException)
        {
            own.Dispose();
            throw;
        }
    }

    /// <summary>A channel that no target sees.</summary>
    /// <param name="layout">How it is divided.</param>
    /// <exception cref="SyscallException">ENOMEM: a limit of the address space.</exception>
    internal static ChannelMemory CreatePrivate(ChannelLayout layout) =>
        new(MappedMemory.CreatePrivate(layout.Size), layout, null);

    /// <summary>Whether parts that were never written have no memory; in private memory, reading them costs nothing anyway.</summary>
    internal bool HasHoles => _file is not null;

    /// <summary>Keeps the memory mapped until the hold is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been disposed.</exception>
    internal ChannelHold Hold() => new(_mapping, _file);

    /// <summary>The word at an offset, a multiple of 8; nothing later in the program is read before it.</summary>
    internal ulong Read(long offset) => Volatile.Read(ref Word(offset));

    /// <summary>Sets the word at an offset, a multiple of 8; nothing earlier in the program is written after it.</summary>
    internal void Write(long offset, ulong value) => Volatile.Write(ref Word(offset), value);

    /// <summary>Sets the word if it is as expected, in one step, and tells whether it was.</summary>
    internal bool CompareExchange(long offset, ulong expected, ulong value) =>
        Interlocked.CompareExchange(ref Word(offset), value, expected) == expected;

    /// <summary>Adds to a word, modulo 2^64, in one step.</summary>
    internal void Add(long offset, ulong value) => Interlocked.Add(ref Word(offset), value);

    /// <summary>Bytes as they are at each moment: copy first, then look.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They are not all in the channel.</exception>
    internal Span<byte> Bytes(long offset, int length)
    {
        if ((ulong)offset > (ulong)_size || (ulong)length > (ulong)(_size - offset))
            throw new ArgumentOutOfRangeException(nameof(offset));
        // SAFETY: the bytes are in the mapping, which the caller holds.
        return new Span<byte>(_start + offset, length);
    }

    /// <summary>
    /// The next part of a stretch that may hold something other than zeros. A reader that skips the rest does not make the target's
    /// channel take memory that the target has never used.
    /// </summary>
    /// <param name="offset">First byte of the stretch.</param>
    /// <param name="end">First byte behind it.</param>
    /// <returns>Offsets of the part's first byte and of the first behind it; both are <paramref name="end"/> where there is nothing more.</returns>
    internal (long Start, long End) NextData(long offset, long end) =>
        _file is null ? (offset, end) : SealedMemoryFile.NextData(_file, offset, end);

    public void Dispose()
    {
        _mapping.Dispose();
        _file?.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref ulong Word(long offset)
    {
        if ((ulong)offset > (ulong)(_size - 8) || (offset & 7) != 0)
            ThrowOutside();
        // SAFETY: the word is in the mapping, which the caller holds.
        return ref *(ulong*)(_start + offset);
    }

    private static void ThrowOutside() => throw new ArgumentOutOfRangeException(null, "Not a word of the channel.");
}
