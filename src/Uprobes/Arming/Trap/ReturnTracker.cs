namespace Uprobes.Arming.Trap;

/// <summary>
/// The calls of one address space whose returns are awaited. The stack is not touched: a breakpoint stands at the return
/// address, and an invocation is recognised by its stack pointer, so recursion, coroutines that change threads, exceptions,
/// and code that reads its own return address all see what they would without probes. On the tracer thread only.
/// </summary>
internal sealed class ReturnTracker
{
    /// <summary>How many calls may await their return at one place of the stack: a chain of tail calls is at most so long.</summary>
    internal const int LongestChain = 65536;
    private readonly Dictionary<ulong, List<PendingReturn>> _byStackPointer = [];

    /// <summary>The same places in order: a non-local exit leaves a range of them.</summary>
    private readonly SortedSet<ulong> _places = [];

    /// <summary>The places of each thread's calls, so that a thread's end costs what that thread has left.</summary>
    private readonly Dictionary<int, HashSet<ulong>> _placesOfThread = [];

    internal int Count { get; private set; }

    /// <summary>Enters the calls that begin at one function entry.</summary>
    /// <param name="calls">All with the same place, return address, function, process and thread.</param>
    /// <param name="isNewCall">
    /// Asked, with all that await a return at the same place, where calls of this process await the same one: whether a new call
    /// has been made there, so that those have been left. Otherwise they are callers in a chain of tail calls.
    /// </param>
    internal void Push(IReadOnlyList<PendingReturn> calls, Func<IReadOnlyList<PendingReturn>, bool> isNewCall)
    {
        PendingReturn first = calls[0];
        if (_byStackPointer.ContainsKey(first.StackPointer))
            DropStale(first, isNewCall);
        if (!_byStackPointer.TryGetValue(first.StackPointer, out List<PendingReturn>? here))
        {
            _byStackPointer.Add(first.StackPointer, here = []);
            _places.Add(first.StackPointer);
        }

        if (here.Count + calls.Count > LongestChain)
        {
            foreach (PendingReturn lost in calls)
                lost.Sink.OnReturnLost($"more than {LongestChain} tail calls follow one another", lost.ProcessId);
            return;
        }

        Add(here, calls);
    }

    /// <summary>Takes out the calls of a process that return to an address with a stack pointer, the innermost first.</summary>
    internal bool TryTake(int processId, ulong stackPointer, ulong returnAddress, List<PendingReturn> taken)
    {
        taken.Clear();
        if (_byStackPointer.ContainsKey(stackPointer))
            Remove(stackPointer, p => p.ReturnAddress == returnAddress && p.ProcessId == processId, taken);
        taken.Reverse();
        return taken.Count > 0;
    }

    /// <summary>Takes out the calls whose frames a non-local exit has left.</summary>
    /// <param name="processId">Whose calls.</param>
    /// <param name="above">The stack pointer from which it left; calls at it stay.</param>
    /// <param name="upTo">The stack pointer with which it went on; calls made with it are dropped too.</param>
    /// <param name="isLeft">Says no of a call in the range that has not been left; null for all.</param>
    internal void DropFrames(int processId, ulong above, ulong upTo, Predicate<PendingReturn>? isLeft = null)
    {
        if (Count == 0 || upTo <= above)
            return;
        foreach (ulong place in _places.GetViewBetween(above + 1, upTo).ToArray())
            Remove(place, p => p.ProcessId == processId && (isLeft is null || isLeft(p)));
    }

    /// <summary>Whether any call awaits its return at a place of the stack.</summary>
    internal bool HasCallsAt(ulong stackPointer) => _byStackPointer.ContainsKey(stackPointer);

    /// <summary>Whether any call that a thread made awaits its return.</summary>
    internal bool HasCallsOf(int threadId) => _placesOfThread.ContainsKey(threadId);

    /// <summary>Takes out the calls of a thread that is gone.</summary>
    /// <param name="threadId">The thread.</param>
    /// <param name="mayStillReturn">Tells by its place of a call that another thread may return from: one in a coroutine. Null: none.</param>
    internal void DropThread(int threadId, Predicate<ulong>? mayStillReturn = null)
    {
        if (!_placesOfThread.TryGetValue(threadId, out HashSet<ulong>? places))
            return;
        foreach (ulong place in places.ToArray())
        {
            if (mayStillReturn is null || !mayStillReturn(place))
                Remove(place, p => p.ThreadId == threadId);
        }
    }

    /// <summary>Takes out the calls of a process that has left this memory.</summary>
    internal void DropProcess(int processId)
    {
        if (Count == 0)
            return;
        foreach (ulong place in _places.ToArray())
            Remove(place, p => p.ProcessId == processId);
    }

    internal void DropSinks(IReadOnlySet<IReturnSink> sinks)
    {
        if (Count == 0)
            return;
        foreach (ulong place in _places.ToArray())
            Remove(place, p => sinks.Contains(p.Sink));
    }

    /// <summary>The same calls, as a forked child in its own copy of the memory will return from them.</summary>
    /// <param name="survives">Which of them the child can come back to: those of the thread that forked, and of suspended coroutines.</param>
    /// <param name="childProcess">The child, and its only thread.</param>
    internal ReturnTracker CopyForChild(Predicate<PendingReturn> survives, int childProcess)
    {
        ReturnTracker copy = new();
        foreach (ulong place in _places)
            copy.AddFor(childProcess, place, _byStackPointer[place].FindAll(survives));
        return copy;
    }

    /// <summary>Doubles the calls of a thread for a child that runs in the same memory (vfork): both return from them.</summary>
    internal void ShareWithChild(int parentThread, int childProcess)
    {
        if (!_placesOfThread.TryGetValue(parentThread, out HashSet<ulong>? places))
            return;
        foreach (ulong place in places.ToArray())
            AddFor(childProcess, place, _byStackPointer[place].FindAll(p => p.ThreadId == parentThread));
    }

    private void AddFor(int process, ulong place, List<PendingReturn> calls)
    {
        if (calls.Count == 0)
            return;
        if (!_byStackPointer.TryGetValue(place, out List<PendingReturn>? here))
        {
            _byStackPointer.Add(place, here = []);
            _places.Add(place);
        }

        Add(here, [.. calls.Select(p => p with { ProcessId = process, ThreadId = process })]);
    }

    /// <summary>
    /// What awaits its return at the same place of the stack is either a caller in a chain of tail calls, or a call that was
    /// left by another way. Another return address there proves the latter; all that a process has there have the same one.
    /// </summary>
    private void DropStale(PendingReturn arriving, Func<IReadOnlyList<PendingReturn>, bool> isNewCall)
    {
        List<PendingReturn> here = _byStackPointer[arriving.StackPointer];
        int last = here.FindLastIndex(p => p.ProcessId == arriving.ProcessId);
        if (last >= 0 && (here[last].ReturnAddress != arriving.ReturnAddress || isNewCall(here)))
            Remove(arriving.StackPointer, p => p.ProcessId == arriving.ProcessId);
    }

    private void Add(List<PendingReturn> here, IReadOnlyList<PendingReturn> calls)
    {
        here.AddRange(calls);
        Count += calls.Count;
        if (!_placesOfThread.TryGetValue(calls[0].ThreadId, out HashSet<ulong>? places))
            _placesOfThread.Add(calls[0].ThreadId, places = []);
        places.Add(calls[0].StackPointer);
    }

    /// <summary>Takes out the calls at one place that a condition holds for, in the order in which they were made.</summary>
    private void Remove(ulong place, Predicate<PendingReturn> condition, List<PendingReturn>? removed = null)
    {
        List<PendingReturn> here = _byStackPointer[place];
        HashSet<int> threads = [];
        int count = here.RemoveAll(p =>
        {
            if (!condition(p))
                return false;
            threads.Add(p.ThreadId);
            removed?.Add(p);
            return true;
        });
        if (count == 0)
            return;
        Count -= count;
        foreach (int thread in threads)
        {
            if (here.Exists(p => p.ThreadId == thread))
                continue;
            HashSet<ulong> places = _placesOfThread[thread];
            places.Remove(place);
            if (places.Count == 0)
                _placesOfThread.Remove(thread);
        }

        if (here.Count > 0)
            return;
        _byStackPointer.Remove(place);
        _places.Remove(place);
    }
}
