using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>
/// Writes many short pieces of text while all threads are stopped: those in one page at once, so that the pause is short and a
/// page is either as it was or as it is to be when the tracer is killed.
/// </summary>
internal sealed class TextPatcher(TraceeMemory memory)
{
    private const int PageSize = 4096;
    private readonly SortedDictionary<ulong, byte[]> _pieces = [];

    /// <summary>Notes a piece, which must not cross into another page.</summary>
    internal void Add(ulong address, byte[] bytes) => _pieces[address] = bytes;

    /// <summary>Writes all. Returns the addresses of the pieces that could not be written, with errno.</summary>
    internal Dictionary<ulong, int> Flush()
    {
        Dictionary<ulong, int> failed = [];
        List<KeyValuePair<ulong, byte[]>> page = [];
        foreach (KeyValuePair<ulong, byte[]> piece in _pieces)
        {
            if (page.Count > 0 && piece.Key / PageSize != page[0].Key / PageSize)
                WritePage(page, failed);
            page.Add(piece);
        }

        WritePage(page, failed);
        _pieces.Clear();
        return failed;
    }

    private void WritePage(List<KeyValuePair<ulong, byte[]>> page, Dictionary<ulong, int> failed)
    {
        if (page.Count == 0)
            return;
        ulong start = page[0].Key;
        byte[] bytes = new byte[(int)(page[^1].Key - start) + page[^1].Value.Length];
        int error = page.Count == 1 || memory.Read(new RemoteAddress(start), bytes) == bytes.Length ? 0 : Linux.Errno.EFAULT;
        if (error == 0)
        {
            foreach ((ulong address, byte[] piece) in page)
                piece.CopyTo(bytes, (int)(address - start));
            error = memory.WriteAll(new RemoteAddress(start), bytes);
        }

        if (error != 0)
        {
            foreach ((ulong address, _) in page)
                failed.Add(address, error);
        }

        page.Clear();
    }
}
