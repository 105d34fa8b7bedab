using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Reads a tracee's text at many addresses that ascend, in large pieces: one system call for each piece and not for each
/// address. What it shows is as old as the piece, so it serves for one pass over the text, in which nothing is written.
/// </summary>
internal sealed class TextWindow(TraceeMemory memory)
{
    private const int Size = 16 * 1024;
    private readonly byte[] _bytes = new byte[Size];
    private ulong _start;
    private int _length;

    /// <summary>The memory at an address; fewer bytes than asked for where it cannot be read. Valid until the next call.</summary>
    internal ReadOnlySpan<byte> Read(ulong address, int length)
    {
        if (address < _start || address + (ulong)length > _start + (ulong)_length)
        {
            _start = address;
            _length = memory.Read(new RemoteAddress(address), _bytes);
        }

        return _bytes.AsSpan((int)(address - _start), Math.Min(length, _length - (int)(address - _start)));
    }
}
