
namespace Uprobes.Arming.Trap;

/// <summary>A call whose return is awaited.</summary>
/// <param name="ReturnAddress">Where it will return to.</param>
/// <param name="StackPointer">RSP right after the return: what tells this invocation from all others.</param>
/// <param name="Function">The address of the function's first instruction.</param>
/// <param name="ThreadId">The thread that called.</param>
/// <param name="EntryTimestamp">Nanoseconds of CLOCK_MONOTONIC.</param>
/// <param name="Sink">Who wants to know.</param>
/// <param name="State">What its entry handler gave.</param>
internal sealed record PendingReturn(
    ulong ReturnAddress, ulong StackPointer, ulong Function, int ThreadId, long EntryTimestamp, IReturnSink Sink, object? State);

/// <summary>
/// The calls of one address space whose returns are awaited. The stack is not touched: a breakpoint stands at the return
/// address, and an invocation is recognised by its stack pointer, so recursion, coroutines that change threads, exceptions,
/// and code that reads its own return address all see what they would without probes. On the tracer thread only.
/// </summary>
internal sealed class ReturnTracker
{
    /// <summary>How many calls may await their return at one place of the stack: a chain of tail calls is at most so long.</summary>
    private const int LongestChain = 4096;
    private readonly Dictionary<ulong, List<PendingReturn>> _byStackPointer = [];

    internal int Count { get; private set; }

    /// <summary>Enters the calls that begin at one function entry.</summary>
    /// <param name="calls">All with the same place, return address and function.</param>
    /// <param name="isDirectCall">Tells whether the instruction before the return address is a direct call of just this function.</param>
    internal void Push(IReadOnlyList<PendingReturn> calls, Func<bool> isDirectCall)
    {
        PendingReturn first = calls[0];
        if (!_byStackPointer.TryGetValue(first.StackPointer, out List<PendingReturn>? here))
            _byStackPointer.Add(first.StackPointer, here = []);
        DropStale(here, first, isDirectCall);
        if (here.Count + calls.Count > LongestChain)
        {
            foreach (PendingReturn lost in here.Take(calls.Count))
                lost.Sink.OnReturnLost($"more than {LongestChain} tail calls in a row", 0);
            Count -= Math.Min(calls.Count, here.Count);
            here.RemoveRange(0, Math.Min(calls.Count, here.Count));
        }

        here.AddRange(calls);
        Count += calls.Count;
    }

    /// <summary>Takes out the calls that return to an address with a stack pointer, the innermost first.</summary>
    internal bool TryTake(ulong stackPointer, ulong returnAddress, List<PendingReturn> taken)
    {
        taken.Clear();
        if (!_byStackPointer.TryGetValue(stackPointer, out List<PendingReturn>? here))
            return false;
        for (int i = here.Count - 1; i >= 0; i--)
        {
            if (here[i].ReturnAddress != returnAddress)
                continue;
            taken.Add(here[i]);
            here.RemoveAt(i);
        }

        Count -= taken.Count;
        if (here.Count == 0)
            _byStackPointer.Remove(stackPointer);
        return taken.Count > 0;
    }

    /// <summary>Takes out the calls of a thread whose frames a non-local exit has left: those at or below a stack pointer, down to another.</summary>
    internal void DropFrames(int threadId, ulong lowest, ulong highest)
    {
        if (Count != 0)
            RemoveWhere(p => p.ThreadId == threadId && p.StackPointer > lowest && p.StackPointer <= highest);
    }

    internal void DropThread(int threadId)
    {
        if (Count != 0)
            RemoveWhere(p => p.ThreadId == threadId);
    }

    internal void DropSinks(IReadOnlySet<IReturnSink> sinks)
    {
        if (Count != 0)
            RemoveWhere(p => sinks.Contains(p.Sink));
    }

    /// <summary>The same calls, as a forked child will return from them.</summary>
    internal ReturnTracker CopyForChild(int parentThread, int childThread)
    {
        ReturnTracker copy = new();
        foreach ((ulong place, List<PendingReturn> here) in _byStackPointer)
        {
            List<PendingReturn> own = [.. here.Where(p => p.ThreadId == parentThread).Select(p => p with { ThreadId = childThread })];
            if (own.Count == 0)
                continue;
            copy._byStackPointer.Add(place, own);
            copy.Count += own.Count;
        }

        return copy;
    }

    /// <summary>
    /// What awaits its return at the same place of the stack is either a caller in a chain of tail calls, or a call that was
    /// left by longjmp or an exception. Another return address there proves the latter. With the same one, a direct call of the
    /// very function that is entered, and that alone awaits its return here, is a new call.
    /// </summary>
    private void DropStale(List<PendingReturn> here, PendingReturn arriving, Func<bool> isDirectCall)
    {
        int before = here.Count;
        here.RemoveAll(p => p.ReturnAddress != arriving.ReturnAddress || p.ThreadId != arriving.ThreadId);
        if (here.Count > 0 && here.TrueForAll(p => p.Function == arriving.Function) && isDirectCall())
            here.Clear();
        Count -= before - here.Count;
    }

    private void RemoveWhere(Predicate<PendingReturn> condition)
    {
        foreach ((ulong place, List<PendingReturn> here) in _byStackPointer.ToArray())
        {
            Count -= here.RemoveAll(condition);
            if (here.Count == 0)
                _byStackPointer.Remove(place);
        }
    }
}
