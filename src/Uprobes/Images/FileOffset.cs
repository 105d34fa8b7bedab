namespace Uprobes.Images;

/// <summary>A byte position in a file, counted from its start. Half of a probe point's identity.</summary>
/// <param name="Value">The offset in bytes.</param>
public readonly record struct FileOffset(ulong Value) : IComparable<FileOffset>
{
    /// <inheritdoc/>
    public int CompareTo(FileOffset other) => Value.CompareTo(other.Value);

    /// <summary>The offset <paramref name="bytes"/> further on.</summary>
    public static FileOffset operator +(FileOffset offset, ulong bytes) => new(offset.Value + bytes);

    /// <summary>As <c>0x1a2b</c>.</summary>
    public override string ToString() => $"0x{Value:x}";
#pragma warning disable CS1591 // Ordering by Value.
    public static FileOffset Add(FileOffset left, ulong right) => left + right;
    public static bool operator <(FileOffset left, FileOffset right) => left.Value < right.Value;
    public static bool operator <=(FileOffset left, FileOffset right) => left.Value <= right.Value;
    public static bool operator >(FileOffset left, FileOffset right) => left.Value > right.Value;
    public static bool operator >=(FileOffset left, FileOffset right) => left.Value >= right.Value;
#pragma warning restore CS1591
}
