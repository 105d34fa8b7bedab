using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Tests.Diagnostics;

public class DiagnosticRendererTests
{
    private static string Render(string text, int start, int length, string message = "wrong", string? hint = null) =>
        DiagnosticRenderer.Render(new Diagnostic(Severity.Error, DiagnosticId.Syntax, new SourceSpan(start, length), message) { Hint = hint }, new ScriptSource("stdin", text));

    [Fact]
    public void A_place_is_marked_under_its_line() =>
        Assert.Equal("stdin:1:9-12: ERROR: wrong\nBEGIN { abc }\n        ~~~\n", Render("BEGIN { abc }", 8, 3));

    [Fact]
    public void Lines_are_counted() =>
        Assert.Equal("stdin:3:1-4: ERROR: wrong\nabc\n~~~\n", Render("BEGIN\n{\nabc\n}", 8, 3));

    [Fact]
    public void A_hint_follows() =>
        Assert.Equal("stdin:1:1-2: ERROR: wrong\nx\n~\nHINT: do better\n", Render("x", 0, 1, hint: "do better"));

    [Fact]
    public void The_end_of_the_text_can_be_marked() =>
        Assert.Equal("stdin:1:4-5: ERROR: wrong\nabc\n   ~\n", Render("abc", 3, 0));

    [Fact]
    public void A_place_of_several_lines_is_given_by_them() =>
        Assert.Equal("stdin:1-3: ERROR: wrong\nBEGIN {\n      ~\n", Render("BEGIN {\n  x\n}", 6, 7));

    [Fact]
    public void Tabs_keep_the_marks_in_place() =>
        Assert.Equal("stdin:1:3-4: ERROR: wrong\n\t\tx\n\t\t~\n", Render("\t\tx", 2, 1));

    [Fact]
    public void Control_characters_never_reach_the_terminal()
    {
        string rendered = Render("a\x1b[31mb\u202ec\0\x9b x", 10, 1, "what is `\x1b]0;t\a`?", "\x1b");
        Assert.Equal("stdin:1:11-12: ERROR: what is `\\x1b]0;t\\x07`?\na\\x1b[31mb\\u202ec\\x00\\x9b x\n                     ~~~~\nHINT: \\x1b\n", rendered);
    }

    [Fact]
    public void Half_a_character_is_escaped_and_a_whole_one_is_not() =>
        Assert.Equal("stdin:1:4-5: ERROR: \\ud83d\n😀\\ud83d!\n       ~\n", Render("😀\ud83d!", 3, 1, "\ud83d"));

    [Fact]
    public void A_long_line_is_shown_around_the_place()
    {
        string[] lines = Render(new string('a', 500) + "X" + new string('b', 500), 500, 1).Split('\n');
        Assert.Equal("stdin:1:501-502: ERROR: wrong", lines[0]);
        Assert.StartsWith("...aaa", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("bbb...", lines[1], StringComparison.Ordinal);
        Assert.Equal('X', lines[1][lines[2].IndexOf('~', StringComparison.Ordinal)]);
    }

    [Fact]
    public void The_same_error_is_told_once_and_not_more_than_fifty()
    {
        DiagnosticBag bag = [];
        for (int i = 0; i < 100; i++)
        {
            bag.Error(DiagnosticId.Syntax, new SourceSpan(0, 1), "same");
            bag.Error(DiagnosticId.Syntax, new SourceSpan(i, 1), "other");
        }

        Assert.Equal(DiagnosticBag.MostErrors, bag.Count);
    }

    [Theory]
    [InlineData("prinft", "printf")]
    [InlineData("nsec", "nsecs")]
    [InlineData("PID", "pid")]
    [InlineData("comn", "comm")]
    [InlineData("kstak", "kstack")]
    [InlineData("xyzzy", null)]
    [InlineData("", null)]
    public void The_nearest_name_is_suggested(string name, string? expected) =>
        Assert.Equal(expected, Suggestion.For(name, ["printf", "print", "nsecs", "pid", "tid", "comm", "kstack", "ustack"]));
}
