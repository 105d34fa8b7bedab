using Uprobes.Images;

namespace Uprobes.Arming.Inline.X64;

/// <summary>What a file loads, by link-time address.</summary>
internal sealed class LoadedBytes
{
    private readonly LoadedPiece[] _pieces;

    private readonly SegmentTable _segments;

    private LoadedBytes(LoadedPiece[] pieces, ElfImage image)
    {
        _pieces = pieces;
        _segments = image.SegmentTable;
        HasFixedAddress = !image.IsPositionIndependent;
        Code = [.. pieces.Where(piece => piece.IsExecutable)];
        Data = [.. pieces.Where(piece => !piece.IsExecutable)];
    }

    /// <summary>Whether the file is loaded at its link-time addresses, so that instructions may hold them.</summary>
    public bool HasFixedAddress { get; }

    /// <summary>The executable pieces.</summary>
    public IReadOnlyList<LoadedPiece> Code { get; }

    /// <summary>The others.</summary>
    public IReadOnlyList<LoadedPiece> Data { get; }

    /// <summary>Reads all loaded segments.</summary>
    /// <exception cref="ImageException">ReadFailed, or Malformed: a segment has 2 GiB or more.</exception>
    public static LoadedBytes Read(ElfImage image)
    {
        var pieces = new List<LoadedPiece>(image.Segments.Count);
        foreach (ElfSegment segment in image.Segments)
        {
            if (segment.FileSize == 0)
                continue;
            byte[] bytes = image.File.Source.ReadExactly(segment.FileOffset.Value, segment.FileSize, int.MaxValue, "a segment");
            pieces.Add(new LoadedPiece(segment.LinkAddress.Value, segment.FileOffset.Value, bytes, segment.IsExecutable));
        }

        return new LoadedBytes([.. pieces], image);
    }

    /// <summary>The piece of an address.</summary>
    public bool TryFind(ulong address, out LoadedPiece piece, out int index)
    {
        foreach (LoadedPiece candidate in _pieces)
        {
            if (candidate.Contains(address, out index))
            {
                piece = candidate;
                return true;
            }
        }

        (piece, index) = (null!, 0);
        return false;
    }

    /// <summary>The executable piece of an address.</summary>
    public bool TryFindCode(ulong address, out LoadedPiece piece, out int index) => TryFind(address, out piece, out index) && piece.IsExecutable;

    /// <summary>Whether a byte is in a section of code; other sections can be in an executable piece.</summary>
    public bool IsCode(LoadedPiece piece, int index) => piece.IsExecutable && _segments.TryGetCode(piece.Offset + (ulong)index, out _);

    /// <summary>Marks an address as the beginning of something, where it is code.</summary>
    public void Name(ulong address)
    {
        if (TryFindCode(address, out LoadedPiece piece, out int index))
            piece.MarkNamed(index);
    }

    /// <summary>Marks an address as led to by data or from outside of the file, where it is code.</summary>
    public bool Point(ulong address)
    {
        if (!TryFindCode(address, out LoadedPiece piece, out int index))
            return false;
        piece.MarkPointed(index);
        return true;
    }
}
