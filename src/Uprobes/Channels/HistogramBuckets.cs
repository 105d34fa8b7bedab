using System.Numerics;

namespace Uprobes.Channels;

/// <summary>Which values go into which bucket of a histogram.</summary>
internal static class HistogramBuckets
{
    /// <summary>The bucket of a value, a 64-bit word extended by the sign of the map's value type.</summary>
    internal static int IndexOf(MapDefinition map, long value) =>
        map.Kind == AggregateKind.LogHistogram ? LogIndex(value, map.ValueType.IsSigned, map.Bits) : LinearIndex(map.Steps, value, map.ValueType.IsSigned);

    /// <summary>The values of a bucket: the least, and the least beyond them. Open ends are those of the value type's 64 bits.</summary>
    internal static (Int128 Least, Int128 Limit) BoundsOf(MapDefinition map, int index)
    {
        Int128 least = map.ValueType.IsSigned ? long.MinValue : 0;
        Int128 limit = map.ValueType.IsSigned ? (Int128)long.MaxValue + 1 : (Int128)ulong.MaxValue + 1;
        if (map.Kind == AggregateKind.LogHistogram)
            return index == 0 ? (least, 0) : LogBounds(index - 1, map.Bits);
        LinearSteps steps = map.Steps;
        return index == 0 ? (least, steps.Least)
            : index > steps.Count ? (steps.Limit, limit)
            : (steps.Least + ((Int128)steps.Width * (index - 1)), steps.Least + ((Int128)steps.Width * index));
    }

    private static int LogIndex(long value, bool isSigned, int bits)
    {
        if (isSigned && value < 0)
            return 0;
        int power = BitOperations.Log2((ulong)value | (1ul << bits)) - bits;
        return 1 + (power << bits) + (int)((ulong)value >> power);
    }

    private static (Int128 Least, Int128 Limit) LogBounds(int part, int bits)
    {
        int power = Math.Max(0, (part >> bits) - 1);
        Int128 within = part - (power << bits);
        return (within << power, (within + 1) << power);
    }

    private static int LinearIndex(LinearSteps steps, long value, bool isSigned)
    {
        if (!isSigned && value < 0)
            return steps.Count + 1; // 2^63 and more, which no limit reaches.
        return value < steps.Least ? 0
            : value >= steps.Limit ? steps.Count + 1
            : 1 + (int)((ulong)(value - steps.Least) / (ulong)steps.Width);
    }
}
