using Uprobes.Script.Output;

namespace Uprobes.Script.Tests.Output;

public sealed class StackTests
{
    private static readonly ScriptFrame Inner = new(0x401017) { Function = "inner", Offset = 7, Module = "/bin/a", BuildId = "ab12", FileOffset = 0x1017 };
    private static readonly ScriptFrame Lined = new(0x401117) { Function = "lined", Offset = 23, SourceFile = "src/main.c", SourceLine = 7, Module = "/bin/a" };
    private static readonly ScriptFrame Inlined = new(0x401117) { Function = "small", IsInlined = true, SourceFile = "src/small.h", SourceLine = 3, Module = "/bin/a" };
    private static readonly ScriptFrame Unknown = new(0x7f0000001000);

    /// <summary>Mode, text of the four frames.</summary>
    public static TheoryData<StackMode, string> Modes { get; } = new()
    {
        { StackMode.Bpftrace, "\n        inner+7\n        [inlined] small@src/small.h:3\n        lined+23@src/main.c:7\n        0x7f0000001000\n" },
        { StackMode.Perf, "\n\t401017 inner+7 (/bin/a)\n\t401117 small (inlined)\n\t401117 lined+23 (/bin/a)\n\t7f0000001000 0x7f0000001000 ([unknown])\n" },
        { StackMode.Raw, "\n401017\n401117\n401117\n7f0000001000\n" },
        { StackMode.BuildId, "\nab12 0x1017\n 0x0\n 0x0\n 0x0\n" },
    };

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_stack_prints_in_its_mode(StackMode mode, string expected)
    {
        ScriptValue stack = ScriptValue.Stack(new ScriptStack(mode, [Inner, Inlined, Lined, Unknown]));
        Assert.Equal(expected, Printed.Text(stack));
        Assert.Equal("\"" + expected.Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal) + "\"", Printed.Json(stack));
    }

    [Fact]
    public void A_stack_is_a_key_of_several_lines()
    {
        ScriptFrame a = new(1) { Function = "a", Offset = 1 }, b = new(2) { Function = "b", Offset = 2 };
        ScriptMap map = Printed.Map("@", (ScriptValue.Stack(new ScriptStack(StackMode.Bpftrace, [a, b])), ScriptValue.Count(7)));
        Assert.Equal("@[\n        a+1\n        b+2\n]: 7\n", Printed.Text(writer => writer.Map(map)));
        Assert.Equal("{\"type\": \"map\", \"data\": {\"@\": {\"\\na+1\\nb+2\\n\": 7}}}\n", Printed.Json(writer => writer.Map(map)));
    }

    [Theory]
    [InlineData(StackMode.Bpftrace, "\n        <unwind failure>\n")]
    [InlineData(StackMode.Perf, "\n\t<unwind failure>\n")]
    [InlineData(StackMode.Raw, "\n<unwind failure>\n")]
    public void A_stack_that_ends_too_early_says_so(StackMode mode, string expected) =>
        Assert.Equal(expected, Printed.Text(ScriptValue.Stack(new ScriptStack(mode, []) { UnwindFailed = true })));

    [Fact]
    public void An_empty_stack_is_a_line_end() => Assert.Equal("\n", Printed.Text(ScriptValue.Stack(new ScriptStack(StackMode.Bpftrace, []))));

    [Fact]
    public void Names_are_escaped_on_a_terminal_and_lines_are_kept()
    {
        ScriptFrame frame = new(1) { Function = "a\u001bb", SourceFile = "c\n", SourceLine = 1 };
        Assert.Equal("\n        a\\x1bb+0@c\\n:1\n", Printed.Text(ScriptValue.Stack(new ScriptStack(StackMode.Bpftrace, [frame])), isTerminal: true));
    }

    [Fact]
    public void A_symbol_without_a_module_is_of_an_unknown_one() =>
        Assert.Equal("\n\t1 jitted+0 ([unknown])\n", Printed.Text(ScriptValue.Stack(new ScriptStack(StackMode.Perf, [new ScriptFrame(1) { Function = "jitted" }]))));
}
