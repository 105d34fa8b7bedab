namespace Uprobes.Images.StaticProbes;

/// <summary>
/// A static probe (USDT) as its note in the file says: a place that the program's author has marked and named. Several notes may have one
/// name, since the compiler copies functions; each has arguments of its own.
/// </summary>
/// <param name="Provider">Who defines it, such as <c>python</c>.</param>
/// <param name="Name">Its name, such as <c>function__entry</c>.</param>
/// <param name="Address">The marked instruction, a nop.</param>
/// <param name="Offset">The same instruction's position in the file.</param>
/// <param name="Semaphore">
/// A counter of 16 bits that tells the program how many tracers want to see the probe: some programs come by the probe only while it is not 0.
/// Null where the probe has none.
/// </param>
/// <param name="Arguments">Where its arguments are, in their order.</param>
public sealed record StaticProbeNote(
    string Provider, string Name, LinkAddress Address, FileOffset Offset, LinkAddress? Semaphore, IReadOnlyList<StaticArgument> Arguments)
{
    /// <summary>Bytes of a semaphore.</summary>
    internal const int SemaphoreBytes = sizeof(ushort);

    /// <summary>Where the semaphore is in the file; null where there is none, or it is where no process can have it counted up.</summary>
    internal FileOffset? SemaphoreOffset { get; init; }

    /// <summary>Why no process can have its semaphore counted up; null where one can, or there is none.</summary>
    internal string? SemaphoreProblem { get; init; }

    /// <summary>As <c>provider:name</c>.</summary>
    public override string ToString() => $"{Provider}:{Name}";
}
