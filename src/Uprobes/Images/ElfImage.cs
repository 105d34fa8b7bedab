using Microsoft.Win32.SafeHandles;
using Uprobes.Images.CallFrames;
using Uprobes.Images.Inlining;
using Uprobes.Images.SourceLines;
using Uprobes.Images.StaticProbes;
using Uprobes.Images.Types;
using Uprobes.Linux;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>
/// An executable or library file, open for reading: its identity, its layout, its functions. Immutable apart from
/// what is read lazily; all members may be used from any thread until <see cref="Dispose"/>. The file is read with
/// pread(2) in the pieces that are asked for; it is never mapped and never read whole.
/// </summary>
public sealed class ElfImage : IDisposable
{
    private readonly SegmentTable _segments;
    private readonly Lazy<FunctionTable> _functions;
    private readonly Lazy<RestartableSequences> _sequences;
    private readonly Lazy<IReadOnlyList<StaticProbeNote>> _staticProbes;

    private ElfImage(SafeFileHandle handle, string path, FileStatus status, ReadLimits limits)
    {
        Handle = handle;
        Path = path;
        Id = new ImageId(status.Device, status.Inode);
        Length = status.Length;
        Modified = status.Modified;
        File = ElfFile.Read(new FileByteSource(handle, path, status.Length), limits);
        ElfProgramHeader[] headers = File.ReadProgramHeaders();
        _segments = new SegmentTable(File, headers);
        Dynamic = new DynamicSection(File, _segments, headers);
        Interpreter = ReadInterpreter(headers);
        BuildId = ReadBuildId(headers);
        UnwindHeader = Array.Find(headers, header => header.Type == PT_GNU_EH_FRAME);
        EntryPoint = new LinkAddress(File.Header.EntryPoint);
        Type = FindType();
        CallFrames = new FrameTable(this);
        Lines = new LineTable(this);
        _staticProbes = new Lazy<IReadOnlyList<StaticProbeNote>>(() => StaticProbeReader.Read(this));
        Types = new TypeTable(this);
        Inlined = new InlineTable(Types, Lines);
        _functions = new Lazy<FunctionTable>(() => new FunctionTable(this));
        _sequences = new Lazy<RestartableSequences>(() => Images.RestartableSequences.Read(File, Dynamic, _segments));
    }

    /// <summary>The file as fstat(2) identifies it.</summary>
    public ImageId Id { get; }

    /// <summary>The path that it was opened by.</summary>
    public string Path { get; }

    /// <summary>Its length in bytes when it was opened.</summary>
    public ulong Length { get; }

    /// <summary>When its contents were last changed before it was opened: seconds and nanoseconds since 1970.</summary>
    internal (long Seconds, long Nanoseconds) Modified { get; }

    /// <summary>The open file, lent; <see cref="Dispose"/> closes it.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>What the file is for.</summary>
    public ElfType Type { get; }

    /// <summary>Whether it can be loaded at any address (ET_DYN).</summary>
    public bool IsPositionIndependent => File.Header.Type == ET_DYN;

    /// <summary>The dynamic linker that starts it (PT_INTERP), or null for static programs and most libraries.</summary>
    public string? Interpreter { get; }

    /// <summary>e_entry.</summary>
    public LinkAddress EntryPoint { get; }

    /// <summary>The loaded parts (PT_LOAD), in the file's order.</summary>
    public IReadOnlyList<ElfSegment> Segments => _segments.Segments;

    /// <summary>The sections; none where the file has none or their table is broken.</summary>
    public IReadOnlyList<ElfSection> Sections => File.Sections;

    /// <summary>Why <see cref="Sections"/> could not be read although the file claims to have them, or null.</summary>
    public string? SectionTableProblem => File.SectionTableProblem;

    /// <summary>The linker's fingerprint, or null where it wrote none.</summary>
    public BuildId? BuildId { get; }

    /// <summary>The libraries that it needs (DT_NEEDED), in the file's order.</summary>
    public IReadOnlyList<string> Needed => Dynamic.Needed;

    /// <summary>The name that programs need it by (DT_SONAME), or null.</summary>
    public string? Soname => Dynamic.Soname;

    /// <summary>Where its libraries are looked for first (DT_RUNPATH or DT_RPATH), with <c>$ORIGIN</c> not replaced.</summary>
    public IReadOnlyList<string> RunPath => Dynamic.RunPath;

    /// <summary>Its functions. Nothing is read before the first question, and only what the question needs.</summary>
    public FunctionTable Functions => _functions.Value;

    /// <summary>Its static probes (USDT), in the order of its notes; none in most files.</summary>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    public IReadOnlyList<StaticProbeNote> StaticProbes => _staticProbes.Value;

    /// <summary>Whether no symbol names a function: then bounds come from unwind information and names are made up.</summary>
    public bool HasFunctionBoundsOnlyFromUnwind =>
        Functions.All.Count > 0 && Functions.All.All(function => function.Origin == FunctionOrigin.UnwindTable);

    internal ElfFile File { get; }

    /// <summary>How to get from frames of its code to their callers'.</summary>
    internal FrameTable CallFrames { get; }

    /// <summary>Which lines of source its code comes from.</summary>
    internal LineTable Lines { get; }

    /// <summary>The types and parameters that debug information says.</summary>
    internal TypeTable Types { get; }

    /// <summary>Which functions were inlined where.</summary>
    internal InlineTable Inlined { get; }

    /// <summary>The critical sections of its restartable sequences.</summary>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    internal RestartableSequences RestartableSequences => _sequences.Value;

    internal DynamicSection Dynamic { get; }

    internal SegmentTable SegmentTable => _segments;

    /// <summary>PT_GNU_EH_FRAME, or an empty header.</summary>
    internal ElfProgramHeader UnwindHeader { get; }

    /// <summary>Opens a file by path, symbolic links followed.</summary>
    /// <param name="path">The path as open(2) takes it.</param>
    /// <returns>The image, owned by the caller.</returns>
    /// <exception cref="ImageException">With the reason why it is not a readable x86-64 ELF file.</exception>
    public static ElfImage Open(string path) => Open(path, ReadLimits.Default);

    /// <summary>As <see cref="Open(string)"/>, with limits of the caller's.</summary>
    /// <inheritdoc cref="Open(string)"/>
    public static ElfImage Open(string path, ReadLimits limits)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(limits);
        if (path.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("A path cannot contain NUL.", nameof(path));
        // Asked first, because opening a device or a FIFO can have effects.
        if (!FileStatus.TryOf(path, out FileStatus status, out int error))
            throw Refused(path, error);
        if (!status.IsRegular)
            throw NotRegular(path);
        return Open(ReadOnlyFile.TryOpen(path, out error) ?? throw Refused(path, error), path, limits);
    }

    /// <summary>Reads a file that is already open.</summary>
    /// <param name="handle">A readable descriptor; the image owns it from here on, also when this fails.</param>
    /// <param name="displayPath">What to call the file.</param>
    /// <inheritdoc cref="Open(string)"/>
    public static ElfImage Open(SafeFileHandle handle, string displayPath) => Open(handle, displayPath, ReadLimits.Default);

    /// <summary>As <see cref="Open(SafeFileHandle, string)"/>, with limits of the caller's.</summary>
    /// <inheritdoc cref="Open(SafeFileHandle, string)"/>
    public static ElfImage Open(SafeFileHandle handle, string displayPath, ReadLimits limits)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ArgumentNullException.ThrowIfNull(displayPath);
        ArgumentNullException.ThrowIfNull(limits);
        ElfImage? image = null;
        try
        {
            FileStatus status = FileStatus.Of(handle, displayPath);
            if (!status.IsRegular)
                throw NotRegular(displayPath);
            return image = new ElfImage(handle, displayPath, status, limits);
        }
        finally
        {
            if (image is null)
                handle.Dispose();
        }
    }

    /// <summary>The link-time address of a byte of the file; false for bytes that are not loaded.</summary>
    public bool TryGetAddress(FileOffset offset, out LinkAddress address) => _segments.TryGetAddress(offset, out address);

    /// <summary>The byte of the file at a link-time address; false outside the segments and in zero-filled memory.</summary>
    public bool TryGetOffset(LinkAddress address, out FileOffset offset) => _segments.TryGetOffset(address, out offset);

    /// <summary>Whether the byte is code: in a segment with PF_X and, where the file has sections, in one with SHF_EXECINSTR.</summary>
    public bool IsExecutable(FileOffset offset) => _segments.TryGetCode(offset.Value, out _);

    /// <summary>Reads bytes of the file.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="destination">Where they go.</param>
    /// <returns>How many were read; fewer than asked only at the end of the file.</returns>
    /// <exception cref="ImageException">ReadFailed.</exception>
    public int Read(FileOffset offset, Span<byte> destination) => File.Source.ReadAt(offset.Value, destination);

    /// <summary>Closes the file. Functions that were already listed stay usable.</summary>
    public void Dispose() => Handle.Dispose();

    private static ImageException NotRegular(string path) =>
        new(ImageFailureReason.NotRegularFile, path, "not a regular file");

    private static ImageException Refused(string path, int error)
    {
        ImageFailureReason reason = error switch
        {
            Errno.ENOENT or Errno.ENOTDIR or Errno.ESRCH => ImageFailureReason.NotFound,
            Errno.EACCES or Errno.EPERM => ImageFailureReason.PermissionDenied,
            _ => ImageFailureReason.ReadFailed,
        };
        return new ImageException(reason, path, $"cannot be opened: {Errno.Name(error)} ({Errno.Describe(error)})");
    }

    private string? ReadInterpreter(ElfProgramHeader[] headers)
    {
        foreach (ElfProgramHeader header in headers)
        {
            if (header.Type == PT_INTERP)
                return File.Source.ReadString(header.Offset, (int)Math.Min(header.FileSize, (ulong)File.Limits.PathBytes), "PT_INTERP");
        }
        return null;
    }

    private BuildId? ReadBuildId(ElfProgramHeader[] headers)
    {
        foreach (ElfProgramHeader header in headers)
        {
            if (header.Type != PT_NOTE)
                continue;
            byte[] notes = File.Source.ReadExactly(header.Offset, header.FileSize, File.Limits.NoteBytes, "a note segment");
            if (NoteReader.FindBuildId(notes, header.Alignment, File.Limits.BuildIdBytes) is { } id)
                return id;
        }
        return NoteReader.FindBuildId(File);
    }

    private ElfType FindType() => File.Header.Type switch
    {
        ET_EXEC => ElfType.Executable,
        ET_DYN when Dynamic.IsMarkedAsProgram || (Interpreter is not null && Soname is null) => ElfType.PositionIndependentExecutable,
        ET_DYN => ElfType.SharedObject,
        ET_REL => ElfType.Relocatable,
        ET_CORE => ElfType.Core,
        ushort other => throw File.Source.Malformed($"e_type at offset 0x10 is {other}, which is no type of ELF file"),
    };
}
