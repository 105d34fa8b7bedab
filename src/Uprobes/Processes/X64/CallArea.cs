using Uprobes.Linux;

namespace Uprobes.Processes.X64;

/// <summary>
/// The place in a tracee that one remote system call runs from: memory of ours where some is mapped, otherwise the
/// unused zeros between the end of some code and the end of its last page, which are put back afterwards. Nothing of
/// the program ever runs there.
/// </summary>
internal sealed class CallArea : IDisposable
{
    private const int PageSize = 4096;
    private const string KernelCode = "[vdso]";
    private readonly AddressSpace _space;
    private readonly bool _borrowed;
    private int _written;

    private CallArea(AddressSpace space, RemoteAddress address, bool borrowed)
    {
        _space = space;
        Address = address;
        _borrowed = borrowed;
    }

    internal RemoteAddress Address { get; }

    /// <summary>Whether the place is memory of ours that calls are no longer to run from, because it is about to be unmapped.</summary>
    internal bool IsStale => !_borrowed && _space.CallArea?.Value != Address.Value;

    /// <summary>Finds a place, or null where every text page is full to its end.</summary>
    /// <remarks>
    /// The kernel's own page of code (vdso(7)) comes first: it is no file's text, which must be the file's again however
    /// the tracer ends. A tracer killed in this moment leaves its code there. Such a place is used again where all others
    /// are taken, once no thread stands in it.
    /// </remarks>
    internal static CallArea? Take(Tracer tracer, TracedThread thread)
    {
        AddressSpace space = thread.Process.Space;
        if (space.CallArea is { } own)
            return new CallArea(space, own, borrowed: false);
        List<Mapping> mappings = MappingParser.ReadProcess(thread.ThreadId);
        foreach (Mapping mapping in mappings)
        {
            if (mapping.Path == KernelCode && mapping.Length >= PageSize && TakeOfKernel(tracer, thread.Process, mapping) is { } area)
                return area;
        }

        foreach (Mapping mapping in mappings)
        {
            if (mapping.IsExecutable && !mapping.IsShared && mapping.HasFile && mapping.Length >= PageSize && TakeUnused(space, mapping, 1) is { } area)
                return area;
        }

        return null;
    }

    private static CallArea? TakeOfKernel(Tracer tracer, TracedProcess process, in Mapping mapping)
    {
        const int Pieces = PageSize / RemoteCallCode.Size;
        if (TakeUnused(process.Space, mapping, Pieces) is { } unused)
            return unused;
        Span<byte> code = stackalloc byte[RemoteCallCode.Size];
        for (int piece = 1; piece <= Pieces; piece++)
        {
            RemoteAddress at = PieceOf(mapping, piece);
            if (process.Space.Memory.Read(at, code) == code.Length && RemoteCallCode.IsLikelyAt(code) && IsLeft(tracer, process, at))
                return new CallArea(process.Space, at, borrowed: true);
        }

        return null;
    }

    /// <summary>The last piece of a mapping that holds nothing, of so many.</summary>
    private static CallArea? TakeUnused(AddressSpace space, in Mapping mapping, int pieces)
    {
        Span<byte> tail = stackalloc byte[RemoteCallCode.Size];
        for (int piece = 1; piece <= pieces; piece++)
        {
            RemoteAddress at = PieceOf(mapping, piece);
            if (space.Memory.Read(at, tail) == tail.Length && tail.IndexOfAnyExcept((byte)0) < 0)
                return new CallArea(space, at, borrowed: true);
        }

        return null;
    }

    private static RemoteAddress PieceOf(in Mapping mapping, int piece) => new(mapping.End - (ulong)(piece * RemoteCallCode.Size));

    /// <summary>Whether no thread stands in a place, for which all are stopped for a moment.</summary>
    private static bool IsLeft(Tracer tracer, TracedProcess process, RemoteAddress at)
    {
        HashSet<TracedThread> stopped = [.. process.Threads.Values.Where(t => t.State == TraceState.Stopped)];
        bool isLeft = tracer.StopAll(process).Count == 0;
        foreach (TracedThread thread in process.Threads.Values.ToArray())
        {
            if (thread.State == TraceState.Stopped)
                isLeft &= Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) == 0 && registers.Rip - at.Value > RemoteCallCode.Size;
            if (thread.State == TraceState.Stopped && !thread.IsHeld && !stopped.Contains(thread))
                Tracer.Resume(thread);
        }

        return isLeft;
    }

    /// <summary>Writes the code. Returns 0 or errno.</summary>
    internal int Fill(byte[] code)
    {
        _written = code.Length;
        return _space.Memory.WriteAll(Address, code);
    }

    /// <summary>
    /// Leaves the code where it is, for a thread that did not come back from the call in time and still has to find its own
    /// way. Later calls run from elsewhere: a borrowed place is not taken while something is written there.
    /// </summary>
    internal void Abandon()
    {
        _written = 0;
        if (_borrowed)
            return;
        _space.CallArea = null;
        _space.KeepsCallArea = true;
    }

    public void Dispose()
    {
        if (_borrowed && _written != 0)
            _ = _space.Memory.WriteAll(Address, new byte[RemoteCallCode.Size]); // A process that is gone needs it no more.
    }
}
