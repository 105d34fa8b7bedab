using System.Buffers;

namespace Uprobes.Script.Output;

/// <summary>Time series as text: a line an interval, with a star between the least value at the left and the largest at the right.</summary>
internal static class TimeSeriesText
{
    private const int GraphWidth = 53;
    private const int LeastWidth = 21;

    internal static void Write(IBufferWriter<byte> output, ScriptTimeSeries series, TimeZoneInfo zone)
    {
        IReadOnlyList<TimeSeriesPoint> points = series.Points;
        if (points.Count == 0)
        {
            output.Write("<no data>"u8);
            return;
        }

        (Int128 least, Int128 most) = Range(points);
        TimeUnit unit = TimeUnit.Of((points[^1].UnixNanoseconds - points[0].UnixNanoseconds) / Math.Max(1, points.Count - 1));
        WriteRange(output, least, most, unit.Width + 1);
        output.WriteField(unit.Header, unit.Width + 1, isLeft: true);
        output.WriteByte((byte)'|');
        output.WriteRepeated((byte)'_', GraphWidth - 2);
        output.Write("|\n"u8);
        foreach (TimeSeriesPoint point in points)
        {
            unit.Format.Write(output, point.UnixNanoseconds, zone);
            output.WriteByte((byte)' ');
            WritePoint(output, point, least, most);
        }

        output.WriteRepeated((byte)' ', unit.Width + 1);
        output.WriteByte((byte)'v');
        output.WriteRepeated((byte)'_', GraphWidth - 2);
        output.Write("v\n"u8);
        WriteRange(output, least, most, unit.Width + 1);
    }

    /// <summary>The least and the largest value, one apart from the only one where there is one.</summary>
    private static (Int128 Least, Int128 Most) Range(IReadOnlyList<TimeSeriesPoint> points)
    {
        Int128 least = Int128.MaxValue, most = Int128.MinValue;
        bool isSigned = true;
        foreach (TimeSeriesPoint point in points)
        {
            if (point.Value.Kind == ScriptValueKind.None)
                continue;
            isSigned = point.Value.IsSigned;
            least = Int128.Min(least, point.Value.Number);
            most = Int128.Max(most, point.Value.Number);
        }

        if (least > most)
            return (0, 0);
        if (least != most)
            return (least, most);
        return (Int128.Max(least - 1, isSigned ? long.MinValue : 0), Int128.Min(most + 1, isSigned ? long.MaxValue : ulong.MaxValue));
    }

    private static void WriteRange(IBufferWriter<byte> output, Int128 least, Int128 most, int indent)
    {
        Span<byte> number = stackalloc byte[40];
        output.WriteRepeated((byte)' ', indent);
        least.TryFormat(number, out int length, default, System.Globalization.CultureInfo.InvariantCulture);
        output.WriteField(number[..length], LeastWidth, isLeft: true);
        most.TryFormat(number, out length, default, System.Globalization.CultureInfo.InvariantCulture);
        output.WriteField(number[..length], GraphWidth - LeastWidth, isLeft: false);
        output.WriteByte((byte)'\n');
    }

    private static void WritePoint(IBufferWriter<byte> output, TimeSeriesPoint point, Int128 least, Int128 most)
    {
        Span<byte> line = stackalloc byte[GraphWidth];
        line.Fill((byte)' ');
        line[0] = (byte)'|';
        line[GraphWidth - 1] = (byte)'|';
        if (least < 0 && most > 0)
            line[Column(GraphWidth, 0, least, most)] = (byte)'.';
        bool isMissing = point.Value.Kind == ScriptValueKind.None;
        if (!isMissing)
            line[Column(GraphWidth - 1, point.Value.Number, least, most)] = (byte)'*';
        output.Write(line);
        output.WriteByte((byte)' ');
        if (isMissing)
            output.WriteByte((byte)'-');
        else
            output.WriteDecimal(point.Value.Number);
        output.WriteByte((byte)'\n');
    }

    // Single precision as in HistogramText.
    private static int Column(int width, Int128 value, Int128 least, Int128 most) =>
        least == most ? GraphWidth / 2 : Math.Clamp((int)(width * (float)(value - least) / (float)(most - least)), 0, GraphWidth - 1);

    /// <summary>How finely times are told: by the largest unit that is no longer than an interval.</summary>
    private sealed record TimeUnit(byte[] Header, TimeFormat Format)
    {
        private static readonly TimeUnit Second = new("hh:mm:ss"u8.ToArray(), TimeFormat.Parse("%H:%M:%S"));
        private static readonly TimeUnit Milli = new("hh:mm:ss.ms"u8.ToArray(), TimeFormat.Parse("%H:%M:%S.%l"));
        private static readonly TimeUnit Micro = new("hh:mm:ss.μs"u8.ToArray(), TimeFormat.Parse("%H:%M:%S.%f"));
        private static readonly TimeUnit Nano = new("hh:mm:ss.ns"u8.ToArray(), TimeFormat.Parse("%H:%M:%S.%k"));

        /// <summary>Columns of a time.</summary>
        internal int Width => this == Second ? 8 : this == Milli ? 12 : this == Micro ? 15 : 18;

        internal static TimeUnit Of(long interval) => interval switch
        {
            >= 1_000_000_000 => Second,
            >= 1_000_000 => Milli,
            >= 1_000 => Micro,
            _ => Nano,
        };
    }
}
