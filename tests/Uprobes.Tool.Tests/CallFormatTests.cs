using System.Text;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Events;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>From a hit through the queue to the line that is printed.</summary>
public sealed class CallFormatTests
{
    private static readonly PlannedProbe Probe = new("libx", "/lib/libx.so", "f", 0x1000, IsNamed: true);

    [Fact]
    public void Without_options_three_arguments_are_hexadecimal() =>
        Assert.Equal("   1.000002 42/43 f(0x10, 0x0, 0xffffffffffffffff)\n", Text(null, null, new FakeHit([16, 0, ulong.MaxValue, 7], time: 1_000_002_000)));

    [Fact]
    public void Each_letter_shows_its_argument() => Assert.Equal(
        "   0.000000 42/43 f(0xff, 0xff, NULL, -1, -1, 4294967295, 'A', '\\xff', true, false)\n",
        Text("xppdiuccbb", null, new FakeHit([255, 255, 0, ulong.MaxValue, 0xffffffff, 0xffffffff, 65, 0xff, 0x101, 0x100])));

    [Fact]
    public void The_last_letter_repeats_and_fewer_arguments_than_letters_can_be_asked_for()
    {
        Assert.Equal("   0.000000 42/43 f(0x1, 2, 3, 4)\n", Text("xd", 4, new FakeHit([1, 2, 3, 4])));
        Assert.Equal("   0.000000 42/43 f(0x1)\n", Text("xd", 1, new FakeHit([1, 2])));
        Assert.Equal("   0.000000 42/43 f()\n", Text(null, 0, new FakeHit([1, 2])));
    }

    [Fact]
    public void Strings_are_read_at_the_hit_and_shortened()
    {
        var memory = new Dictionary<ulong, byte[]> { [16] = "short\0garbage"u8.ToArray(), [32] = "0123456789abc"u8.ToArray() };
        Assert.Equal(
            "   0.000000 42/43 f(\"short\", \"01234567\"..., NULL, <unreadable 0x30>)\n",
            Text("s", 4, new FakeHit([16, 32, 0, 48], memory), textBytes: 8));
    }

    [Fact]
    public void A_string_is_not_cut_inside_a_character()
    {
        var memory = new Dictionary<ulong, byte[]> { [16] = "abcé€😀"u8.ToArray() };
        Assert.Equal("   0.000000 42/43 f(\"abc\"...)\n", Text("s", 1, new FakeHit([16], memory), textBytes: 4));
        Assert.Equal("   0.000000 42/43 f(\"abcé\"...)\n", Text("s", 1, new FakeHit([16], memory), textBytes: 7));
        Assert.Equal("   0.000000 42/43 f(\"abcé€\"...)\n", Text("s", 1, new FakeHit([16], memory), textBytes: 11));
    }

    [Fact]
    public void Control_characters_of_a_target_are_escaped()
    {
        var memory = new Dictionary<ulong, byte[]> { [16] = "\e]0;x\a\0"u8.ToArray() };
        Assert.Equal("   0.000000 42/43 f(\"\\x1b]0;x\\x07\")\n", Text("s", 1, new FakeHit([16], memory)));
    }

    [Fact]
    public void A_return_shows_value_and_duration() =>
        Assert.Equal("   0.000005 42/43 f(0x1) = 0x20 <12.3 us>\n", Return("x", new FakeHit([1]), new FakeHit([], null, 17_345, 5_000, 0x20), json: false));

    [Fact]
    public void A_returned_string_is_read_at_the_return()
    {
        var memory = new Dictionary<ulong, byte[]> { [16] = "later\0"u8.ToArray() };
        Assert.Equal("   0.000000 42/43 f(1) = \"later\" <0.0 us>\n", Return("d=s", new FakeHit([1]), new FakeHit([], memory, result: 16), json: false));
    }

    [Fact]
    public void Json_has_exact_integers_and_no_return_unless_traced() => Assert.Equal(
        """{"type":"call","image":"/lib/libx.so","function":"f","pid":42,"tid":43,"time_ns":9007199254740993,"args":[18446744073709551615,-1,"a\u001b",null,true]}""" + "\n",
        Json("xdssb", new FakeHit([ulong.MaxValue, ulong.MaxValue, 16, 0, 1], new() { [16] = "a\e\0"u8.ToArray() }, time: 9007199254740993)));

    [Fact]
    public void Json_of_a_return_has_value_and_duration() => Assert.Equal(
        """{"type":"call","image":"/lib/libx.so","function":"f","pid":42,"tid":43,"time_ns":5,"args":[1],"ret":18446744073709551615,"duration_ns":7}""" + "\n",
        Return("x", new FakeHit([1]), new FakeHit([], null, 12, 5, ulong.MaxValue), json: true));

    [Fact]
    public void A_cut_string_in_json_ends_in_an_ellipsis() => Assert.Contains(
        "\"args\":[\"abcd…\"]", Json("s", new FakeHit([16], new() { [16] = "abcdef\0"u8.ToArray() }), textBytes: 4), StringComparison.Ordinal);

    [Theory]
    [InlineData("q", null)]
    [InlineData("x=", null)]
    [InlineData("x=sd", null)]
    [InlineData("xxxxxxxxxxxxxxxxx", null)]
    [InlineData(null, 17)]
    [InlineData(null, -1)]
    public void A_format_without_meaning_is_a_usage_error(string? format, int? count) =>
        Assert.Equal(ExitCode.Usage, Assert.Throws<ToolException>(() => ArgumentFormat.Create(format, count)).ExitCode);

    [Theory]
    [InlineData(0, "0.0 us")]
    [InlineData(12_345, "12.3 us")]
    [InlineData(999_949, "999.9 us")]
    [InlineData(999_950, "1.0 ms")]
    [InlineData(1_500_000_000, "1.5 s")]
    public void Durations_have_the_unit_that_suits_them(long nanoseconds, string shown)
    {
        using var output = new ResultOutput(Stream.Null, isTerminal: false);
        TextCallFormatter.WriteDuration(output.Buffer, nanoseconds);
        Assert.Equal(shown, Encoding.UTF8.GetString(output.Buffer.WrittenSpan));
    }

    [Fact]
    public void A_recorder_stops_after_the_calls_asked_for()
    {
        var layout = new PayloadLayout(ArgumentFormat.Create("", 0), hasResult: false, 8);
        using var queue = new EventQueue(10, layout.Size);
        var recorder = new CallRecorder(queue, layout, limit: 2);
        for (var i = 0; i < 5; i++)
            recorder.Record(0, new FakeHit([]));
        Assert.Null(recorder.Begin(new FakeHit([])));
        Assert.True(queue.TryDequeue(out _, []));
        Assert.True(queue.TryDequeue(out _, []));
        Assert.False(queue.TryDequeue(out _, []));
    }

    [Fact]
    public void Recording_a_call_and_its_return_allocates_nothing_once_warm()
    {
        var layout = new PayloadLayout(ArgumentFormat.Create("xs=s", null), hasResult: true, 8);
        using var queue = new EventQueue(10_000, layout.Size);
        var recorder = new CallRecorder(queue, layout);
        var hit = new FakeHit([1, 16], new() { [16] = "text\0"u8.ToArray() }, result: 16);
        recorder.End(0, hit, recorder.Begin(hit));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            recorder.Record(0, hit);
            recorder.End(0, hit, recorder.Begin(hit));
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static string Text(string? format, int? count, FakeHit hit, int textBytes = 64) => Entry(format, count, hit, textBytes, json: false);

    private static string Json(string format, FakeHit hit, int textBytes = 64) => Entry(format, null, hit, textBytes, json: true);

    private static string Entry(string? format, int? count, FakeHit hit, int textBytes, bool json)
    {
        var layout = new PayloadLayout(ArgumentFormat.Create(format, count), hasResult: false, textBytes);
        using var queue = new EventQueue(4, layout.Size);
        new CallRecorder(queue, layout).Record(0, hit);
        return Printed(queue, layout, json, withReturns: false);
    }

    private static string Return(string format, FakeHit entry, FakeHit atReturn, bool json)
    {
        var layout = new PayloadLayout(ArgumentFormat.Create(format, null), hasResult: true, 64);
        using var queue = new EventQueue(4, layout.Size);
        var recorder = new CallRecorder(queue, layout);
        recorder.End(0, atReturn, recorder.Begin(entry));
        return Printed(queue, layout, json, withReturns: true);
    }

    private static string Printed(EventQueue queue, PayloadLayout layout, bool json, bool withReturns)
    {
        ICallFormatter formatter = json
            ? new JsonCallFormatter([Probe], layout, withReturns)
            : new TextCallFormatter([Probe], layout, withReturns, 0, TextStyle.None);
        using var output = new ResultOutput(Stream.Null, isTerminal: false);
        var payload = new byte[layout.Size];
        Assert.True(queue.TryDequeue(out var record, payload));
        formatter.Write(output.Buffer, record, payload);
        return Encoding.UTF8.GetString(output.Buffer.WrittenSpan);
    }
}
