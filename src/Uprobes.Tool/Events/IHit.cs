namespace Uprobes.Tool.Events;

/// <summary>What the recorder needs of a hit. Implemented by structs, so that a recording through it costs no call.</summary>
internal interface IHit
{
    /// <summary>The process.</summary>
    int ProcessId { get; }

    /// <summary>The thread.</summary>
    int ThreadId { get; }

    /// <summary>When, CLOCK_MONOTONIC.</summary>
    long TimeNanoseconds { get; }

    /// <summary>An integer or pointer argument, counted from 0.</summary>
    ulong Argument(int index);

    /// <summary>Reads the target's memory; returns the bytes read.</summary>
    int Read(ulong address, Span<byte> destination);
}

/// <summary>What the recorder needs of a return.</summary>
internal interface IReturn : IHit
{
    /// <summary>When the call began, CLOCK_MONOTONIC.</summary>
    long EntryTimeNanoseconds { get; }

    /// <summary>The return value.</summary>
    ulong Result { get; }
}
