namespace Uprobes.Programs;

/// <summary>A thread at a probed instruction, which it has not run yet.</summary>
internal interface ISiteState
{
    /// <summary>Address of the site in the target.</summary>
    ulong SiteAddress { get; }

    /// <summary>A general register of the thread, by the processor's number, 0 to 15 (<see cref="RegisterValue"/>).</summary>
    ulong Register(int number);

    /// <summary>Reads memory of the target.</summary>
    /// <param name="address">Any number at all.</param>
    /// <param name="destination">Filled from its start.</param>
    /// <returns>How many bytes were read: fewer than asked where memory cannot be read, 0 if the first byte cannot.</returns>
    int TryRead(ulong address, Span<byte> destination);
}
