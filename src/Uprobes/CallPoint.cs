namespace Uprobes;

/// <summary>
/// What a query can ask of a call, from its entry to its return. Everything is stored when the call returns, with the arguments that it
/// had at its entry; memory is read at the return (so that a buffer that the function filled has its contents). There are no objects of
/// this kind.
/// </summary>
/// <remarks>
/// A call that never returns (exit, longjmp past it, an exception) is not seen. Conditions on arguments, ids and function names
/// alone are decided at the entry, and calls that do not meet them cost no more than that.
/// </remarks>
public abstract class CallPoint : HitPoint
{
    private protected CallPoint()
    {
    }

    /// <summary>When the function was entered: nanoseconds of CLOCK_MONOTONIC.</summary>
    public abstract long Timestamp { get; }

    /// <summary>From the function's entry to its return, in nanoseconds; never negative. Calls of other functions in it are included.</summary>
    public abstract long DurationNanoseconds { get; }

    /// <summary>The function's integer or pointer result (rax). Of one of 32 bits and less, the upper bits are undefined: cast it.</summary>
    public abstract ulong ReturnValue { get; }

    /// <summary>The function's result as a signed number: <c>(long)ReturnValue</c>. For C's <c>int</c>, write <c>(int)c.ReturnValue</c>.</summary>
    public abstract long SignedReturnValue { get; }

    /// <summary>An integer or pointer argument, as it was at the entry (<see cref="EntryPoint.Arg"/>).</summary>
    /// <param name="index">0 to 31; must be known when the query is made. A query can use six different ones.</param>
    public abstract ulong Arg(int index);

    /// <summary>An argument as a signed number: <c>(long)Arg(index)</c>. For C's <c>int</c>, write <c>(int)c.Arg(0)</c>.</summary>
    /// <param name="index">0 to 31; must be known when the query is made. A query can use six different ones.</param>
    public abstract long SignedArg(int index);
}
