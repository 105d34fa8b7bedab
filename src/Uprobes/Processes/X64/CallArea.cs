namespace Uprobes.Processes.X64;

/// <summary>
/// The place in a tracee that one remote system call runs from: memory of ours where some is mapped, otherwise the
/// unused zeros between the end of an image's text and the end of its last page, which are put back afterwards. Nothing of
/// the program ever runs there.
/// </summary>
internal sealed class CallArea : IDisposable
{
    private const int PageSize = 4096;
    private readonly TraceeMemory _memory;
    private readonly bool _borrowed;
    private int _written;

    private CallArea(TraceeMemory memory, RemoteAddress address, bool borrowed)
    {
        _memory = memory;
        Address = address;
        _borrowed = borrowed;
    }

    internal RemoteAddress Address { get; }

    /// <summary>Finds a place, or null where every text page is full to its end.</summary>
    internal static CallArea? Take(TracedThread thread)
    {
        AddressSpace space = thread.Process.Space;
        if (space.CallArea is { } own)
            return new CallArea(space.Memory, own, borrowed: false);
        Span<byte> tail = stackalloc byte[RemoteCallCode.Size];
        foreach (Mapping mapping in MappingParser.ReadProcess(thread.ThreadId))
        {
            if (!mapping.IsExecutable || mapping.IsShared || !mapping.HasFile || mapping.Length < PageSize)
                continue;
            RemoteAddress at = new(mapping.End - RemoteCallCode.Size);
            if (space.Memory.Read(at, tail) == tail.Length && tail.IndexOfAnyExcept((byte)0) < 0)
                return new CallArea(space.Memory, at, borrowed: true);
        }

        return null;
    }

    /// <summary>Writes the code. Returns 0 or errno.</summary>
    internal int Fill(byte[] code)
    {
        _written = code.Length;
        return _memory.WriteAll(Address, code);
    }

    public void Dispose()
    {
        if (_borrowed && _written != 0)
            _ = _memory.WriteAll(Address, new byte[_written]); // A process that is gone needs it no more.
    }
}
