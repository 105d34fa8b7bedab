using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Uprobes.Tool.Output;

/// <summary>
/// Distributions as JSON, one object a function. Integers are exact. The open end of a bucket is null: of the negative values of a histogram of
/// powers of two, and of what lies below and above steps.
/// </summary>
internal static class DistributionJson
{
    private const int AverageDigits = 3;

    /// <summary>Writes the objects.</summary>
    public static void Write(ArrayBufferWriter<byte> output, IReadOnlyList<Distribution> distributions, DistributionValue value)
    {
        using var lines = new JsonLines();
        foreach (var distribution in distributions)
        {
            var writer = lines.Begin(value.Type);
            writer.WriteText("image", distribution.Probe.ImagePath);
            writer.WriteText("function", distribution.Probe.Function);
            writer.WriteNumber("offset", distribution.Probe.Offset);
            writer.WriteString("engine", distribution.Engine);
            if (value is DistributionValue.Of { Expression: var expression })
                writer.WriteText("value", expression);
            else
                writer.WriteString("unit", "ns");
            writer.WriteNumber("count", distribution.Count);
            WriteInteger(writer, "sum", distribution.Statistics.Sum);
            WriteInteger(writer, "min", distribution.Statistics.Minimum);
            WriteInteger(writer, "max", distribution.Statistics.Maximum);
            writer.WriteNumber("average", Math.Round(distribution.Statistics.Average, AverageDigits));
            writer.WriteStartArray("buckets");
            foreach (var bucket in distribution.Values.Buckets)
                WriteBucket(writer, bucket);
            writer.WriteEndArray();
            lines.End(output);
        }
    }

    private static void WriteBucket(Utf8JsonWriter writer, HistogramBucket bucket)
    {
        writer.WriteStartObject();
        WriteInteger(writer, "least", DistributionText.IsOpenBelow(bucket) ? null : bucket.Least);
        WriteInteger(writer, "limit", DistributionText.IsOpenAbove(bucket) ? null : bucket.Limit);
        writer.WriteNumber("count", bucket.Count);
        writer.WriteEndObject();
    }

    private static void WriteInteger(Utf8JsonWriter writer, string property, Int128? value)
    {
        writer.WritePropertyName(property);
        writer.WriteRawValue(value is { } known ? known.ToString(CultureInfo.InvariantCulture) : "null", skipInputValidation: true);
    }
}
