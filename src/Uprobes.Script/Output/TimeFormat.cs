using System.Buffers;
using System.Globalization;

namespace Uprobes.Script.Output;

/// <summary>
/// A format of <c>time()</c> and <c>strftime()</c>: strftime(3) in the C locale, and bpftrace's own <c>%f</c> (microseconds,
/// six digits), <c>%k</c> (nanoseconds, nine) and <c>%l</c> (milliseconds, three). Conversions that nobody knows stay as they are.
/// Immutable: parse once, write from any thread.
/// </summary>
public sealed class TimeFormat
{
    private readonly string _format;

    private TimeFormat(string format) => _format = format;

    /// <summary>The format of <c>time()</c> without one: <c>%H:%M:%S</c> and a line end.</summary>
    public static TimeFormat Default { get; } = new("%H:%M:%S\n");

    /// <summary>Takes a format.</summary>
    /// <param name="format">The format as the script has it, its escapes resolved.</param>
    public static TimeFormat Parse(string format) => new(format);

    /// <summary>Writes a time as UTF-8.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="unixNanoseconds">Nanoseconds since 1970-01-01 UTC.</param>
    /// <param name="zone">The zone to tell it in.</param>
    public void Write(IBufferWriter<byte> output, long unixNanoseconds, TimeZoneInfo zone)
    {
        (long seconds, long nanoseconds) = Math.DivRem(unixNanoseconds, 1_000_000_000);
        if (nanoseconds < 0)
            (seconds, nanoseconds) = (seconds - 1, nanoseconds + 1_000_000_000);
        DateTimeOffset time = TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeSeconds(seconds), zone);
        Write(output, _format, new Moment(time, (int)nanoseconds, zone));
    }

    private static void Write(IBufferWriter<byte> output, ReadOnlySpan<char> format, in Moment moment)
    {
        while (!format.IsEmpty)
        {
            int percent = format.IndexOf('%');
            output.WriteText(percent < 0 ? format : format[..percent]);
            if (percent < 0)
                return;
            format = format[percent..];
            int at = 1;
            char flag = '\0';
            while (at < format.Length && format[at] is '-' or '_' or '0' or '^' or '#')
                flag = format[at++];
            while (at < format.Length && format[at] is 'E' or 'O')
                at++;
            if (at < format.Length && Convert(output, format[at], flag, moment))
            {
                format = format[(at + 1)..];
                continue;
            }

            output.WriteByte((byte)'%');
            format = format[1..];
        }
    }

    private static bool Convert(IBufferWriter<byte> output, char conversion, char flag, in Moment moment)
    {
        DateTimeOffset t = moment.Time;
        switch (conversion)
        {
            case 'a': return Name(output, t.ToString("ddd", CultureInfo.InvariantCulture), flag);
            case 'A': return Name(output, t.ToString("dddd", CultureInfo.InvariantCulture), flag);
            case 'b' or 'h': return Name(output, t.ToString("MMM", CultureInfo.InvariantCulture), flag);
            case 'B': return Name(output, t.ToString("MMMM", CultureInfo.InvariantCulture), flag);
            case 'p': return Name(output, t.Hour < 12 ? "AM" : "PM", flag == '#' ? 'l' : flag);
            case 'P': return Name(output, t.Hour < 12 ? "am" : "pm", flag);
            case 'Z': return Name(output, moment.ZoneName, flag);
            case 'z': return Name(output, moment.Offset, flag);
            case 'n': return Name(output, "\n", flag);
            case 't': return Name(output, "\t", flag);
            case '%': return Name(output, "%", flag);
            case 'c': return Compound(output, "%a %b %e %H:%M:%S %Y", moment);
            case 'D' or 'x': return Compound(output, "%m/%d/%y", moment);
            case 'F': return Compound(output, "%Y-%m-%d", moment);
            case 'r': return Compound(output, "%I:%M:%S %p", moment);
            case 'R': return Compound(output, "%H:%M", moment);
            case 'T' or 'X': return Compound(output, "%H:%M:%S", moment);
            case 'C': return Number(output, t.Year / 100, 2, '0', flag);
            case 'd': return Number(output, t.Day, 2, '0', flag);
            case 'e': return Number(output, t.Day, 2, ' ', flag);
            case 'g': return Number(output, ISOWeek.GetYear(t.DateTime) % 100, 2, '0', flag);
            case 'G': return Number(output, ISOWeek.GetYear(t.DateTime), 1, '0', flag);
            case 'H': return Number(output, t.Hour, 2, '0', flag);
            case 'I': return Number(output, ((t.Hour + 11) % 12) + 1, 2, '0', flag);
            case 'j': return Number(output, t.DayOfYear, 3, '0', flag);
            case 'm': return Number(output, t.Month, 2, '0', flag);
            case 'M': return Number(output, t.Minute, 2, '0', flag);
            case 's': return Number(output, t.ToUnixTimeSeconds(), 1, '0', flag);
            case 'S': return Number(output, t.Second, 2, '0', flag);
            case 'u': return Number(output, t.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)t.DayOfWeek, 1, '0', flag);
            case 'U': return Number(output, (t.DayOfYear + 6 - (int)t.DayOfWeek) / 7, 2, '0', flag);
            case 'V': return Number(output, ISOWeek.GetWeekOfYear(t.DateTime), 2, '0', flag);
            case 'w': return Number(output, (int)t.DayOfWeek, 1, '0', flag);
            case 'W': return Number(output, (t.DayOfYear + 6 - (((int)t.DayOfWeek + 6) % 7)) / 7, 2, '0', flag);
            case 'y': return Number(output, t.Year % 100, 2, '0', flag);
            case 'Y': return Number(output, t.Year, 1, '0', flag);
            case 'f': return Number(output, moment.Nanoseconds / 1_000, 6, '0', flag);
            case 'k': return Number(output, moment.Nanoseconds, 9, '0', flag);
            case 'l': return Number(output, moment.Nanoseconds / 1_000_000, 3, '0', flag);
            default: return false;
        }
    }

    private static bool Compound(IBufferWriter<byte> output, string format, in Moment moment)
    {
        Write(output, format, moment);
        return true;
    }

    private static bool Name(IBufferWriter<byte> output, string name, char flag)
    {
        output.WriteText(flag switch { '^' => name.ToUpperInvariant(), 'l' => name.ToLowerInvariant(), '#' => name.ToUpperInvariant(), _ => name });
        return true;
    }

    private static bool Number(IBufferWriter<byte> output, long value, int width, char fill, char flag)
    {
        fill = flag switch { '_' => ' ', '0' => '0', _ => fill };
        int digits = 1;
        for (long rest = Math.Abs(value); rest >= 10; rest /= 10)
            digits++;
        if (flag != '-')
            output.WriteRepeated((byte)fill, width - digits);
        output.WriteDecimal(value);
        return true;
    }

    private readonly record struct Moment(DateTimeOffset Time, int Nanoseconds, TimeZoneInfo Zone)
    {
        internal string ZoneName =>
            Zone.Id is "UTC" or "Etc/UTC" ? "UTC" : Zone.IsDaylightSavingTime(Time) ? Zone.DaylightName : Zone.StandardName;

        internal string Offset
        {
            get
            {
                int minutes = (int)Time.Offset.TotalMinutes;
                return string.Create(CultureInfo.InvariantCulture, $"{(minutes < 0 ? '-' : '+')}{Math.Abs(minutes) / 60:00}{Math.Abs(minutes) % 60:00}");
            }
        }
    }
}
