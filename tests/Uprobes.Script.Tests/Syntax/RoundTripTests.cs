using CsCheck;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Tests.Syntax;

public class RoundTripTests
{
    [Fact]
    public void What_the_printer_writes_the_parser_reads_as_the_same() => TreeGenerator.Script.Sample(script =>
    {
        string text = SyntaxPrinter.Print(script);
        Assert.Equal(text, SyntaxPrinter.Print(Reading.Script(text)));
    }, iter: 700);

    /// <summary>Scripts to be broken: all that the language has.</summary>
    private static readonly string[] Seeds =
    [
        "#!/usr/bin/env uprobe\n#include <x.h>\n#define N 5\n#ifdef X\n#else\n#endif\nstruct a { int x, *y[2]; struct { char c:3; }; };\nenum { A, B = N };\nconfig = { a = b; c = \"d\" }\nlet @m = hash(10);\nmacro f($a, @b, c) { $a = c; @b[c] = $a; $a + 1 }\nBEGIN { printf(\"%d\\n\", f($x, @m, 1)); }\n",
        "uprobe:/bin/sh:\"a b\",ur:libc:mem* /arg0 / 2 > 1 && comm == \"x\"/ { @[ustack, pid] = hist(arg1); if ($1 < 0x1F) { return; } else if (!$x) { $y = (struct a *)arg0; } else { exit() } }",
        "interval:s:1 { for ($kv : @m) { print($kv.0); } for ($i : 0..10) { while ($i > 1) { $i--; break; } unroll(3) { continue; } } $z = $a ? { 1 } : (1, \"b\", ()).0; }",
        "usdt:*:p:n/@a[tid]/{ $x = sizeof(uint8) + offsetof(struct a, b.c) << 3; delete(@a, tid); @s = (r = 1, s = 2).r; @++; --@b[1,2]; $p->q.r[5]; _ = -~!*&$x; }",
    ];

    private static void Read(string text)
    {
        ScriptSource source = new("stdin", text);
        DiagnosticBag diagnostics = [];
        ScriptSyntax script = Parser.Parse(source, diagnostics);
        Assert.DoesNotContain(DiagnosticRenderer.Render(diagnostics, source), c => char.IsControl(c) && c is not '\n' and not '\t');
        if (diagnostics.Count == 0)
            Assert.Equal(SyntaxPrinter.Print(script), SyntaxPrinter.Print(Reading.Script(SyntaxPrinter.Print(script))));
        foreach (Diagnostic diagnostic in diagnostics)
            Assert.InRange(diagnostic.Span.End, 0, text.Length + 1);
    }

    [Fact]
    public void No_text_brings_the_parser_down() => Gen.Char[(char)0, (char)255].Array[0, 60].Select(characters => new string(characters)).Sample(Read, iter: 4_000);

    [Fact]
    public void No_sequence_of_words_brings_the_parser_down() => Gen.OneOf(
            "BEGIN", "{", "}", "(", ")", "[", "]", ";", ",", ":", "if", "else", "for", "while", "let", "struct", "enum", "macro", "config", "=", "$x", "@m", "1", "\"s\"", "/", "*", "-", "++", "..", ".", "?", "sizeof", "uint8", "\n", "#define A ", "#ifdef A\n", "uprobe:/a:b", "$1", "/*", "*/", "//", "unroll", "typedef", "union", "&", "0..", "offsetof", "typeof", "_", "comptime", "import", "fn")
        .Array[0, 40].Select(words => string.Join(' ', words)).Sample(Read, iter: 4_000);

    [Fact]
    public void No_change_of_a_script_brings_the_parser_down() => Gen.Select(
            Gen.OneOf(Seeds), Gen.Select(Gen.Int[0, 400], Gen.Int[0, 3], Gen.OneOf("", "{", "}", "\"", "/", "(", ")", ";", "\\", "\0", "#", "@", "$", "'", "/*", "\n", "é", "\ud800", "1e", "..", ":", "="), (at, removed, added) => (at, removed, added)).Array[1, 6])
        .Select((seed, changes) =>
        {
            foreach ((int at, int removed, string added) in changes)
            {
                int start = at % (seed.Length + 1);
                seed = seed[..start] + added + seed[Math.Min(seed.Length, start + removed)..];
            }

            return seed;
        })
        .Sample(Read, iter: 4_000);

    [Fact]
    public void A_long_script_is_read_in_time_that_grows_with_its_length()
    {
        string text = string.Concat(Enumerable.Repeat(Seeds[1] + "\n", 4000));
        Assert.InRange(text.Length, 500_000, Parser.LongestScript);
        System.Diagnostics.Stopwatch watch = System.Diagnostics.Stopwatch.StartNew();
        Reading.Script(text);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
    }
}
