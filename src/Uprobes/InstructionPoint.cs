namespace Uprobes;

/// <summary>What a query can ask when an instruction is about to run. There are no objects of this kind.</summary>
public abstract class InstructionPoint : HitPoint
{
    private protected InstructionPoint()
    {
    }

    /// <summary>When the point was hit: nanoseconds of CLOCK_MONOTONIC.</summary>
    public abstract long Timestamp { get; }

    /// <summary>A general register of the thread, as it is before the probed instruction.</summary>
    /// <param name="name">One of <c>rax</c>, <c>rbx</c>, <c>rcx</c>, <c>rdx</c>, <c>rsi</c>, <c>rdi</c>, <c>rbp</c>, <c>rsp</c>, <c>r8</c> to <c>r15</c>; must be known when the query is made.</param>
    public abstract ulong Register(string name);
}
