namespace Uprobes.Script.Tests.Syntax;

public class SyntaxErrorTests
{
    [Theory]
    [InlineData("BEGIN { @ = 1 + ; }", "1:17-18: ERROR: expected an expression, found `;`")]
    [InlineData("BEGIN { f(1 }", "1:13-14: ERROR: expected `)` after the arguments of `f`, found `}`", "1:10-11: NOTE: it would close this `(`")]
    [InlineData("BEGIN { $x = (1 + 2; }", "1:20-21: ERROR: expected `)`, found `;`", "1:14-15: NOTE: it would close this `(`")]
    [InlineData("BEGIN { @a[1 = 2; }", "1:14-15: ERROR: expected `]` after the keys, found `=`", "1:11-12: NOTE: it would close this `[`")]
    [InlineData("BEGIN { @a[] = 2; }", "1:12-13: ERROR: expected a key, found `]`", "HINT: a map without keys is written without brackets")]
    [InlineData("BEGIN { $x = 1 $y = 2; }", "1:16-18: ERROR: expected `;`, found `$y`")]
    [InlineData("BEGIN {\n $x = 1\n $y = 2;\n}", "2:8-9: ERROR: expected `;`, found `$y`")]
    [InlineData("BEGIN { if (1 { exit(); } }", "1:15-16: ERROR: expected `)`, found `{`", "1:12-13: NOTE: it would close this `(`")]
    [InlineData("BEGIN { if (1) exit(); }", "1:16-20: ERROR: expected `{` after the head of `if`, found `exit`")]
    [InlineData("BEGIN { while (1) exit(); }", "1:19-23: ERROR: expected `{` after the head of `while`, found `exit`")]
    [InlineData("BEGIN { if (1) { } else exit(); }", "1:25-29: ERROR: expected `{` or `if` after `else`, found `exit`")]
    [InlineData("BEGIN { else { } }", "1:9-13: ERROR: this `else` has no `if` before it")]
    [InlineData("BEGIN { whlie ($x) { } }", "1:20-21: ERROR: expected `;`, found `{`", "HINT: did you mean `while`?")]
    [InlineData("BEGIN { retrun 1; }", "1:16-17: ERROR: expected `;`, found the number `1`", "HINT: did you mean `return`?")]
    [InlineData("BEGIN { for (i : @m) { } }", "1:14-15: ERROR: expected a variable such as `$name` in `for`, found `i`", "HINT: a loop is written so: for ($kv : @map) { … } or for ($i : 0..10) { … }")]
    [InlineData("BEGIN { for ($i : 5) { } }", "1:19-20: ERROR: expected a map or a range such as 0..10 in `for`, found `5`")]
    [InlineData("BEGIN { for ($i : @m[1]) { } }", "1:19-24: ERROR: expected a map or a range such as 0..10 in `for`, found `@m[1]`")]
    [InlineData("BEGIN { let @x = 1; }", "1:13-15: ERROR: expected a variable such as `$name` after `let`, found `@x`", "HINT: maps are declared outside of probes")]
    [InlineData("BEGIN { pid = 1; }", "1:9-14: ERROR: `pid` cannot be assigned to", "HINT: only `$variables` and `@maps` can be assigned to; fields, tuples and arguments cannot")]
    [InlineData("BEGIN { $x.a = 1; }", "1:9-15: ERROR: `$x.a` cannot be assigned to", "HINT: only `$variables` and `@maps` can be assigned to; fields, tuples and arguments cannot")]
    [InlineData("BEGIN { $x + 1 = 1; }", "1:9-17: ERROR: `$x + 1` cannot be assigned to", "HINT: `==` compares")]
    [InlineData("BEGIN { 5++; }", "1:9-12: ERROR: `++` needs a `$variable` or a `@map`")]
    [InlineData("BEGIN { --pid; }", "1:9-14: ERROR: `--` needs a `$variable` or a `@map`")]
    [InlineData("BEGIN { $x = 1.5; }", "1:14-17: ERROR: there are no floating-point numbers")]
    [InlineData("BEGIN { $x = 12abc; }", "1:14-19: ERROR: `12abc` is not a number: `abc` is no suffix", "HINT: durations end in ns, us, ms, s, m, h or d")]
    [InlineData("BEGIN { $x = 0x; }", "1:14-16: ERROR: `0x` is not a number: digits must follow `0x`")]
    [InlineData("BEGIN { $x = 1_; }", "1:14-16: ERROR: `1_` is not a number: an underscore stands between digits")]
    [InlineData("BEGIN { $x = 089; }", "1:14-17: ERROR: `089` is not a number: the leading 0 makes it octal, which has no digits 8 and 9")]
    [InlineData("BEGIN { $x = 1e; }", "1:14-16: ERROR: `1e` is not a number: digits must follow the exponent's `e`")]
    [InlineData("BEGIN { $x = 18446744073709551616; }", "1:14-34: ERROR: the number is larger than 18446744073709551615, the largest of 64 bits")]
    [InlineData("BEGIN { $x = 1e30; }", "1:14-18: ERROR: the number is larger than 18446744073709551615, the largest of 64 bits")]
    [InlineData("BEGIN { print(\"abc); }", "1:15-23: ERROR: this string has no end", "HINT: close it with \"")]
    [InlineData("BEGIN { print(\"\\q\"); }", "1:16-18: ERROR: `\\q` is no escape", "HINT: escapes are \\n \\t \\r \\a \\b \\f \\v \\e \\\" \\\\ \\0 to \\377 and \\x00 to \\xff")]
    [InlineData("BEGIN { print(\"\\xzz\"); }", "1:16-18: ERROR: hexadecimal digits must follow \\x")]
    [InlineData("BEGIN { print(\"\\400\"); }", "1:16-20: ERROR: the escape \\400 is larger than \\377")]
    [InlineData("BEGIN { $x = 'ab'; }", "1:14-18: ERROR: single quotes hold one character of one byte", "HINT: text stands between double quotes")]
    [InlineData("BEGIN { $0; }", "1:9-11: ERROR: the number of a positional parameter is from 1 to 65536")]
    [InlineData("BEGIN { $ ; }", "1:9-10: ERROR: `$` must be followed by a name, a number or `#`")]
    [InlineData("BEGIN { ` $x = 1; }", "1:9-10: ERROR: the character ``` has no meaning here")]
    [InlineData("BEGIN { $x = 1; /* open }", "1:17-19: ERROR: this comment has no end", "HINT: close it with `*/`")]
    [InlineData("BEGIN { exit();", "1:16-17: ERROR: expected `}`, found the end of the script", "1:7-8: NOTE: it would close this `{`")]
    [InlineData("BEGIN", "1:6-7: ERROR: expected `{` or a predicate `/…/` after the probe, found the end of the script")]
    [InlineData("uprobe:/bin/x:f printf(1)", "1:17-23: ERROR: expected `{` or a predicate `/…/` after the probe, found `printf`")]
    [InlineData("uprobe:/bin/x:f /1 { }", "1:20-21: ERROR: expected `/` at the end of the predicate, found `{`", "1:17-18: NOTE: it would close this `/`")]
    [InlineData("uprobe:/bin/x:f /1/ exit()", "1:27-28: ERROR: expected `/` at the end of the predicate, found the end of the script", "1:17-18: NOTE: it would close this `/`")]
    [InlineData("uprobe:\"/bin/x:f { }", "1:8-21: ERROR: this string has no end", "HINT: close it with \"")]
    [InlineData("BEGIN { } }", "1:11-12: ERROR: this `}` closes nothing")]
    [InlineData("{ }", "1:1-2: ERROR: expected a probe, found `{`", "HINT: a probe is written so: uprobe:/path/to/program:function { … }")]
    [InlineData("5 { }", "1:1-2: ERROR: expected a probe, found the number `5`", "HINT: a probe is written so: uprobe:/path/to/program:function { … }")]
    [InlineData("strcut foo { int x; };", "1:8-11: ERROR: expected `{` or a predicate `/…/` after the probe, found `foo`", "HINT: did you mean `struct`?")]
    [InlineData("import \"x.bt\"; BEGIN { }", "1:1-14: ERROR: `import` is not supported", "HINT: put the text of the other script into this one")]
    [InlineData("fn f($a : int32) : int32 { return 1; }", "1:1-5: ERROR: functions cannot be defined in a script", "HINT: a macro can do the same: `macro name($a, b) { … }`")]
    [InlineData("let $x = 1;", "1:5-7: ERROR: expected a map such as `@name`, found `$x`", "HINT: outside of a probe, `let` declares maps only")]
    [InlineData("let @x = hash();", "1:15-16: ERROR: expected the number of entries, found `)`")]
    [InlineData("config = { a b }", "1:14-15: ERROR: expected `=` after `a`, found `b`")]
    [InlineData("config = { a = 1 b = 2 }", "1:18-19: ERROR: expected `;` after the option, found `b`")]
    [InlineData("macro f(1) { }", "1:9-10: ERROR: expected a parameter (`name`, `$name` or `@name`), found the number `1`")]
    [InlineData("macro if() { }", "1:7-9: ERROR: expected the macro's name, found the keyword `if`")]
    [InlineData("struct a { int; };", "")]
    [InlineData("struct a { int x }", "1:18-19: ERROR: expected `;` after the field, found `}`")]
    [InlineData("struct a int x;", "1:10-13: ERROR: expected `{` after `struct a`, found `int`")]
    [InlineData("struct a { 5; };", "1:12-13: ERROR: expected a type, found the number `5`")]
    [InlineData("enum a { 5 };", "1:10-11: ERROR: expected the name of a constant, found the number `5`")]
    [InlineData("#include x.h", "1:1-13: ERROR: expected `<header.h>` or `\"header.h\"` after `#include`")]
    [InlineData("#include <stdio.h>", "")]
    [InlineData("#include \"x.h\" // types", "")]
    [InlineData("#define f(x) x", "1:1-15: ERROR: `f` has parameters, which `#define` does not support", "HINT: a macro can do the same: `macro f(a) { … }`")]
    [InlineData("#define f struct {", "1:1-19: WARNING: `f` is left out: only constants and expressions can be defined")]
    [InlineData("#if 1\n#endif", "1:1-6: ERROR: `#if` is not supported", "HINT: #ifdef and #ifndef are")]
    [InlineData("#ifdef BPFTRACE_HAVE_BTF", "1:1-25: ERROR: this condition has no `#endif`")]
    [InlineData("#endif", "1:1-7: ERROR: this `#endif` has no `#ifdef` before it")]
    [InlineData("#defin X 1", "1:1-11: ERROR: `#defin` is no preprocessor line", "HINT: did you mean `define`?")]
    [InlineData("#error out of luck", "1:1-19: ERROR: out of luck")]
    [InlineData("BEGIN { # }", "1:9-10: ERROR: the character `#` has no meaning here")]
    [InlineData("BEGIN { $x = (struct )1; }", "1:22-23: ERROR: expected a name after `struct`, found `)`")]
    [InlineData("BEGIN { offsetof(struct a) }", "1:26-27: ERROR: expected `,` and a field, found `)`")]
    [InlineData("BEGIN { $x = 1 ? 2; }", "1:19-20: ERROR: expected `:` in the conditional, found `;`")]
    [InlineData("BEGIN { (a = 1, 2) }", "1:17-18: ERROR: expected the name of an element, found the number `2`")]
    [InlineData("BEGIN { $x->5 }", "1:13-14: ERROR: expected a field after `->`, found the number `5`")]
    public void An_error_says_what_was_expected_and_what_was_found(string text, params string[] expected) =>
        Assert.Equal(expected.Where(line => line.Length > 0), Reading.Messages(text));

    [Fact]
    public void Several_errors_are_told_in_one_run()
    {
        string[] messages = Reading.Messages("""
            BEGIN { $x = ; $y = 1; $z = (2; }
            END { print(; if (1) { ] } exit() }
            interval:s:1 { $a = 5 5; }
            """);
        Assert.Equal(
            ["1:14-15: ERROR: expected an expression, found `;`", "1:31-32: ERROR: expected `)`, found `;`", "2:13-14: ERROR: expected an expression, found `;`", "2:24-25: ERROR: expected an expression, found `]`", "3:23-24: ERROR: expected `;`, found the number `5`"],
            messages.Where(message => !message.Contains("NOTE", StringComparison.Ordinal)));
    }

    [Fact]
    public void Deep_nesting_is_an_error_and_no_crash()
    {
        foreach (string text in new[]
        {
            $"BEGIN {{ $x = {new string('(', 100_000)}1; }}",
            $"BEGIN {{ $x = {new string('-', 100_001)}1; }}",
            $"BEGIN {{ $x = {new string('!', 100_000)}1; }}",
            $"BEGIN {{ {new string('{', 100_000)} }}",
            $"BEGIN {{ $x = 1{string.Concat(Enumerable.Repeat("+1", 100_000))}; }}",
            $"BEGIN {{ $x = $y{string.Concat(Enumerable.Repeat(".a", 100_000))}; }}",
            $"BEGIN {{ $x = 1{string.Concat(Enumerable.Repeat("?1:1", 100_000))}; }}",
            $"BEGIN {{ {string.Concat(Enumerable.Repeat("if (1) { ", 50_000))} }}",
            $"BEGIN {{ {string.Concat(Enumerable.Repeat("if (1) { } else ", 50_000))} {{ }} }}",
            $"BEGIN {{ $x = {string.Concat(Enumerable.Repeat("(uint8)", 50_000))}1; }}",
            $"BEGIN {{ $x = {string.Concat(Enumerable.Repeat("f(", 100_000))}1; }}",
            string.Concat(Enumerable.Repeat("struct a { ", 50_000)),
            $"struct a {{ int {new string('*', 100_000)}x; }};",
            $"struct a {{ int x{string.Concat(Enumerable.Repeat("[1]", 100_000))}; }};",
        })
        {
            Assert.Contains(Reading.Messages(text), message => message.Contains("ERROR", StringComparison.Ordinal) || message.Contains("WARNING", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_line_of_the_preprocessor_does_not_nest() => Assert.Empty(Reading.Messages(string.Concat(Enumerable.Repeat("#define A \\\n", 50_000))));

    [Fact]
    public void A_script_of_more_than_a_mebibyte_is_refused() =>
        Assert.Equal(["1:1-2: ERROR: the script is longer than 1048576 characters"], Reading.Messages(new string(' ', 1_048_577)));
}
