using Microsoft.Win32.SafeHandles;
using Uprobes.Images;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Stacks;

/// <summary>
/// The file in which a process's own compiler (that of .NET, Java, Node.js) names its code: <c>/tmp/perf-PID.map</c> as the process sees
/// it. It counts only if it belongs to the process's user. It is read as it grows, and can be read when the process has ended. Used by
/// one thread at a time.
/// </summary>
internal sealed class PerfMap : IDisposable
{
    private const int PieceBytes = 1 << 16;
    private const long MostBytes = 256L << 20;
    private readonly SafeFileHandle _file;
    private readonly PerfMapEntries _entries = new();
    private readonly string _path;
    private byte[] _rest = [];
    private long _read;

    private PerfMap(SafeFileHandle file, string path) => (_file, _path) = (file, path);

    /// <summary>Opens a process's map.</summary>
    /// <param name="pid">A live thread of the process.</param>
    /// <returns>Null where there is none that counts.</returns>
    internal static PerfMap? Of(int pid)
    {
        if (ThreadStatus.TryRead(pid) is not { } status)
            return null;
        string root = $"/proc/{pid}/root", name = $"/tmp/perf-{status.OwnProcessId}.map";
        // Looked at before it is opened: to open a device or a FIFO can have effects.
        if (!RootedPath.TryFind(root, name, ReadLimits.Default.SymbolicLinks, out string path, out FileStatus found) || !found.IsRegular
            || ReadOnlyFile.TryOpen(path, out _) is not { } file)
            return null;
        FileStatus opened = FileStatus.Of(file, path);
        if (opened.IsRegular && opened.UserId == status.UserId)
            return new PerfMap(file, path);
        file.Dispose();
        return null;
    }

    /// <summary>The function that holds an address.</summary>
    internal bool TryFind(ulong address, out string name, out ulong offset) =>
        _entries.TryFind(address, out name, out offset) || (ReadMore() && _entries.TryFind(address, out name, out offset));

    public void Dispose() => _file.Dispose();

    private bool ReadMore()
    {
        long length = Math.Min((long)FileStatus.Of(_file, _path).Length, MostBytes);
        if (length < _read)
        {
            // It was written anew, by a process that has executed another program.
            (_read, _rest) = (0, []);
            _entries.Clear();
        }

        bool isMore = false;
        while (_read < length)
        {
            byte[] piece = new byte[_rest.Length + (int)Math.Min(PieceBytes, length - _read)];
            _rest.CopyTo(piece, 0);
            int count = Read(piece.AsSpan(_rest.Length));
            if (count == 0)
                break;
            _read += count;
            ReadOnlySpan<byte> bytes = piece.AsSpan(0, _rest.Length + count);
            int lines = bytes.LastIndexOf((byte)'\n') + 1;
            _entries.Add(bytes[..lines]);
            // A line without an end is none.
            _rest = bytes.Length - lines > PieceBytes ? [] : bytes[lines..].ToArray();
            isMore = true;
        }

        return isMore;
    }

    private int Read(Span<byte> destination)
    {
        try
        {
            return RandomAccess.Read(_file, destination, _read);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What cannot be read names nothing; the code shows as an address.
            return 0;
        }
    }
}
