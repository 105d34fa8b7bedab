namespace Uprobes.Images;

/// <summary>
/// The dynamic linker's index of libraries, <c>/etc/ld.so.cache</c>, in the form "glibc-ld.so.cache1.1", alone or
/// after the table of the older form (glibc, dl-cache.h).
/// </summary>
internal sealed class LoaderCache
{
    private const int OldHeaderBytes = 16, OldEntryBytes = 12, UnusedHeaderBytes = 20;
    private const uint AbiMask = 0xff00, X8664Abi = 0x0300;

    private LoaderCache(List<(string Name, string Path)> libraries) => Libraries = libraries;

    /// <summary>The 64-bit x86 libraries: sonames and paths, in the file's order, which is that of preference for one name.</summary>
    public IReadOnlyList<(string Name, string Path)> Libraries { get; }

    /// <summary>Parses the file's bytes.</summary>
    /// <returns>The libraries, or null where the bytes are of another form or damaged.</returns>
    public static LoaderCache? TryParse(ReadOnlySpan<byte> bytes)
    {
        int start = 0;
        var reader = new SpanReader(bytes);
        if (bytes.StartsWith("ld.so-1.7.0"u8))
        {
            if (!reader.TrySeek(12) || !reader.TryReadUInt32(out uint old))
                return null;
            ulong end = OldHeaderBytes + ((ulong)old * OldEntryBytes);
            end = (end + 7) & ~7UL;
            if (end > (ulong)bytes.Length)
                return null;
            start = (int)end;
        }
        ReadOnlySpan<byte> table = bytes[start..];
        reader = new SpanReader(table);
        if (!table.StartsWith("glibc-ld.so.cache1.1"u8) || !reader.TrySeek(20) || !reader.TryReadUInt32(out uint count)
            || !reader.TryReadUInt32(out _) || !reader.TrySkip(UnusedHeaderBytes))
            return null;
        var libraries = new List<(string, string)>();
        ulong budget = 4UL * (ulong)bytes.Length;
        var strings = new StringTable(table.ToArray(), ReadLimits.Default.PathBytes);
        for (uint i = 0; i < count; i++)
        {
            if (!reader.TryReadUInt32(out uint flags) || !reader.TryReadUInt32(out uint key) || !reader.TryReadUInt32(out uint value)
                || !reader.TryReadUInt32(out _) || !reader.TryReadUInt64(out ulong hardware))
                return null;
            // Entries for particular processors repeat a library that has a general entry too.
            if ((flags & AbiMask) != X8664Abi || hardware != 0)
                continue;
            if (!strings.TryGet(key, ref budget, out string name) || !strings.TryGet(value, ref budget, out string path))
                return null;
            libraries.Add((name, path));
        }
        return new LoaderCache(libraries);
    }
}
