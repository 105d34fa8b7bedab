using System.Diagnostics.CodeAnalysis;
using Uprobes.Processes;
using Uprobes.Stacks;

namespace Uprobes;

/// <summary>
/// Unwinds and names the stacks of a session's processes. What a process has mapped is looked at when it is first named here, and again
/// when a stack leads to code that is not known. Stacks may be read when their process has executed another program: their time tells which one they are of. Used by one
/// thread at a time.
/// </summary>
/// <param name="session">Knows which return addresses are replaced; null where none are.</param>
internal sealed class StackReader(UprobeSession? session) : IDisposable
{
    /// <summary>The time of what happens now, and of what is asked when it is over: the process's last program is meant.</summary>
    internal const long Now = long.MaxValue;

    // Programs that have ended and whose stacks may still come: a build ends thousands.
    private const int MostEnded = 512;

    // Numbers of processes of which is known when their last program had ended, beyond that.
    private const int MostForgotten = 1 << 16;
    private readonly ImageStore _store = new() { Told = message => session?.Tell(message) };
    private readonly Dictionary<int, List<KnownProgram>> _processes = [];
    private readonly Dictionary<int, KnownProgram> _programs = [];
    private readonly Queue<KnownProgram> _ended = new();
    private readonly Dictionary<int, long> _forgotten = [];
    private StackSymbols? _symbols;
    private int _lastNumber;

    /// <summary>Names what was found. Thread-safe, until the reader is disposed.</summary>
    internal StackSymbols Symbols => _symbols ??= new StackSymbols(_store);

    /// <summary>How many programs run whose memory is kept open.</summary>
    internal int LookedAt { get; private set; }

    /// <summary>
    /// Looks at what a process has mapped now. To be called as soon as its events may come, and when it maps or executes a file: a
    /// process that has ended shows nothing any more.
    /// </summary>
    /// <param name="processId">The process.</param>
    /// <param name="mappings">What it had mapped at the time in question; null for now.</param>
    internal void Look(int processId, List<Mapping>? mappings = null)
    {
        Begin(processId);
        KnownProgram program = _processes[processId][^1];
        if (program.HasImages)
            program.ImagesIn(_store).Refresh(mappings);
        else
            Open(program, mappings);
    }

    /// <summary>Whether a process's last program was looked at.</summary>
    internal bool HasLookedAt(int processId) => _processes.TryGetValue(processId, out List<KnownProgram>? programs) && programs[^1].HasImages;

    /// <summary>Says that a process executes a program, if none of it is known that has not ended.</summary>
    internal void Begin(int processId)
    {
        if (!_processes.TryGetValue(processId, out List<KnownProgram>? programs))
            _processes.Add(processId, programs = []);
        if (programs is [.., { HasEnded: false }])
            return;
        KnownProgram made = new(++_lastNumber, processId, programs.Count > 0 ? programs[^1].Until : _forgotten.GetValueOrDefault(processId));
        _forgotten.Remove(processId);
        programs.Add(made);
        _programs.Add(made.Number, made);
    }

    /// <summary>Says that a process has begun as a copy of another one. Nothing is looked at for that.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="parentId">The one it is a copy of.</param>
    internal void Fork(int processId, int parentId)
    {
        Begin(processId);
        _processes[processId][^1].CopyOf(Last(parentId));
    }

    /// <summary>
    /// Says that a process's program has ended: the process itself has, or it executes another one. Its stacks can be read all the same, for a while. Of one that nothing
    /// was known of, that much is known from here on: what comes then is of another one.
    /// </summary>
    /// <param name="processId">The process.</param>
    /// <param name="timestamp">When, on the monotonic clock.</param>
    internal void End(int processId, long timestamp)
    {
        KnownProgram ended = Last(processId);
        if (ended.HasEnded)
            return;
        LookedAt -= ended.HoldsMemory ? 1 : 0;
        ended.End(timestamp);
        _ended.Enqueue(ended);
        if (_ended.Count > MostEnded)
            Forget(_ended.Dequeue());
    }

    /// <summary>Unwinds a stack.</summary>
    /// <param name="processId">Whose it is.</param>
    /// <param name="stack">What was captured.</param>
    /// <param name="frames">Takes the addresses, as <see cref="StackUnwinder.Unwind"/> says.</param>
    internal StackUnwinding Unwind(int processId, scoped in CapturedStack stack, Span<ulong> frames) => Unwind(processId, Now, stack, frames, out _);

    /// <summary>Unwinds a stack that was captured at some time.</summary>
    /// <param name="processId">Whose it is.</param>
    /// <param name="timestamp">When it was captured, on the monotonic clock.</param>
    /// <param name="stack">What was captured.</param>
    /// <param name="frames">Takes the addresses, as <see cref="StackUnwinder.Unwind"/> says.</param>
    /// <param name="program">The number of the program that it is of, by which it is named.</param>
    internal StackUnwinding Unwind(int processId, long timestamp, scoped in CapturedStack stack, Span<ulong> frames, out int program)
    {
        program = 0;
        if (!TryFind(processId, timestamp, out KnownProgram? known))
            return new StackUnwinding(0, StackEnd.Unmapped);
        program = known.Number;
        ProcessImages images = Open(known);
        StackUnwinding found = StackUnwinder.Unwind(stack, images.Current, frames, known.Thunks);
        // Threads begin in code of files. Where a stack ends elsewhere, that may be a file that is not known yet, or a replaced address.
        if (found.Count == 0 || images.Current.Find(frames[found.Count - 1] - (found.Count == 1 ? 0UL : 1))?.Image is not null
            || !known.MayLook())
            return found;
        bool isChanged = images.Refresh();
        if (known.Thunks is null && session is not null && images.Reader is { } memory)
            isChanged |= (known.Thunks = session.ReturnThunksOf(processId, memory)) is not null;
        return isChanged ? StackUnwinder.Unwind(stack, images.Current, frames, known.Thunks) : found;
    }

    /// <summary>Names the addresses of a stack of a process's last program.</summary>
    /// <inheritdoc cref="SymbolizeOf"/>
    internal void Symbolize(int processId, ReadOnlySpan<ulong> frames, List<StackFrame> named, bool isExpanded = true) =>
        SymbolizeOf(Last(processId).Number, frames, named, isExpanded);

    /// <summary>Names the addresses of a stack.</summary>
    /// <param name="program">The program, as <see cref="Unwind(int, long, in CapturedStack, Span{ulong}, out int)"/> gave it.</param>
    /// <param name="frames">As it gave them.</param>
    /// <param name="named">Takes a frame for each, and before it those of the calls that were inlined there, innermost first.</param>
    /// <param name="isExpanded">False leaves inlined calls out; then no debug information but that of lines is read.</param>
    internal void SymbolizeOf(int program, ReadOnlySpan<ulong> frames, List<StackFrame> named, bool isExpanded = true) => Symbols.Name(Locate(program, frames), named, isExpanded);

    /// <summary>Where the addresses of a stack are: by that they can be named when the program is forgotten. None of a program that is not known.</summary>
    /// <param name="program">The program, as <see cref="Unwind(int, long, in CapturedStack, Span{ulong}, out int)"/> gave it.</param>
    /// <param name="frames">As it gave them.</param>
    internal FramePlace[] Locate(int program, ReadOnlySpan<ulong> frames)
    {
        if (!_programs.TryGetValue(program, out KnownProgram? known))
            return [];
        ProcessImages images = Open(known);
        return FramePlace.Of(images.Current, images.PerfMap, frames);
    }

    /// <summary>Where one address is that is no return address.</summary>
    /// <param name="processId">Whose it is.</param>
    /// <param name="timestamp">When it was its, on the monotonic clock.</param>
    /// <param name="address">The address.</param>
    internal FramePlace Locate(int processId, long timestamp, ulong address)
    {
        if (!TryFind(processId, timestamp, out KnownProgram? known))
            return new FramePlace(address, FrameCause.Stopped, IsSignal: false, null);
        ProcessImages images = Open(known);
        if (images.Current.Find(address) is null && known.MayLook())
            images.Refresh();
        return FramePlace.Of(images.Current, images.PerfMap, address, FrameCause.Stopped);
    }

    public void Dispose()
    {
        foreach (KnownProgram program in _programs.Values)
            program.Dispose();
        _programs.Clear();
        _processes.Clear();
        _ended.Clear();
        _store.Dispose();
    }

    /// <summary>The program that a process executed at a time; false where it was too long ago.</summary>
    private bool TryFind(int processId, long timestamp, [NotNullWhen(true)] out KnownProgram? program)
    {
        program = null;
        if (_forgotten.TryGetValue(processId, out long end) && timestamp <= end)
            return false;
        program = Last(processId);
        if (timestamp == Now)
            return true;
        if (timestamp > program.Until)
        {
            Begin(processId);
            program = Last(processId);
        }

        // The end of one is the beginning of the next.
        program = _processes[processId].FindLast(one => timestamp > one.Since);
        return program is not null;
    }

    private KnownProgram Last(int processId)
    {
        if (!_processes.ContainsKey(processId))
            Begin(processId);
        return _processes[processId][^1];
    }

    private ProcessImages Open(KnownProgram program, List<Mapping>? mappings = null)
    {
        bool isOpen = program.HasImages;
        ProcessImages images = program.ImagesIn(_store, mappings);
        LookedAt += !isOpen && program.HoldsMemory ? 1 : 0;
        return images;
    }

    private void Forget(KnownProgram program)
    {
        _programs.Remove(program.Number);
        List<KnownProgram> programs = _processes[program.ProcessId];
        programs.Remove(program);
        if (programs.Count == 0)
        {
            _processes.Remove(program.ProcessId);
            if (_forgotten.Count == MostForgotten)
                _forgotten.Clear();
            _forgotten[program.ProcessId] = program.Until;
        }

        program.Dispose();
    }
}
