using System.Text;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Events;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.Tests;

/// <summary>From a hit through the queue to the line that is printed.</summary>
public sealed class CallFormatTests
{
    private static readonly PlannedProbe Probe = new("libx", "/lib/libx.so", "f", 0x1000, IsNamed: true);

    [Fact]
    public void Without_options_three_arguments_are_hexadecimal() =>
        Assert.Equal("   1.000002 42/43 f(0x10, 0x0, 0xffffffffffffffff)\n", Text(null, null, new FakeHit([16, 0, ulong.MaxValue, 7], Time: 1_000_002_000)));

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
        Assert.Equal("   0.000000 42/43 f(1) = \"later\" <0.0 us>\n", Return("d=s", new FakeHit([1]), new FakeHit([], memory, Result: 16), json: false));
    }

    [Fact]
    public void Json_has_exact_integers_and_no_return_unless_traced() => Assert.Equal(
        """{"type":"call","image":"/lib/libx.so","function":"f","pid":42,"tid":43,"time_ns":9007199254740993,"args":[18446744073709551615,-1,"a\u001b",null,true]}""" + "\n",
        Json("xdssb", new FakeHit([ulong.MaxValue, ulong.MaxValue, 16, 0, 1], new() { [16] = "a\e\0"u8.ToArray() }, Time: 9007199254740993)));

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
    public void Arguments_and_strings_of_a_call_are_those_of_its_entry()
    {
        Dictionary<ulong, byte[]> before = new() { [16] = "before\0"u8.ToArray() }, after = new() { [16] = "after\0"u8.ToArray() };
        Assert.Equal(
            "   0.000001 42/43 f(\"before\", 7) = \"after\" <2.0 us>\n",
            Return("sd=s", new FakeHit([16, 7], before, Time: 1000), new FakeHit([8, 8], after, 3000, 1000, 16), json: false));
    }

    [Fact]
    public void More_arguments_than_can_be_kept_are_shown_with_the_return() => Assert.Equal(
        "   0.000000 42/43 f(1, 2, 3, 4, 5, 6, 7, 8) = 9 <0.0 us>\n",
        Return("dddddddd=d", new FakeHit([1, 2, 3, 4, 5, 6, 7, 8]), new FakeHit([], Result: 9), json: false));

    [Theory]
    [InlineData("x", 3ul, true)]
    [InlineData("x", 2ul, false)]
    [InlineData("s", 3ul, true)]
    [InlineData("s", 2ul, false)]
    public void Calls_of_which_a_condition_at_the_return_does_not_hold_are_not_shown(string format, ulong argument, bool isShown) =>
        Assert.Equal(isShown ? 1 : 0, Calls(format, "retval == arg0", new FakeHit([argument]), new FakeHit([], Result: 3)).Count);

    [Fact]
    public void A_recursive_call_has_the_strings_of_its_own_entry()
    {
        var query = new TraceQuery(ArgumentFormat.Create("s", null), withReturns: true, 64, null, 16);
        var layout = new PayloadLayout(ArgumentFormat.Create("s", null), hasResult: true, 64);
        using var queue = new EventQueue(4, layout.Size);
        using var programs = new FakePrograms(query.Group, [Probe], new CallAssembler(queue, layout, query, 1));
        Dictionary<ulong, byte[]> memory = new() { [16] = "outer\0"u8.ToArray(), [32] = "inner\0"u8.ToArray() };
        var outer = new FakeHit([16], memory, Time: 1);
        var inner = new FakeHit([32], memory, Time: 2);
        var outerWords = programs.Hit(outer)!;
        var innerWords = programs.Hit(inner)!;
        programs.Return(new FakeHit([], Time: 3, EntryTime: 2) { Words = innerWords });
        programs.Return(new FakeHit([], Time: 4, EntryTime: 1) { Words = outerWords });
        Assert.Equal("   0.000000 42/43 f(\"inner\") = 0x0 <0.0 us>\n", Printed(queue, layout, json: false, withReturns: true));
        Assert.Equal("   0.000000 42/43 f(\"outer\") = 0x0 <0.0 us>\n", Printed(queue, layout, json: false, withReturns: true));
    }

    [Fact]
    public void No_more_calls_are_taken_than_were_asked_for()
    {
        var query = new TraceQuery(ArgumentFormat.Create("", 0), withReturns: false, 8, null, 16);
        var layout = new PayloadLayout(ArgumentFormat.Create("", 0), hasResult: false, 8);
        using var queue = new EventQueue(10, layout.Size);
        using var programs = new FakePrograms(query.Group, [Probe], new CallAssembler(queue, layout, query, 1, limit: 2));
        for (var i = 0; i < 5; i++)
            programs.Hit(new FakeHit([]));
        Assert.True(queue.TryDequeue(out _, []));
        Assert.True(queue.TryDequeue(out _, []));
        Assert.False(queue.TryDequeue(out _, []));
    }

    private static string Text(string? format, int? count, FakeHit hit, int textBytes = 64) => Entry(format, count, hit, textBytes, json: false);

    private static string Json(string format, FakeHit hit, int textBytes = 64) => Entry(format, null, hit, textBytes, json: true);

    private static string Entry(string? format, int? count, FakeHit hit, int textBytes, bool json)
    {
        var shown = ArgumentFormat.Create(format, count);
        var query = new TraceQuery(shown, withReturns: false, textBytes, null, 16);
        var layout = new PayloadLayout(shown, hasResult: false, textBytes);
        using var queue = new EventQueue(4, layout.Size);
        using var programs = new FakePrograms(query.Group, [Probe], new CallAssembler(queue, layout, query, 1));
        programs.Hit(hit);
        return Printed(queue, layout, json, withReturns: false);
    }

    private static string Return(string format, FakeHit entry, FakeHit atReturn, bool json)
    {
        var layout = new PayloadLayout(ArgumentFormat.Create(format, null), hasResult: true, 64);
        using var queue = QueueOf(null, layout, entry, atReturn);
        return Printed(queue, layout, json, withReturns: true);
    }

    private static List<CallRecord> Calls(string format, string condition, FakeHit entry, FakeHit atReturn)
    {
        var layout = new PayloadLayout(ArgumentFormat.Create(format, null), hasResult: true, 64);
        using var queue = QueueOf(condition, layout, entry, atReturn);
        List<CallRecord> calls = [];
        while (queue.TryDequeue(out var call, new byte[layout.Size]))
            calls.Add(call);
        return calls;
    }

    private static EventQueue QueueOf(string? condition, PayloadLayout layout, FakeHit entry, FakeHit atReturn)
    {
        var query = new TraceQuery(layout.Format, withReturns: true, 64, condition, 16);
        var queue = new EventQueue(4, layout.Size);
        using var programs = new FakePrograms(query.Group, [Probe], new CallAssembler(queue, layout, query, 1));
        programs.Call(entry, atReturn);
        return queue;
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
