using System.Buffers;

namespace Uprobes.Images;

/// <summary>How a name that a user wrote relates to the name of a library file.</summary>
internal readonly struct LibraryName
{
    private static readonly SearchValues<char> ReleaseCharacters = SearchValues.Create("0123456789.");
    private readonly string _name;
    private readonly string? _stem;

    /// <summary>Takes a name without directories, such as <c>libc</c>, <c>libc.so</c> or <c>libc.so.6</c>.</summary>
    public LibraryName(string name)
    {
        _name = name;
        // A name with a version after .so means exactly that file.
        int shared = FindShared(name);
        _stem = shared < 0 ? name : shared + 3 == name.Length ? name[..shared] : null;
    }

    /// <summary>Whether a file name is the name itself.</summary>
    public bool IsExactly(ReadOnlySpan<char> fileName) => fileName.SequenceEqual(_name);

    /// <summary>
    /// Whether a file name is the name followed by <c>.so</c>, with or without versions: <c>libc</c> is
    /// <c>libc.so.6</c> and <c>libc-2.31.so</c>, but not <c>libcap.so.2</c>.
    /// </summary>
    public bool IsStemOf(ReadOnlySpan<char> fileName)
    {
        int shared = _stem is null ? -1 : FindShared(fileName);
        if (shared < 0)
            return false;
        ReadOnlySpan<char> stem = fileName[..shared];
        return stem.SequenceEqual(_stem) || WithoutRelease(stem).SequenceEqual(_stem);
    }

    private static int FindShared(ReadOnlySpan<char> fileName)
    {
        int from = 0;
        for (int at; (at = fileName[from..].IndexOf(".so")) >= 0; from += at + 3)
        {
            int end = from + at + 3;
            if (from + at > 0 && (end == fileName.Length || fileName[end] == '.'))
                return from + at;
        }
        return -1;
    }

    // "libc-2.31" is release 2.31 of libc.
    private static ReadOnlySpan<char> WithoutRelease(ReadOnlySpan<char> stem)
    {
        int dash = stem.LastIndexOf('-');
        return dash > 0 && dash + 1 < stem.Length && !stem[(dash + 1)..].ContainsAnyExcept(ReleaseCharacters) ? stem[..dash] : stem;
    }
}
