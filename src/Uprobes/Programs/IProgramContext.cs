namespace Uprobes.Programs;

/// <summary>What a program can see of one hit.</summary>
internal interface IProgramContext : ISiteState
{
    /// <summary>As the target's own getpid() says.</summary>
    int ProcessId { get; }

    /// <summary>As the target's own gettid() says.</summary>
    int ThreadId { get; }

    /// <summary>The thread's name, at most 15 bytes, none of them zero.</summary>
    ReadOnlySpan<byte> ThreadName { get; }

    /// <summary>The processor that the thread runs on.</summary>
    int Processor { get; }

    /// <summary>The thread's real user, as it is now, by the tracer's numbers.</summary>
    uint UserId { get; }

    /// <summary>The thread's real group, as it is now, by the tracer's numbers.</summary>
    uint GroupId { get; }

    /// <summary>The process's parent, by the tracer's numbers.</summary>
    int ParentId { get; }

    /// <summary>Nanoseconds of CLOCK_MONOTONIC.</summary>
    long TimestampNanoseconds { get; }

    /// <summary>Nanoseconds since the entry of the call, never negative. Asked by return programs only.</summary>
    long DurationNanoseconds { get; }

    /// <summary>Which probe of the program's group was hit.</summary>
    int ProbeIndex { get; }

    /// <summary>Where the thread goes on: at the site, or where the call returns.</summary>
    ulong InstructionAddress => SiteAddress;

    /// <summary>Where a call returns in the end whose return address that is: elsewhere if it is followed. What is no return address stays what it is.</summary>
    ulong ReturnAddress(ulong found) => found;

    /// <summary>A word that the entry program kept for this call. Asked by return programs only.</summary>
    ulong EntryWord(int index);
}
