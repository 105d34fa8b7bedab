using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images.CallFrames;

/// <summary>
/// The call frame information of an image: <c>.eh_frame</c>, and for code that it does not describe <c>.debug_frame</c>, also that of a
/// separate debug file. Read when it is first needed. Thread-safe.
/// </summary>
internal sealed class FrameTable
{
    private readonly Lock _gate = new();
    private readonly ElfImage _image;
    private readonly List<string> _problems = [];
    private readonly List<(FrameSection Section, FrameIndex Index)> _sections = [];
    private bool _hasRead, _hasReadDebug;

    /// <summary>Reads nothing yet.</summary>
    internal FrameTable(ElfImage image) => _image = image;

    /// <summary>What could not be read so far, each as a sentence.</summary>
    internal IReadOnlyList<string> Problems
    {
        get
        {
            lock (_gate)
                return [.. _problems];
        }
    }

    /// <summary>How to get from a frame at a link-time address to its caller's.</summary>
    /// <returns>Null where nothing valid is said.</returns>
    internal FrameRow? Find(LinkAddress address)
    {
        lock (_gate)
        {
            if (!_hasRead)
            {
                _hasRead = true;
                Attempt(ReadExceptionFrames);
            }

            if (Search(address.Value, 0) is { } row)
                return row;
            int known = _sections.Count;
            if (!_hasReadDebug)
            {
                _hasReadDebug = true;
                Attempt(() => ReadDebugFrames(_image.File));
                Attempt(ReadSeparateFrames);
            }

            return Search(address.Value, Math.Min(known, 1));
        }
    }

    private FrameRow? Search(ulong address, int from)
    {
        for (int i = from; i < _sections.Count; i++)
        {
            (FrameSection section, FrameIndex index) = _sections[i];
            if (index.Find(address) is >= 0 and int offset && section.TryReadEntry(offset, out FrameEntry entry) && entry.Contains(address))
                return FrameProgram.Run(section, entry, address);
        }

        return null;
    }

    private void ReadExceptionFrames()
    {
        FrameSection? section = null;
        bool isSized = true;
        if (_image.File.FindSection(".eh_frame") is { } found)
        {
            section = new FrameSection(_image.File.ReadSection(found, _image.File.Limits.UnwindTableBytes), found.LinkAddress.Value, isForExceptions: true);
        }
        else if (_image.UnwindHeader.Type == PT_GNU_EH_FRAME && UnwindTable.TryFindFrames(_image, out LinkAddress start, out byte[] frames))
        {
            section = new FrameSection(frames, start.Value, isForExceptions: true);
            isSized = false;
        }

        if (section is null)
            return;
        FrameIndex? index = null;
        if (_image.UnwindHeader.Type == PT_GNU_EH_FRAME)
            Attempt(() => index = FrameIndex.OfHeader(ReadHeader(), _image.UnwindHeader.Address, section.Address));
        _sections.Add((section, index ?? FrameIndex.Scan(section, stopAtTerminator: !isSized)));
    }

    private byte[] ReadHeader() =>
        _image.File.Source.ReadExactly(_image.UnwindHeader.Offset, _image.UnwindHeader.FileSize, _image.File.Limits.UnwindTableBytes, "the unwind header");

    private void ReadSeparateFrames()
    {
        using SeparateDebugFile? file = SeparateDebugFile.Find(_image, _problems);
        if (file is not null)
            ReadDebugFrames(file.File);
    }

    private void ReadDebugFrames(ElfFile file)
    {
        if (file.FindSection(".debug_frame") is not { } found)
            return;
        var section = new FrameSection(CompressedSection.Read(file, found, file.Limits.UnwindTableBytes), 0, isForExceptions: false);
        _sections.Add((section, FrameIndex.Scan(section, stopAtTerminator: false)));
    }

    private void Attempt(Action read)
    {
        try
        {
            read();
        }
        catch (ImageException error)
        {
            _problems.Add(error.Message);
        }
    }
}
