using System.Text;
using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>Reads and writes one address space. What it reads is hostile input. Short counts are data, not errors.</summary>
internal sealed class TraceeMemory(int tid) : IDisposable
{
    private const int PageSize = 4096;
    private readonly MemoryFile _file = MemoryFile.Open(tid);

    internal int Descriptor => _file.Descriptor;

    /// <inheritdoc cref="MemoryFile.IsGone"/>
    internal bool IsGone => _file.IsGone;

    internal int Read(RemoteAddress address, Span<byte> destination) => _file.Read(address.Value, destination);

    internal int Write(RemoteAddress address, ReadOnlySpan<byte> source) => _file.Write(address.Value, source, out _);

    /// <summary>Writes all bytes or says why not.</summary>
    /// <returns>0, or errno (ESRCH for an address space that is gone).</returns>
    internal int WriteAll(RemoteAddress address, ReadOnlySpan<byte> source)
    {
        int written = _file.Write(address.Value, source, out int error);
        return written == source.Length ? 0 : error == 0 ? Errno.ESRCH : error;
    }

    internal bool TryReadWord(RemoteAddress address, out ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bool complete = Read(address, bytes) == bytes.Length;
        value = complete ? BitConverter.ToUInt64(bytes) : 0;
        return complete;
    }

    /// <summary>A NUL-terminated string of at most <paramref name="maximumBytes"/>, kept up to the first unreadable page; null when nothing can be read.</summary>
    internal string? ReadString(RemoteAddress address, int maximumBytes)
    {
        if (maximumBytes <= 0)
            return null;
        byte[] buffer = new byte[maximumBytes];
        int length = 0;
        while (length < maximumBytes)
        {
            // Not past the page: a string that ends just before an unreadable page is whole.
            int untilPage = PageSize - (int)((address.Value + (ulong)length) % PageSize);
            int read = Read(address + (ulong)length, buffer.AsSpan(length, Math.Min(untilPage, maximumBytes - length)));
            int end = buffer.AsSpan(length, read).IndexOf((byte)0);
            if (end >= 0)
                return Encoding.UTF8.GetString(buffer, 0, length + end);
            length += read;
            if (read == 0)
                break;
        }

        return length == 0 ? null : Encoding.UTF8.GetString(buffer, 0, length);
    }

    public void Dispose() => _file.Dispose();
}
