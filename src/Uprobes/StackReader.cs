using Uprobes.Stacks;

namespace Uprobes;

/// <summary>
/// Unwinds and names the stacks of a session's processes. What a process has mapped is looked at when it is first named here, and again
/// when a stack leads to code that is not known. Used by one thread at a time.
/// </summary>
/// <param name="session">Knows which return addresses are replaced; null where none are.</param>
internal sealed class StackReader(UprobeSession? session) : IDisposable
{
    // A stack that leads nowhere, such as one of code that was made and thrown away, must not cost a look each time.
    private static readonly TimeSpan RestBetweenLooks = TimeSpan.FromMilliseconds(100);
    private readonly ImageStore _store = new();
    private readonly Dictionary<int, Known> _processes = [];

    private sealed class Known(ProcessImages images)
    {
        internal readonly ProcessImages Images = images;
        internal readonly StackSymbols Symbols = new(images);
        internal long NextLook;
        internal IReturnThunks? Thunks;
    }

    /// <summary>
    /// Looks at what a process has mapped now. To be called as soon as its events may come, and when it maps or executes a file: a
    /// process that has ended shows nothing any more.
    /// </summary>
    internal void Look(int processId)
    {
        bool isNew = !_processes.ContainsKey(processId);
        Known known = Of(processId);
        if (!isNew)
            known.Images.Refresh();
    }

    /// <summary>Forgets a process, whose number may be another's from now on.</summary>
    internal void Forget(int processId)
    {
        if (_processes.Remove(processId, out Known? known))
            known.Images.Dispose();
    }

    /// <summary>Unwinds a stack.</summary>
    /// <param name="processId">Whose it is.</param>
    /// <param name="stack">What was captured.</param>
    /// <param name="frames">Takes the addresses, as <see cref="StackUnwinder.Unwind"/> says.</param>
    internal StackUnwinding Unwind(int processId, scoped in CapturedStack stack, Span<ulong> frames)
    {
        Known known = Of(processId);
        StackUnwinding found = StackUnwinder.Unwind(stack, known.Images.Current, frames, known.Thunks);
        // Threads begin in code of files. Where a stack ends elsewhere, that may be a file that is not known yet, or a replaced address.
        if (found.Count == 0 || known.Images.Current.Find(frames[found.Count - 1] - (found.Count == 1 ? 0UL : 1))?.Image is not null
            || !MayLook(known))
            return found;
        bool isChanged = known.Images.Refresh();
        if (known.Thunks is null && session is not null && known.Images.Reader is { } memory)
            isChanged |= (known.Thunks = session.ReturnThunksOf(processId, memory)) is not null;
        return isChanged ? StackUnwinder.Unwind(stack, known.Images.Current, frames, known.Thunks) : found;
    }

    /// <summary>Names the addresses of a stack.</summary>
    /// <param name="processId">Whose it is.</param>
    /// <param name="frames">As <see cref="Unwind"/> gave them.</param>
    /// <param name="named">Takes a frame for each, and before it those of the calls that were inlined there, innermost first.</param>
    /// <param name="isExpanded">False leaves inlined calls out; then no debug information but that of lines is read.</param>
    internal void Symbolize(int processId, ReadOnlySpan<ulong> frames, List<StackFrame> named, bool isExpanded = true)
    {
        Known known = Of(processId);
        known.Symbols.Symbolize(known.Images.Current, frames, named, isExpanded);
    }

    /// <summary>Names one address that is no return address: the function that it is in, whatever was inlined there.</summary>
    internal StackFrame Symbolize(int processId, ulong address)
    {
        Known known = Of(processId);
        if (known.Images.Current.Find(address) is null && MayLook(known))
            known.Images.Refresh();
        return known.Symbols.Symbolize(known.Images.Current, address, isExact: true, isExpanded: false)[^1];
    }

    /// <summary>The code at an address, as far as is known; null where there is none.</summary>
    internal MappedCode? Find(int processId, ulong address) => Of(processId).Images.Current.Find(address);

    public void Dispose()
    {
        foreach (Known known in _processes.Values)
            known.Images.Dispose();
        _processes.Clear();
        _store.Dispose();
    }

    private static bool MayLook(Known known)
    {
        if (Environment.TickCount64 < known.NextLook)
            return false;
        known.NextLook = Environment.TickCount64 + (long)RestBetweenLooks.TotalMilliseconds;
        return true;
    }

    private Known Of(int processId)
    {
        if (!_processes.TryGetValue(processId, out Known? known))
            _processes.Add(processId, known = new Known(new ProcessImages(processId, _store)));
        return known;
    }
}
