namespace Uprobes;

/// <summary>What a query missed, so far and in all processes. All zero means that nothing is missing.</summary>
/// <param name="Events">Events that were dropped because a thread's ring was full.</param>
/// <param name="Keys">Hits whose key found no room in the table.</param>
/// <param name="Threads">Hits of threads beyond those that a channel has room for.</param>
/// <param name="Returns">Calls whose return could not be followed.</param>
/// <param name="FailedReads">Reads of memory that was not there: their value was 0, or the text ended. The hit itself was not lost.</param>
/// <param name="Other">Hits that found no room for something else, and what a process has overwritten in its own results.</param>
public readonly record struct QueryLosses(long Events, long Keys, long Threads, long Returns, long FailedReads, long Other)
{
    /// <summary>Hits, calls and events that are missing in the result; failed reads are not.</summary>
    public long Missing => Events + Keys + Threads + Returns + Other;
}
