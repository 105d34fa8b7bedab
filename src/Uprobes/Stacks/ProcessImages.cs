using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Stacks;

/// <summary>
/// What code one process has mapped, from the first look at it on. Files are opened when they are first seen, so that stacks can be
/// unwound and named when they have been unmapped or the process has ended. Used by one thread at a time.
/// </summary>
internal sealed class ProcessImages : IDisposable
{
    // What a process can have us keep by mapping and unmapping without end.
    private const int MostKept = 1 << 16;
    private readonly ImageStore _store;
    private TraceeMemory? _memory;
    private readonly MappedFileOpener _opener;
    private readonly Dictionary<Mapping, MappedCode> _seen = [];

    /// <summary>Looks at a process for the first time. One that is gone already has no code but what it is known to have begun with.</summary>
    /// <param name="pid">A live thread of it.</param>
    /// <param name="store">Keeps the files open; lives longer than this.</param>
    /// <param name="inherited">The code of the process that it is a copy of.</param>
    /// <param name="mappings">What it had mapped at the time in question; null for now.</param>
    internal ProcessImages(int pid, ImageStore store, IReadOnlyList<MappedCode> inherited, List<Mapping>? mappings = null)
        : this(pid, store, inherited, TryOpenMemory(pid))
    {
        PerfMap = PerfMap.Of(pid);
        Refresh(mappings);
    }

    private ProcessImages(int pid, ImageStore store, IReadOnlyList<MappedCode> inherited, TraceeMemory? memory)
    {
        (ProcessId, _store, _memory) = (pid, store, memory);
        _opener = new MappedFileOpener(pid, store, Reader);
        Current = new MappedImages(0, inherited, Reader);
    }

    /// <summary>Keeps the files open.</summary>
    internal ImageStore Store => _store;

    /// <summary>The process.</summary>
    internal int ProcessId { get; }

    /// <summary>What is known to be, or to have been, mapped now.</summary>
    internal MappedImages Current { get; private set; }

    /// <summary>The names that the process's own compiler gives its code, or null.</summary>
    internal PerfMap? PerfMap { get; private set; }

    /// <summary>Reads the process's memory, as it is now; null where that is not allowed.</summary>
    internal MemoryReader? Reader => _memory is null ? null : (address, destination) => _memory?.Read(new RemoteAddress(address), destination) ?? 0;

    /// <summary>
    /// Looks at the process again. To be called when it has mapped or executed a file, and when an address is in no known code.
    /// </summary>
    /// <param name="earlier">What it had mapped at the time in question; null for now.</param>
    /// <returns>Whether there is code that was not there before; then <see cref="Current"/> is another.</returns>
    internal bool Refresh(List<Mapping>? earlier = null)
    {
        PerfMap ??= PerfMap.Of(ProcessId);
        List<Mapping> mappings = earlier ?? MappingParser.ReadProcess(ProcessId);
        List<MappedCode> added = [];
        List<MappedCode> all = [];
        foreach (Mapping mapping in mappings)
        {
            if (!mapping.IsExecutable)
                continue;
            if (!_seen.TryGetValue(mapping, out MappedCode? code))
            {
                added.Add(code = Look(mapping, mappings, isNow: earlier is null));
                if (_seen.Count < MostKept)
                    _seen.Add(mapping, code);
            }

            all.Add(code);
        }

        if (added.Count == 0 && all.TrueForAll(code => ReferenceEquals(Current.Find(code.Start), code)))
            return false;
        all.AddRange(WithoutCovered(Current.Code, all));
        Current = new MappedImages(Current.Generation + 1, all.Take(MostKept), Reader);
        return true;
    }

    /// <summary>Those of a program that has ended before it was looked at: what it began with.</summary>
    internal static ProcessImages OfEnded(int pid, ImageStore store, IReadOnlyList<MappedCode> inherited) => new(pid, store, inherited, memory: null);

    /// <summary>Lets go of the process's memory, which is that of another program now, or of none. It must not be looked at again.</summary>
    internal void End()
    {
        _memory?.Dispose();
        _memory = null;
    }

    public void Dispose()
    {
        End();
        PerfMap?.Dispose();
    }

    private MappedCode Look(Mapping mapping, List<Mapping> all, bool isNow)
    {
        Images.ElfImage? image = _opener.Open(mapping, all, isNow, out string? problem);
        return new MappedCode(mapping.Start, mapping.End, mapping.FileOffset, mapping.Path, image, problem);
    }

    /// <summary>The parts of former code that nothing new covers: events of it may still be under way.</summary>
    internal static IEnumerable<MappedCode> WithoutCovered(IEnumerable<MappedCode> former, IReadOnlyList<MappedCode> current)
    {
        MappedCode[] sorted = [.. current.OrderBy(c => c.Start)];
        ulong[] ends = [.. sorted.Select(c => c.End)];
        foreach (MappedCode code in former)
        {
            ulong start = code.Start;
            int first = Array.BinarySearch(ends, start + 1); // The first that ends behind the start.
            for (int i = first < 0 ? ~first : first; i < sorted.Length && sorted[i].Start < code.End; i++)
            {
                MappedCode other = sorted[i];
                if (other.Start > start)
                    yield return code with { Start = start, End = other.Start, FileOffset = code.OffsetOf(start).Value };
                start = other.End;
            }

            if (start < code.End)
                yield return start == code.Start ? code : code with { Start = start, FileOffset = code.OffsetOf(start).Value };
        }
    }

    private static TraceeMemory? TryOpenMemory(int pid)
    {
        try
        {
            return new TraceeMemory(pid);
        }
        catch (SyscallException)
        {
            // Without the right to read it, or when it is gone: files and what was captured have to do.
            return null;
        }
    }
}
