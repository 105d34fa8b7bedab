namespace Uprobes.Images;

/// <summary>An address as the linker assigned it in an ELF file (st_value, p_vaddr), before the image is loaded anywhere.</summary>
/// <param name="Value">The link-time virtual address.</param>
public readonly record struct LinkAddress(ulong Value) : IComparable<LinkAddress>
{
    /// <inheritdoc/>
    public int CompareTo(LinkAddress other) => Value.CompareTo(other.Value);

    /// <summary>The address <paramref name="bytes"/> further on.</summary>
    public static LinkAddress operator +(LinkAddress address, ulong bytes) => new(address.Value + bytes);

    /// <summary>As <c>0x1a2b</c>.</summary>
    public override string ToString() => $"0x{Value:x}";
#pragma warning disable CS1591 // Ordering by Value.
    public static LinkAddress Add(LinkAddress left, ulong right) => left + right;
    public static bool operator <(LinkAddress left, LinkAddress right) => left.Value < right.Value;
    public static bool operator <=(LinkAddress left, LinkAddress right) => left.Value <= right.Value;
    public static bool operator >(LinkAddress left, LinkAddress right) => left.Value > right.Value;
    public static bool operator >=(LinkAddress left, LinkAddress right) => left.Value >= right.Value;
#pragma warning restore CS1591
}
