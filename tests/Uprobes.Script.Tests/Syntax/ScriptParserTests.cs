using Uprobes.Script.Syntax;

namespace Uprobes.Script.Tests.Syntax;

public class ScriptParserTests
{
    [Theory]
    [InlineData("uprobe:/bin/sh:main { }", "uprobe:/bin/sh:main")]
    [InlineData("uprobe:/bin/sh:main{}", "uprobe:/bin/sh:main")]
    [InlineData("u:libc:malloc { }", "u:libc:malloc")]
    [InlineData("uprobe:./a.out:main+4 { }", "uprobe:./a.out:main+4")]
    [InlineData("uprobe:/usr/bin/x:0x1234 { }", "uprobe:/usr/bin/x:0x1234")]
    [InlineData("uprobe:libc:mem* { }", "uprobe:libc:mem*")]
    [InlineData("uprobe:/lib/*.so:f? { }", "uprobe:/lib/*.so:f?")]
    [InlineData("uprobe:/lib/[ab].so:f[0-9] { }", "uprobe:/lib/[ab].so:f[0-9]")]
    [InlineData("uprobe:\"/a b/{c}\":\"f,g\" { }", "uprobe:\"/a b/{c}\":\"f,g\"")]
    [InlineData("uprobe:/bin/x:cpp:\"Ns::f(int, char)\" { }", "uprobe:/bin/x:cpp:\"Ns::f(int, char)\"")]
    [InlineData("uprobe:/bin/x@src/a.c:12:3 { }", "uprobe:/bin/x@src/a.c:12:3")]
    [InlineData("uprobe:*:malloc { }", "uprobe:*:malloc")]
    [InlineData("uprobe:/a.apk!/lib/x.so:f { }", "uprobe:/a.apk!/lib/x.so:f")]
    [InlineData("uprobe:/usr//bin/x:f { }", "uprobe:/usr//bin/x:f")]
    [InlineData("usdt:/bin/x:prov:name { }", "usdt:/bin/x:prov:name")]
    [InlineData("usdt::prov:name { }", "usdt::prov:name")]
    [InlineData("U:*:name { }", "U:*:name")]
    [InlineData("BEGIN { }", "BEGIN")]
    [InlineData("BEGIN{ }", "BEGIN")]
    [InlineData("end { }", "end")]
    [InlineData("interval:s:1 { }", "interval:s:1")]
    [InlineData("i:1ms{ }", "i:1ms")]
    [InlineData("self:signal:SIGUSR1 { }", "self:signal:SIGUSR1")]
    [InlineData("profile:hz:99 { }", "profile:hz:99")]
    [InlineData("kprobe:vfs_read { }", "kprobe:vfs_read")]
    [InlineData("iter:task:/sys/fs/bpf/x { }", "iter:task:/sys/fs/bpf/x")]
    [InlineData("uprobe:$1:f { }", "uprobe:$1:f")]
    [InlineData("BEGIN /* comment */ { }", "BEGIN")]
    [InlineData("BEGIN // comment\n{ }", "BEGIN")]
    [InlineData("#!/usr/bin/env uprobe run\nBEGIN { }", "BEGIN")]
    [InlineData("#!/usr/bin/env uprobe run", null)]
    [InlineData("", null)]
    [InlineData("  \n\t // nothing\n", null)]
    public void An_attach_point_is_kept_as_written(string text, string? expected) =>
        Assert.Equal(expected, Reading.Script(text).Probes.SelectMany(probe => probe.AttachPoints).SingleOrDefault()?.Text);

    [Theory]
    [InlineData("u:/bin/a:f,u:/bin/b:g { }", "u:/bin/a:f u:/bin/b:g")]
    [InlineData("u:/bin/a:f,\n  u:/bin/b:g,\n{ }", "u:/bin/a:f u:/bin/b:g")]
    [InlineData("BEGIN, END, i:s:1 { }", "BEGIN END i:s:1")]
    [InlineData("u:a:f, u:a:g /pid == 1/ { }", "u:a:f u:a:g")]
    public void A_list_of_attach_points_is_taken_apart_at_commas(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', Assert.Single(Reading.Script(text).Probes).AttachPoints.Select(point => point.Text)));

    [Fact]
    public void A_probe_may_have_a_name()
    {
        AttachPointSyntax point = Assert.Single(Assert.Single(Reading.Script("mine=uprobe:/bin/sh:main { }").Probes).AttachPoints);
        Assert.Equal("mine", point.Name?.Text);
        Assert.Equal("uprobe:/bin/sh:main", point.Text);
    }

    [Theory]
    [InlineData("u:/bin/a:f /pid == 1/ { }", "pid == 1")]
    [InlineData("u:/bin/a:f/pid == 1/{ }", "pid == 1")]
    [InlineData("u:/bin/a:f / arg0 / 2 > 1 / { }", "(arg0 / 2) > 1")]
    [InlineData("u:/bin/a:f /arg0/arg1/{ }", "arg0 / arg1")]
    [InlineData("u:/bin/a:f /@m[tid]/\n{ }", "@m[tid]")]
    [InlineData("u:/bin/a:f /@a[1/{ 1 }]/ { }", "@a[1 / ({\n    1\n})]")]
    [InlineData("i:s:1/pid/{ }", "pid")]
    [InlineData("END/1/{ }", "1")]
    [InlineData("u:/bin/a:f /1/ /* why */ { }", "1")]
    [InlineData("u:/bin/a:f /comm == \"a/b\"/ { }", "comm == \"a/b\"")]
    [InlineData("t:a:b/strncmp(comm, \"x\", 1) == 0/ { }", "strncmp(comm, \"x\", 1) == 0")]
    public void A_predicate_ends_with_the_slash_before_the_brace(string text, string expected) =>
        Assert.Equal(expected, SyntaxPrinter.Print(Assert.Single(Reading.Script(text).Probes).Predicate!));

    [Theory]
    [InlineData("u:/bin/a:f + 4 { }", "u:/bin/a:f+4")]
    [InlineData("u:/bin/a:f +0x10/1/ { }", "u:/bin/a:f+0x10")]
    [InlineData("u:/bin/a:\"b.(*c + d).e\" + 83,\nu:/bin/a:g { }", "u:/bin/a:\"b.(*c + d).e\"+83")]
    public void Spaces_may_stand_around_the_plus_of_an_offset(string text, string expected) =>
        Assert.Equal(expected, Assert.Single(Reading.Script(text).Probes).AttachPoints[0].Text);

    [Fact]
    public void Headers_are_kept_with_what_stands_around_them()
    {
        ScriptSyntax script = Reading.Script("#include <sys/stat.h> // types\n#include \"own.h\"\nBEGIN { }");
        Assert.Equal(["<sys/stat.h>", "\"own.h\""], script.Includes.Select(include => include.Header));
    }

    [Fact]
    public void The_parts_before_the_probes_are_kept_apart()
    {
        ScriptSyntax script = Reading.Script("""
            #define LIMIT 10
            #define NAME "x"
            #ifndef BPFTRACE_HAVE_BTF
            #include <linux/sched.h>
            #else
            #define OTHER (LIMIT + 1)
            #endif
            struct point { int x; int y; };
            config = { stack_mode = perf; max_strlen=32; print_maps_on_exit = false }
            let @a = hash(100);
            let @ = lruhash(1);
            macro twice(x) { x + x }
            macro touch($v, @m, e) { $v = e; @m = e; }
            BEGIN { }
            """);
        Assert.Equal(["DefineSyntax", "DefineSyntax", "DefineSyntax", "StructSyntax"], script.Definitions.Select(definition => definition.GetType().Name));
        Assert.Equal(["stack_mode", "max_strlen", "print_maps_on_exit"], script.Options.Select(option => option.Name.Text));
        Assert.Equal([("a", "hash", 100UL), ("", "lruhash", 1UL)], script.Maps.Select(map => (map.Map.Text, map.Kind.Text, map.Entries)));
        Assert.Equal(["twice", "touch"], script.Macros.Select(macro => macro.Name.Text));
        Assert.Equal([MacroParameterKind.Variable, MacroParameterKind.Map, MacroParameterKind.Expression], script.Macros[1].Parameters.Select(parameter => parameter.Kind));
        Assert.Single(script.Probes);
    }

    [Fact]
    public void A_condition_of_the_preprocessor_leaves_its_other_branch_out()
    {
        ScriptSyntax script = Reading.Script("""
            #ifdef NO
            struct broken {
            #ifdef ALSO_NO
            #endif
            #else
            #define YES 1
            #endif
            #ifdef YES
            BEGIN { }
            #endif
            """);
        Assert.Single(script.Definitions);
        Assert.Single(script.Probes);
    }

    [Theory]
    [InlineData("struct a { int x; }", "struct a {\n    int x;\n};\n")]
    [InlineData("struct a { int x, *y, z[4]; };", "struct a {\n    int x;\n    int * y;\n    int z[4];\n};\n")]
    [InlineData("struct a { char name[16]; unsigned long long n; };", "struct a {\n    char name[16];\n    unsigned long long n;\n};\n")]
    [InlineData("struct a { const struct b *next; struct b inner; };", "struct a {\n    struct b * next;\n    struct b inner;\n};\n")]
    [InlineData("union a { int x; long y; };", "union a {\n    int x;\n    long y;\n};\n")]
    [InlineData("struct a { unsigned f : 3, g : 5; unsigned : 0; };", "struct a {\n    unsigned f : 3;\n    unsigned g : 5;\n    unsigned : 0;\n};\n")]
    [InlineData("struct a { int (*call)(int, struct b *); };", "struct a {\n    void * call;\n};\n")]
    [InlineData("struct a { int m[2][3]; };", "struct a {\n    int m[2][3];\n};\n")]
    [InlineData("struct __attribute__((packed)) a { char c; int i; };", "struct a {\n    char c;\n    int i;\n} __attribute__((packed));\n")]
    [InlineData("struct a { char c; } __attribute__((packed));", "struct a {\n    char c;\n} __attribute__((packed));\n")]
    [InlineData("enum e { A, B = 5, C, };", "enum e { A, B = 5, C };\n")]
    [InlineData("enum { A = 1 << 4 };", "enum  { A = 1 << 4 };\n")]
    [InlineData("typedef unsigned int number; typedef struct a *pointer;", "typedef unsigned int number;\ntypedef struct a * pointer;\n")]
    [InlineData("typedef struct { int x; } a;", "typedef struct  {\n    int x;\n} a;\n")]
    [InlineData("struct a { struct { int x; } b; union { int y; }; };", "struct a {\n    struct  {\n    int x;\n} b;\n    union  {\n    int y;\n};\n};\n")]
    [InlineData("struct a { // comment }\n int x; /* } */ };", "struct a {\n    int x;\n};\n")]
    [InlineData("#define A\n#define B 1 \\\n + 2\n", "#define A\n#define B 1 + 2\n")]
    public void Definitions_in_C_are_read(string text, string expected) => Assert.Equal(expected, SyntaxPrinter.Print(Reading.Script(text)));

    [Theory]
    [InlineData("$x = 1;", "$x = 1;")]
    [InlineData("$x = 1", "$x = 1;")]
    [InlineData("@ = count();", "@ = count();")]
    [InlineData("@a[pid] += 1;", "@a[pid] += 1;")]
    [InlineData("$x -= 1; $x *= 2; $x /= 3; $x %= 4; $x &= 5; $x |= 6; $x ^= 7; $x <<= 8; $x >>= 9", "$x -= 1; $x *= 2; $x /= 3; $x %= 4; $x &= 5; $x |= 6; $x ^= 7; $x <<= 8; $x >>= 9;")]
    [InlineData("let $x;", "let $x;")]
    [InlineData("let $x = 1;", "let $x = 1;")]
    [InlineData("let $x : uint8 = 1;", "let $x : uint8 = 1;")]
    [InlineData("let $p: struct foo *;", "let $p : struct foo *;")]
    [InlineData("if ($x) { exit(); }", "if ($x) { exit(); }")]
    [InlineData("if $x { exit(); }", "if ($x) { exit(); }")]
    [InlineData("if ($x == 1) { exit() } else { print(1) }", "if ($x == 1) { exit() } else { print(1) }")]
    [InlineData("if ($x) { } else if ($y) { } else { }", "if ($x) { } else if ($y) { } else { }")]
    [InlineData("while ($x < 10) { $x++; if ($x == 5) { break; } continue; }", "while (($x < 10)) { $x++; if ($x == 5) { break; } continue; }")]
    [InlineData("unroll (3) { print(1); }", "unroll (3) { print(1); }")]
    [InlineData("unroll(3) { }", "unroll (3) { }")]
    [InlineData("for ($kv : @m) { print($kv); }", "for ($kv : @m) { print($kv); }")]
    [InlineData("for ($i : 0..10) { }", "for ($i : 0..10) { }")]
    [InlineData("for $i : 1..$n { }", "for ($i : 1..$n) { }")]
    [InlineData("for ($i : $a..ncpus) { }", "for ($i : $a..ncpus) { }")]
    [InlineData("return;", "return;")]
    [InlineData("return 1;", "return 1;")]
    [InlineData("_ = has_key(@a, 1);", "_ = has_key(@a, 1);")]
    [InlineData("$x = { let $y = 1; $y + 1 };", "$x = { let $y = 1; $y + 1 };")]
    [InlineData("{ print(1); }", "{ print(1); }")]
    [InlineData("$x = if ($y) { 1 } else { 2 };", "$x = if ($y) { 1 } else { 2 };")]
    [InlineData("$a == 1 ? print(1) : print(2);", "($a == 1) ? print(1) : print(2);")]
    [InlineData(";;; exit();;", "exit();")]
    [InlineData("printf(\"%d\\n\", 1);", "printf(\"%d\\n\", 1);")]
    [InlineData("@x++; --@y[1];", "@x++; --@y[1];")]
    [InlineData("$x = 1; // comment\n /* another */ $y = 2;", "$x = 1; $y = 2;")]
    public void Statements_are_read(string text, string expected)
    {
        string printed = SyntaxPrinter.Print(Reading.Script($"BEGIN {{ {text} }}"));
        Assert.Equal($"BEGIN {{ {expected} }} ", System.Text.RegularExpressions.Regex.Replace(printed, @"\s+", " "));
    }

    [Fact]
    public void A_tree_knows_where_its_parts_are()
    {
        const string text = "BEGIN { @a[pid] = arg0 + 10; }";
        ProbeSyntax probe = Assert.Single(Reading.Script(text).Probes);
        AssignmentSyntax assignment = Assert.IsType<AssignmentSyntax>(Assert.Single(probe.Body.Statements));
        BinarySyntax sum = Assert.IsType<BinarySyntax>(assignment.Value);
        ScriptSource source = new("stdin", text);
        Assert.Equal("@a[pid]", source.Slice(assignment.Target.Span));
        Assert.Equal("arg0 + 10", source.Slice(sum.Span));
        Assert.Equal("+", source.Slice(sum.OperatorSpan));
        Assert.Equal("10", source.Slice(sum.Right.Span));
        Assert.Equal("{ @a[pid] = arg0 + 10; }", source.Slice(probe.Body.Span));
        Assert.Equal(text, source.Slice(probe.Span));
    }
}
