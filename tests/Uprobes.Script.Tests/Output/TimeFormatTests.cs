using System.Buffers;
using System.Text;
using Uprobes.Script.Output;

namespace Uprobes.Script.Tests.Output;

public sealed class TimeFormatTests
{
    private const long Moment = 1_700_000_000L * 1_000_000_000 + 123_456_789; // Tuesday, 2023-11-14 22:13:20.123456789 UTC.
    private const long Early = 1_704_585_605L * 1_000_000_000; // Sunday, 2024-01-07 00:00:05 UTC.

    /// <summary>Format, moment, text; those of strftime as date(1) prints them in the C locale.</summary>
    public static TheoryData<string, long, string> Formats { get; } = new()
    {
        { "%H:%M:%S\n", Moment, "22:13:20\n" }, { "%F %T", Moment, "2023-11-14 22:13:20" }, { "%m/%d/%y", Moment, "11/14/23" }, { "%D", Moment, "11/14/23" },
        { "%a %A %b %B %h", Moment, "Tue Tuesday Nov November Nov" }, { "%c", Moment, "Tue Nov 14 22:13:20 2023" }, { "%x %X", Moment, "11/14/23 22:13:20" },
        { "%r", Moment, "10:13:20 PM" }, { "%R", Moment, "22:13" }, { "%I %p %P", Moment, "10 PM pm" }, { "%I %p", Early, "12 AM" }, { "%j", Moment, "318" }, { "%j", Early, "007" },
        { "%u %w", Moment, "2 2" }, { "%u %w", Early, "7 0" }, { "%U %W %V", Moment, "46 46 46" }, { "%U %W %V", Early, "01 01 01" }, { "%G %g", Early, "2024 24" },
        { "%e|%d", Early, " 7|07" }, { "%-d %_d %0e", Early, "7  7 07" }, { "%^a %^B", Moment, "TUE NOVEMBER" }, { "%s", Moment, "1700000000" }, { "%C %y %Y", Moment, "20 23 2023" },
        { "%z %Z", Moment, "+0000 UTC" }, { "%n%t%%", Moment, "\n\t%" }, { "%f", Moment, "123456" }, { "%k", Moment, "123456789" }, { "%l", Moment, "123" },
        { "%f", Early, "000000" }, { "%S.%l", Early + 5_000_000, "05.005" }, { "%Ey %Od", Moment, "23 14" }, { "%Q", Moment, "%Q" }, { "100%", Moment, "100%" }, { "%-", Moment, "%-" }, { "", Moment, "" },
        { "%F %T.%k", -1, "1969-12-31 23:59:59.999999999" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_time_prints_as_strftime_prints_it(string format, long moment, string expected) => Assert.Equal(expected, Format(format, moment, TimeZoneInfo.Utc));

    [Fact]
    public void A_zone_shifts_the_time_and_is_told()
    {
        TimeZoneInfo zone = TimeZoneInfo.CreateCustomTimeZone("X", new TimeSpan(-3, -30, 0), "X", "XST");
        Assert.Equal("18:43:20 -0330 XST", Format("%T %z %Z", Moment, zone));
    }

    private static string Format(string format, long moment, TimeZoneInfo zone)
    {
        ArrayBufferWriter<byte> output = new();
        TimeFormat.Parse(format).Write(output, moment, zone);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
