namespace Uprobes.Processes;

/// <summary>An address in a tracee. It means nothing in the tracer.</summary>
/// <param name="Value">The virtual address.</param>
public readonly record struct RemoteAddress(ulong Value) : IComparable<RemoteAddress>
{
    /// <inheritdoc/>
    public int CompareTo(RemoteAddress other) => Value.CompareTo(other.Value);

    /// <summary>The address <paramref name="bytes"/> further on.</summary>
    public static RemoteAddress operator +(RemoteAddress address, ulong bytes) => new(address.Value + bytes);

    /// <summary>As <c>0x1a2b</c>.</summary>
    public override string ToString() => $"0x{Value:x}";
#pragma warning disable CS1591 // Ordering by Value.
    public static RemoteAddress Add(RemoteAddress left, ulong right) => left + right;
    public static bool operator <(RemoteAddress left, RemoteAddress right) => left.Value < right.Value;
    public static bool operator <=(RemoteAddress left, RemoteAddress right) => left.Value <= right.Value;
    public static bool operator >(RemoteAddress left, RemoteAddress right) => left.Value > right.Value;
    public static bool operator >=(RemoteAddress left, RemoteAddress right) => left.Value >= right.Value;
#pragma warning restore CS1591
}
