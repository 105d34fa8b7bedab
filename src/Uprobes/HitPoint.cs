namespace Uprobes;

/// <summary>
/// What a query can ask of every hit. There are no objects of this kind: the lambdas of a query are not run as C#, but become
/// programs (<see cref="ProbeQuery{TPoint}"/>).
/// </summary>
public abstract class HitPoint
{
    private protected HitPoint()
    {
    }

    /// <summary>The process id, as the process itself sees it in its pid namespace (getpid(2)).</summary>
    public abstract int ProcessId { get; }

    /// <summary>The thread id, as the thread itself sees it in its pid namespace (gettid(2)).</summary>
    public abstract int ThreadId { get; }

    /// <summary>Which of the query's probe points was hit, from 0 in the order in which they were given.</summary>
    public abstract int ProbeIndex { get; }

    /// <summary>
    /// The name of the probed function (for a point given by file offset without a name, how the point is written). It can be selected,
    /// grouped by, and compared with <c>==</c> and <c>!=</c> to names that are known when the query is made.
    /// </summary>
#pragma warning disable CA1716 // Nobody derives from these types, so that no language's keyword is in the way.
    public abstract string Function { get; }
#pragma warning restore CA1716

    /// <summary>The address of the probed instruction in the process.</summary>
    public abstract ulong Address { get; }

    /// <summary>
    /// An integer in the process's memory. Where it cannot be read the value is 0 and the read is counted in
    /// <see cref="QueryLosses.FailedReads"/>; the process is not disturbed.
    /// </summary>
    /// <typeparam name="T">An integer of 1 to 8 bytes, an enum, bool or char.</typeparam>
    /// <param name="address">A virtual address of the process.</param>
    public abstract T Read<T>(ulong address)
        where T : unmanaged;

    /// <summary>A zero-ended string in the process's memory, as UTF-8, cut at 64 bytes.</summary>
    /// <param name="address">A virtual address of the process.</param>
    /// <inheritdoc cref="ReadString(ulong, int)" path="/remarks"/>
    public abstract string ReadString(ulong address);

    /// <summary>A zero-ended string in the process's memory, as UTF-8 (malformed bytes become U+FFFD), cut at a number of bytes.</summary>
    /// <param name="address">A virtual address of the process.</param>
    /// <param name="maximumBytes">1 to 256, rounded up to a multiple of 8; must be known when the query is made.</param>
    /// <remarks>
    /// It ends before what cannot be read, which is counted in <see cref="QueryLosses.FailedReads"/>, and is then possibly empty; it is
    /// never null. It can be selected, grouped by, and compared with <c>==</c> and <c>!=</c>: a cut string equals what is left of it.
    /// Not escaped: it may hold control characters.
    /// </remarks>
    public abstract string ReadString(ulong address, int maximumBytes);
}
