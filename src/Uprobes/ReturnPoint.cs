namespace Uprobes;

/// <summary>What a query can ask when a function has returned. There are no objects of this kind.</summary>
public abstract class ReturnPoint : HitPoint
{
    private protected ReturnPoint()
    {
    }

    /// <summary>When the function returned: nanoseconds of CLOCK_MONOTONIC.</summary>
    public abstract long Timestamp { get; }

    /// <summary>From the function's entry to its return, in nanoseconds; never negative. Calls of other functions in it are included.</summary>
    public abstract long DurationNanoseconds { get; }

    /// <summary>The function's integer or pointer result (rax). Of one of 32 bits and less, the upper bits are undefined: cast it.</summary>
    public abstract ulong ReturnValue { get; }

    /// <summary>The function's result as a signed number: <c>(long)ReturnValue</c>. For C's <c>int</c>, write <c>(int)r.ReturnValue</c>.</summary>
    public abstract long SignedReturnValue { get; }

    /// <summary>A general register of the thread, as it is after the return.</summary>
    /// <param name="name">One of <c>rax</c>, <c>rbx</c>, <c>rcx</c>, <c>rdx</c>, <c>rsi</c>, <c>rdi</c>, <c>rbp</c>, <c>rsp</c>, <c>r8</c> to <c>r15</c>; must be known when the query is made.</param>
    public abstract ulong Register(string name);
}
