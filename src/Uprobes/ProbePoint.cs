using Uprobes.Images;
using Uprobes.Images.StaticProbes;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>
/// Names an instruction in an executable or library file. The registry identifies it by (inode, offset), so two
/// points given through different links of one file are the same point. Immutable; usable from any thread.
/// </summary>
public sealed record ProbePoint
{
    private ProbePoint(string image, string? function, FileOffset? offset, ulong functionOffset)
    {
        Image = image;
        Function = function;
        Offset = offset;
        FunctionOffset = functionOffset;
    }

    /// <summary>The opened file, when the point was given by it; it says which of several files of one name is meant.</summary>
    internal ElfImage? Opened { get; private init; }

    /// <summary>The static probe that the point is one of, or null. While it is armed, its semaphore is counted up.</summary>
    public StaticProbeNote? StaticProbe { get; private init; }

    /// <summary>The file as the user named it: a path, or a library name such as <c>libc</c> that the session resolves.</summary>
    public string Image { get; }

    /// <summary>The function's name, or null when the point was given by file offset alone.</summary>
    public string? Function { get; }

    /// <summary>The instruction's position in the file, or null when it is to be found by <see cref="Function"/>.</summary>
    public FileOffset? Offset { get; }

    /// <summary>Bytes from the function's first instruction to the probed one; used with <see cref="Function"/> when no offset is given.</summary>
    public ulong FunctionOffset { get; }

    /// <summary>The instruction at a byte offset of a file.</summary>
    /// <param name="image">A path or library name.</param>
    /// <param name="offset">Bytes from the start of the file (not a virtual address).</param>
    /// <param name="function">A name to show for the point; not used to find it.</param>
    public static ProbePoint At(string image, FileOffset offset, string? function = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(image);
        return new ProbePoint(image, function, offset, 0);
    }

    /// <summary>The instruction at a byte offset of a file.</summary>
    /// <param name="image">A path or library name.</param>
    /// <param name="offset">Bytes from the start of the file (not a virtual address).</param>
    public static ProbePoint At(string image, ulong offset) => At(image, new FileOffset(offset));

    /// <summary>The instruction at a byte offset of a certain file among those that one name means to the processes of a session.</summary>
    /// <param name="image">What the session opened for the name; must not be closed before the point is registered.</param>
    /// <param name="offset">Bytes from the start of the file (not a virtual address).</param>
    /// <param name="function">A name to show for the point; not used to find it.</param>
    public static ProbePoint At(ElfImage image, FileOffset offset, string? function = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new ProbePoint(image.Path, function, offset, 0) { Opened = image };
    }

    /// <summary>The instruction that a static probe (USDT) marks. All that share its name are found by <see cref="UprobeSession.StaticProbes"/>.</summary>
    /// <param name="image">The file; must not be closed before the point is registered.</param>
    /// <param name="probe">One of its static probes.</param>
    public static ProbePoint At(ElfImage image, StaticProbeNote probe)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(probe);
        return new ProbePoint(image.Path, null, probe.Offset, 0) { Opened = image, StaticProbe = probe };
    }

    /// <summary>
    /// The instructions at which a line of source begins, by the file's debug information: one for each function that it is part of, and one for each inlined copy.
    /// Where the line has no code, those of the next line that has some.
    /// </summary>
    /// <param name="image">What the session opened for the name; must not be closed before the points are registered.</param>
    /// <param name="file">The source file: its path, or the last parts of it, as <c>list.c</c> or <c>src/list.c</c>.</param>
    /// <param name="line">The line, from 1.</param>
    /// <returns>At least one point, by their offsets.</returns>
    /// <exception cref="ProbeRefusedException">NoSuchSymbol: there is no debug information, no such file, or no code behind the line.</exception>
    public static IReadOnlyList<ProbePoint> AtLine(ElfImage image, string file, int line)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentException.ThrowIfNullOrEmpty(file);
        ArgumentOutOfRangeException.ThrowIfLessThan(line, 1);
        SourceLookup found = SourceLookup.Find(image, file, line, null);
        if (found.Problem is { } problem)
            throw new ProbeRefusedException(new ProbeRefusal(ProbeRefusalReason.NoSuchSymbol, $"{image.Path}@{file}:{line}", problem));
        return [.. found.Places.Select(place => At(image, place.Offset, image.Functions.TryFind(place.Offset, out FunctionBounds bounds) ? bounds.Name : null))];
    }

    /// <summary>The entry of a function, or an instruction inside it.</summary>
    /// <param name="image">A path or library name.</param>
    /// <param name="name">The symbol: raw, with version (<c>memcpy@GLIBC_2.14</c>), or demangled.</param>
    /// <param name="functionOffset">Bytes from the function's first instruction.</param>
    public static ProbePoint At(string image, string name, ulong functionOffset = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(image);
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new ProbePoint(image, name, null, functionOffset);
    }

    /// <summary>As <c>image:function+0x4</c>, <c>image:0x1a2b</c> or <c>usdt:image:provider:name@0x1a2b</c>.</summary>
    public override string ToString() => StaticProbe is { } probe ? $"usdt:{Image}:{probe}@{Offset}" :
        Function is null ? $"{Image}:{Offset}" : FunctionOffset == 0 ? $"{Image}:{Function}" : $"{Image}:{Function}+0x{FunctionOffset:x}";
}
