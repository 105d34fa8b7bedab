using System.Buffers;
using Uprobes.Script.Output;
using static Uprobes.Script.Output.ScriptValue;

namespace Uprobes.Script.Tests.Output;

public sealed partial class PrintfFormatTests
{
    /// <summary>Format, argument, text.</summary>
    public static TheoryData<string, ScriptValue, string> Conversions { get; } = new()
    {
        { "%s", String("abc"), "abc" },
        { "%s", String(""), "" },
        { "%5s|", String("ab"), "   ab|" },
        { "%-5s|", String("ab"), "ab   |" },
        { "%3s|", String("abcd"), "abcd|" },
        { "%.1s|", String("xyz"), "x|" },
        { "%5.2s|", String("xyz"), "   xy|" },
        { "%.0s|", String("xyz"), "|" },
        { "%8s|", String("cd"), "      cd|" },
        { "%-8s|", String("ab"), "ab      |" },
        { "%*s|", String("ab"), "ab|" },
        { "%s", Signed(-5), "-5" },
        { "%s", Unsigned(ulong.MaxValue), "18446744073709551615" },
        { "%s", ScriptValue.Boolean(true), "true" },
        { "%s", ScriptValue.Enum("TWO", 2), "TWO" },
        { "%d", ScriptValue.Enum("TWO", 2), "2" },
        { "%s", ScriptValue.Enum(null, 9), "9" },
        { "%s", Pointer(31), "0x1f" },
        { "%6s|", Pointer(31), "  0x1f|" },
        { "%s", Tuple(Signed(1), String("abc")), "(1, abc)" },
        { "%10s|", Tuple(Signed(1), String("ab")), "   (1, ab)|" },
        { "%s", ScriptValue.Array(Signed(1), Signed(2)), "[1,2]" },
        { "%s", Buffer("a\u0001b"u8.ToArray()), "a\\x01b" },
        { "%s", UserSymbol("main", 0x401000), "main" },
        { "%s", UserSymbol(null, 0x401000), "0x401000" },
        { "%d", ScriptValue.Boolean(true), "1" },
        { "%d", Pointer(255), "255" },
        { "%d", Count(7), "7" },
        { "%ld", Sum(-7, isSigned: true), "-7" },
        { "%d", Average(new ScriptStats(2, -9, true)), "-4" },
        { "%c", Signed(65), "A" },
        { "%c", Signed(0x1ff), "\xff" },
        { "%c", Signed(0), "\0" },
        { "%5c|", Signed(66), "    B|" },
        { "%-5c|", Signed(67), "C    |" },
        { "%lc", Signed(66), "B" },
        { "%p", Signed(255), "0xff" },
        { "%p", Pointer(0x7fff12345678), "0x7fff12345678" },
        { "%p", Pointer(0), "0" },
        { "%p", Signed(-1), "0xffffffffffffffff" },
        { "%20p|", Pointer(255), "                0xff|" },
        { "%-20p|", Pointer(255), "0xff                |" },
        { "%010p", Pointer(255), "0x000000ff" },
        { "%r", Buffer("ab"u8.ToArray()), "ab" },
        { "%r", Buffer("a\n\0~\x7f"u8.ToArray()), "a\\x0a\\x00~\\x7f" },
        { "%r", Buffer([0x80, 0xff]), "\\x80\\xff" },
        { "%8r|", Buffer("ab"u8.ToArray()), "      ab|" },
        { "%-8r|", Buffer("ab"u8.ToArray()), "ab      |" },
        { "%rx", Buffer("Hello\0"u8.ToArray()), "\\x48\\x65\\x6c\\x6c\\x6f\\x00" },
        { "%rh", Buffer("Hello\0"u8.ToArray()), "48 65 6c 6c 6f 00" },
        { "%rh", Buffer([0x0a, 0xfe]), "0a fe" },
        { "%rx|", Buffer([]), "|" },
        { "%rhi", Buffer([1]), "01i" },
        { "%r", Signed(3), "3" },
        { "%d", String("x"), "!{invalid integer conversion: x}" },
        { "%x", Tuple(Signed(1), Signed(2)), "!{invalid integer conversion: (1, 2)}" },
        { "%hhx", Signed(0x12345678abcdef), "ef" },
        { "%hx", Signed(0x12345678abcdef), "cdef" },
        { "%x", Signed(0x12345678abcdef), "78abcdef" },
        { "%jx", Signed(0x12345678abcdef), "12345678abcdef" },
        { "%d", Signed(4294967297), "1" },
        { "%ld", Signed(4294967297), "4294967297" },
        { "%u", Signed(-1), "4294967295" },
        { "%lu", Signed(-1), "18446744073709551615" },
        { "%lx", Signed(-255), "ffffffffffffff01" },
        { "%x", Integer(-1, 32, isSigned: true), "ffffffff" },
        { "%ld", Integer(0x1ff, 8, isSigned: true), "-1" },
        { "%ld", Integer(0x1ff, 8, isSigned: false), "255" },
        { "%d", Signed(long.MinValue), "0" },
        { "%ld", Signed(long.MinValue), "-9223372036854775808" },
        { "%dms100", Signed(100), "100ms100" },
    };

    /// <summary>Formats that take no argument, and what they print.</summary>
    public static TheoryData<string, string> Literals { get; } = new()
    {
        { "", "" },
        { "hi\n", "hi\n" },
        { "100%", "100%" },
        { "%%", "%" },
        { "100%|%%|", "100%|%|" },
        { "%y", "%y" },
        { "%5%", "%" },
        { "%5", "%5" },
        { "% ", "% " },
        { "%l", "%l" },
        { "%.d", "%.d" },
        { "%%d", "%d" },
    };

    /// <summary>Format, arguments, message and the argument it is about (-1 for none).</summary>
    public static TheoryData<string, PrintfArgument[], string, int> Problems { get; } = new()
    {
        { "%d", [], "not enough arguments for format string (0 supplied, 1 expected)", -1 },
        { "%d %d", [Int], "not enough arguments for format string (1 supplied, 2 expected)", -1 },
        { "hi", [Int], "too many arguments for format string (1 supplied, 0 expected)", -1 },
        { "%f", [Int], "unsupported format specifier: f", 0 },
        { "%e", [Int], "unsupported format specifier: e", 0 },
        { "%g", [Int], "unsupported format specifier: g", 0 },
        { "%a", [Int], "unsupported format specifier: a", 0 },
        { "%.2F", [Int], "unsupported format specifier: F", 0 },
        { "%n", [Int], "unsupported format specifier: n", 0 },
        { "%d", [Text], "unsupported format specifier for type 'string': d", 0 },
        { "%d %x", [Int, Text], "unsupported format specifier for type 'string': x", 1 },
        { "%c", [Text], "unsupported format specifier for type 'string': c", 0 },
        { "%p", [Text], "unsupported format specifier for type 'string': p", 0 },
        { "%r", [Int], "unsupported format specifier for type 'int64': r", 0 },
        { "%rx", [Text], "unsupported format specifier for type 'string': rx", 0 },
        { "%rh", [Text], "unsupported format specifier for type 'string': rh", 0 },
        { "%s", [new PrintfArgument(ScriptValueKind.None, "none")], "unable to print none type for specifier: s", 0 },
        { "%99999999999d", [Int], "a field of more than 65536 bytes for specifier: d", 0 },
    };

    private static PrintfArgument Int => new(ScriptValueKind.Integer, "int64");

    private static PrintfArgument Text => new(ScriptValueKind.String, "string");

    [Theory]
    [MemberData(nameof(Integers))]
    public void Integers_print_as_in_C(string format, long value, string expected) => Assert.Equal(expected, Printed.Format(format, Signed(value)));

    [Theory]
    [MemberData(nameof(Conversions))]
    public void A_conversion_prints_its_argument(string format, ScriptValue value, string expected) => Assert.Equal(expected, Printed.Format(format, value));

    [Theory]
    [MemberData(nameof(Literals))]
    public void A_percent_sign_that_begins_no_conversion_stays(string format, string expected)
    {
        Assert.Empty(PrintfFormat.Parse(format).Specifiers);
        Assert.Equal(expected, Printed.Format(format));
    }

    [Theory]
    [MemberData(nameof(Problems))]
    public void Arguments_that_do_not_fit_are_told(string format, PrintfArgument[] arguments, string message, int index) =>
        Assert.Equal(new PrintfProblem(message, index < 0 ? null : index), PrintfFormat.Parse(format).Check(arguments));

    [Theory]
    [InlineData("%d %i %u %o %x %X %c %p", ScriptValueKind.Integer)]
    [InlineData("%d %x %p %s", ScriptValueKind.Pointer)]
    [InlineData("%d %s", ScriptValueKind.Boolean)]
    [InlineData("%d %s", ScriptValueKind.Enum)]
    [InlineData("%d %s", ScriptValueKind.Count)]
    [InlineData("%d %s", ScriptValueKind.Average)]
    [InlineData("%r %rx %rh %s", ScriptValueKind.Buffer)]
    [InlineData("%s", ScriptValueKind.Stack)]
    [InlineData("%s", ScriptValueKind.Tuple)]
    public void Arguments_that_fit_are_accepted(string format, ScriptValueKind kind)
    {
        PrintfFormat parsed = PrintfFormat.Parse(format);
        PrintfArgument[] arguments = [.. parsed.Specifiers.Select(_ => new PrintfArgument(kind, "type"))];
        Assert.Null(parsed.Check(arguments));
    }

    [Fact]
    public void A_bpftrace_format_with_everything_prints_what_bpftrace_prints() =>
        Assert.Equal(
            "   ab|cd   |ef|A|0x1f|ffffffff|1|-5|    B|-0003|a\\x01b|     007\n",
            Printed.Format(
                "%5s|%-5s|%.2s|%c|%p|%x|%d|%lld|%5c|%05d|%r|%8.3d\n",
                String("ab"), String("cd"), String("efg"), Signed(65), Signed(31), Signed(-1), Signed(4294967297), Signed(-5), Signed(66), Signed(-3), Buffer("a\u0001b"u8.ToArray()), Signed(7)));

    [Fact]
    public void Bytes_that_are_not_UTF8_stay_as_they_are()
    {
        ArrayBufferWriter<byte> output = new();
        PrintfFormat.Parse([0x80, (byte)'%', (byte)'s', 0xff]).Write(output, [String([0xc3, 0x28])]);
        Assert.Equal<byte>([0x80, 0xc3, 0x28, 0xff], output.WrittenSpan.ToArray());
    }

    [Theory]
    [InlineData("a\u001b[31mb", "a\\x1b[31mb")]
    [InlineData("a\nb\tc\r", "a\\nb\\tc\\r")]
    [InlineData("\u0007\u007f", "\\x07\\x7f")]
    [InlineData("\u009b1m", "\\xc2\\x9b1m")]
    [InlineData("a\u202eb\u200b\u2028", "a\\xe2\\x80\\xaeb\\xe2\\x80\\x8b\\xe2\\x80\\xa8")]
    [InlineData("häß€😀", "häß€😀")]
    public void On_a_terminal_control_characters_of_the_target_are_escaped(string text, string expected)
    {
        Assert.Equal(expected, Printed.Format(isEscaped: true, "%s", String(text)));
        Assert.Equal(text, Printed.Format(isEscaped: false, "%s", String(text)));
        Assert.Equal(text, Printed.Format(isEscaped: true, "%s", Literal(text)));
    }

    [Fact]
    public void On_a_terminal_bytes_that_are_not_UTF8_are_escaped() =>
        Assert.Equal("a\\x9b\\xffb", Printed.Format(isEscaped: true, "%s", String([(byte)'a', 0x9b, 0xff, (byte)'b'])));

    [Fact]
    public void On_a_terminal_the_format_keeps_its_own_control_characters() =>
        Assert.Equal("\u001b[1m\\x1b\u001b[0m\n", Printed.Format(isEscaped: true, "\u001b[1m%s\u001b[0m\n", String("\u001b")));

    [Fact]
    public void On_a_terminal_a_control_character_of_percent_c_is_escaped() => Assert.Equal("\\x1b|A", Printed.Format(isEscaped: true, "%c|%c", Signed(27), Signed(65)));

    [Fact]
    public void The_precision_counts_bytes_of_the_string_and_not_of_its_escapes() =>
        Assert.Equal("   \\x1ba|", Printed.Format(isEscaped: true, "%8.2s|", String("\u001babc")));

    [Fact]
    public void Numbers_and_strings_print_without_an_allocation()
    {
        PrintfFormat format = PrintfFormat.Parse("%d %-8lx|%s %p %c\n");
        ScriptValue[] arguments = [Signed(-5), Unsigned(255), String("hello"), Pointer(0x1234), Signed(65)];
        ArrayBufferWriter<byte> output = new(1 << 16);
        format.Write(output, arguments);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            format.Write(output, arguments);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Another_number_of_arguments_is_an_error() => Assert.Throws<ArgumentException>(() => Printed.Format("%d"));
}
