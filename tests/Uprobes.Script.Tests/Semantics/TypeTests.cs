using Uprobes.Script.Semantics;

namespace Uprobes.Script.Tests.Semantics;

public class TypeTests
{
    private const string Definitions = """
        struct point { int x; unsigned short y; };
        struct all { char name[16]; struct point p; struct point *next; uint8_t raw[4]; struct all *self; unsigned a : 3; int b : 5; union { int u; char c; }; uint64_t table[2][3]; double d; };
        enum color { RED, GREEN = 5, BLUE };
        #define N 10
        """;

    [Theory]
    [InlineData("1", "uint8")]
    [InlineData("255", "uint8")]
    [InlineData("256", "uint16")]
    [InlineData("65536", "uint32")]
    [InlineData("1e10", "uint64")]
    [InlineData("-1", "int8")]
    [InlineData("-129", "int16")]
    [InlineData("18446744073709551615", "uint64")]
    [InlineData("true", "bool")]
    [InlineData("\"abc\"", "string[4]")]
    [InlineData("arg0", "uint64")]
    [InlineData("sarg0", "int64")]
    [InlineData("pid", "uint32")]
    [InlineData("pid()", "uint32")]
    [InlineData("tid(init)", "uint32")]
    [InlineData("comm", "string[16]")]
    [InlineData("nsecs", "uint64")]
    [InlineData("nsecs(monotonic)", "uint64")]
    [InlineData("elapsed", "uint64")]
    [InlineData("func", "string[256]")]
    [InlineData("probe", "string[256]")]
    [InlineData("ustack", "ustack_t")]
    [InlineData("ustack(3)", "ustack_t")]
    [InlineData("ustack(perf, 3)", "ustack_t(perf)")]
    [InlineData("arg0 + 1", "uint64")]
    [InlineData("arg0 - 1", "int64")]
    [InlineData("pid + cpu", "uint64")]
    [InlineData("(int8)1 + pid", "int64")]
    [InlineData("-pid", "int64")]
    [InlineData("~arg0", "int64")]
    [InlineData("!arg0", "bool")]
    [InlineData("arg0 == 1", "bool")]
    [InlineData("arg0 && pid", "bool")]
    [InlineData("arg0 << 2", "uint64")]
    [InlineData("(int32)arg0 >> 2", "int64")]
    [InlineData("arg0 ? 1 : 1000", "uint16")]
    [InlineData("arg0 ?: 1", "uint64")]
    [InlineData("arg0 ? \"a\" : \"abc\"", "string[4]")]
    [InlineData("(1, \"a\", pid)", "(uint8,string[2],uint32)")]
    [InlineData("(1, \"a\").1", "string[2]")]
    [InlineData("(1, (2, comm)).1.1", "string[16]")]
    [InlineData("(1, \"a\")[0]", "uint8")]
    [InlineData("(a = 1, b = comm)", "record { .a: uint8, .b: string[16] }")]
    [InlineData("(a = 1, b = comm).b", "string[16]")]
    [InlineData("(uint32)arg0", "uint32")]
    [InlineData("(int64)comm[0]", null)]
    [InlineData("(struct point *)arg0", "struct point *")]
    [InlineData("*(struct point *)arg0", "struct point")]
    [InlineData("((struct point *)arg0)->x", "int32")]
    [InlineData("((struct point *)arg0).y", "uint16")]
    [InlineData("(*(struct point *)arg0).y", "uint16")]
    [InlineData("((point *)arg0)->x", "int32")]
    [InlineData("((struct all *)arg0)->name", "string[17]")]
    [InlineData("((struct all *)arg0)->name[2]", "int8")]
    [InlineData("((struct all *)arg0)->p", "struct point")]
    [InlineData("((struct all *)arg0)->p.x", "int32")]
    [InlineData("((struct all *)arg0)->next->y", "uint16")]
    [InlineData("((struct all *)arg0)->self->self->next", "struct point *")]
    [InlineData("((struct all *)arg0)->raw", "uint8[4]")]
    [InlineData("((struct all *)arg0)->raw[1]", "uint8")]
    [InlineData("((struct all *)arg0)->a", "uint32")]
    [InlineData("((struct all *)arg0)->b", "int32")]
    [InlineData("((struct all *)arg0)->u", "int32")]
    [InlineData("((struct all *)arg0)->table[1][2]", "uint64")]
    [InlineData("((struct point *)arg0 + 1)->x", "int32")]
    [InlineData("((struct point *)arg0)[2].x", "int32")]
    [InlineData("*(uint8 *)arg0", "uint8")]
    [InlineData("**(uint16 **)arg0", "uint16")]
    [InlineData("*arg0", "uint64")]
    [InlineData("((int32 *)arg0)[3]", "int32")]
    [InlineData("(uint8[8])arg0", "uint8[8]")]
    [InlineData("(uint8[])arg0", "uint8[8]")]
    [InlineData("(uint64)((uint8[8])arg0)", "uint64")]
    [InlineData("RED", "enum color")]
    [InlineData("(enum color)arg0", "enum color")]
    [InlineData("N", "uint8")]
    [InlineData("N * 100", "uint16")]
    [InlineData("sizeof(uint32)", "uint64")]
    [InlineData("str(arg0)", "string[1024]")]
    [InlineData("str(arg0, 5)", "string[6]")]
    [InlineData("str(arg0, arg1)", "string[1024]")]
    [InlineData("str(((struct all *)arg0)->name)", "string[17]")]
    [InlineData("str_concat(comm, \"abc\")", "string[19]")]
    [InlineData("strlen(comm)", "uint64")]
    [InlineData("strstr(comm, \"a\")", "int64")]
    [InlineData("strcontains(comm, \"a\")", "bool")]
    [InlineData("strncmp(comm, \"a\", 1)", "int64")]
    [InlineData("buf(arg0, 8)", "buffer[8]")]
    [InlineData("buf(((struct all *)arg0)->raw)", "buffer[4]")]
    [InlineData("buf(((struct all *)arg0)->name)", "buffer[16]")]
    [InlineData("buf(arg0, arg1)", "buffer[1024]")]
    [InlineData("reg(\"sp\")", "uint64")]
    [InlineData("uaddr(\"x\")", "uint64 *")]
    [InlineData("*uaddr(\"x\")", "uint64")]
    [InlineData("usym(arg0)", "usym_t")]
    [InlineData("strftime(\"%H\", nsecs)", "timestamp")]
    [InlineData("ntop(arg0)", "inet")]
    [InlineData("ntop(2, arg0)", "inet")]
    [InlineData("ntop(((struct all *)arg0)->raw)", "inet")]
    [InlineData("pton(\"127.0.0.1\")", "uint8[4]")]
    [InlineData("pton(\"::1\")", "uint8[16]")]
    [InlineData("macaddr(arg0)", "mac_address")]
    [InlineData("bswap((uint16)arg0)", "uint16")]
    [InlineData("strerror(arg0)", "string[64]")]
    [InlineData("has_key(@m, 1)", "bool")]
    [InlineData("delete(@m, 1)", "bool")]
    [InlineData("len(@m)", "int64")]
    [InlineData("is_str(comm)", "bool")]
    [InlineData("{ let $b = 1; $b + arg0 }", "uint64")]
    [InlineData("if (arg0) { 1 } else { 2000 }", "uint16")]
    [InlineData("uptr((struct point *)arg0)", "struct point *")]
    [InlineData("getopt(\"x\", 5)", "uint8")]
    public void Every_expression_has_its_type(string text, string? type)
    {
        if (type is null)
            Assert.NotEmpty(Checking.Messages($"{Definitions}\nuprobe:/bin/x:f {{ $v = {text}; }}"));
        else
            Assert.Equal(type, Checking.Expression(text, definitions: Definitions + "\n").Type.ToString());
    }

    [Theory]
    [InlineData("1 + 2 * 3", 7)]
    [InlineData("10 / 3", 3)]
    [InlineData("10 % 3", 1)]
    [InlineData("-7 / 2", -3)]
    [InlineData("-7 % 2", -1)]
    [InlineData("1 << 10", 1024)]
    [InlineData("-8 >> 1", -4)]
    [InlineData("5 - 7", -2)]
    [InlineData("0xf0 & 0x3c | 1 ^ 3", 0x32)]
    [InlineData("~0", -1)]
    [InlineData("!5", 0)]
    [InlineData("1 < 2", 1)]
    [InlineData("-1 < 1", 1)]
    [InlineData("1 && 0 || 1", 1)]
    [InlineData("1 ? 5 : 6", 5)]
    [InlineData("(uint8)257", 1)]
    [InlineData("(int8)255", -1)]
    [InlineData("(bool)5", 1)]
    [InlineData("sizeof(struct all)", 112)]
    [InlineData("sizeof(uint8)", 1)]
    [InlineData("sizeof(1)", 1)]
    [InlineData("sizeof(arg0)", 8)]
    [InlineData("sizeof(struct point)", 8)]
    [InlineData("sizeof(point)", 8)]
    [InlineData("sizeof(\"abc\")", 4)]
    [InlineData("offsetof(struct all, p.y)", 20)]
    [InlineData("offsetof(struct all, raw)", 32)]
    [InlineData("offsetof(point, y)", 4)]
    [InlineData("N + RED + GREEN + BLUE", 21)]
    [InlineData("\"a\" == \"a\"", 1)]
    [InlineData("\"a\" != \"a\"", 0)]
    [InlineData("is_ptr(arg0)", 0)]
    [InlineData("is_integer(1)", 1)]
    [InlineData("is_literal(1)", 1)]
    [InlineData("9223372036854775807 + 1", long.MinValue)]
    [InlineData("comptime 1 + 1", 2)]
    public void What_is_known_is_computed(string text, long value) =>
        Assert.Equal(value, Assert.IsType<ConstantExpression>(Checking.Expression(text, definitions: Definitions + "\n")).Value);

    [Theory]
    [InlineData("$x = 1; $x = 1000; @ = $x", "uint16")]
    [InlineData("$x = 1; $x = -1000; @ = $x", "int16")]
    [InlineData("$x = 200; $x = -1; @ = $x", "int16")]
    [InlineData("$x = 1; $x++; @ = $x", "int64")]
    [InlineData("let $x; if (pid) { $x = comm; } @ = $x", "string[16]")]
    [InlineData("$x = \"a\"; $x = \"abcdef\"; @ = $x", "string[7]")]
    [InlineData("$x = arg0; $x = -1; @ = $x", "uint64")]
    [InlineData("let $x : uint8 = 1; @ = $x", "uint8")]
    [InlineData("let $x : string = \"ab\"; @ = $x", "string[3]")]
    [InlineData("@ = @b; @b = arg0", "uint64")]
    [InlineData("@ = @b + 1; @b = @c; @c = 1", "uint64")]
    [InlineData("@ += 1", "uint64")]
    [InlineData("@ -= 1", "int64")]
    [InlineData("@ = arg0; @++", "uint64")]
    [InlineData("@ = 5; @++", "int64")]
    [InlineData("@++", "int64")]
    [InlineData("@ = (1, \"a\"); @ = (1000, \"abc\")", "(uint16,string[4])")]
    [InlineData("@ = count()", "count_t")]
    [InlineData("@ = sum(arg0)", "sum_t")]
    [InlineData("@c = count(); @ = (int64)@c", "int64")]
    [InlineData("@c = count(); if (@c > 5) { @ = 1 }", "uint8")]
    [InlineData("@c[1] = count(); for ($kv : @c) { @ = $kv.1 }", "uint64")]
    [InlineData("@m[1, comm] = 1; for ($kv : @m) { @ = $kv.0.1 }", "string[16]")]
    [InlineData("for ($i : 0..1000) { @ = $i }", "uint16")]
    [InlineData("@m[1] = arg0; $v = 0; if (find(@m, 1, $v)) { @ = $v }", "uint64")]
    [InlineData("@ = ustack", "ustack_t")]
    [InlineData("@ = (struct p *)arg0", null)]
    [InlineData("@ = true; @ = pid == 1", "bool")]
    [InlineData("@ = 0; @ = pid == 1", "uint8")]
    public void A_type_follows_from_all_that_is_assigned(string text, string? type)
    {
        string script = $"uprobe:/bin/x:f {{ {text} }}";
        if (type is null)
            Assert.NotEmpty(Checking.Messages(script));
        else
            Assert.Equal(type, Checking.Script(script).Map("").ValueType.ToString());
    }

    [Theory]
    [InlineData("@[pid] = 1", "uint32")]
    [InlineData("@[pid, comm] = 1", "(uint32,string[16])")]
    [InlineData("@[(pid, comm)] = 1", "(uint32,string[16])")]
    [InlineData("@[1] = 1; @[1000] = 1", "uint16")]
    [InlineData("@[\"a\"] = 1; @[comm] = 1", "string[16]")]
    [InlineData("@[1, \"a\"] = 1; @[1000, \"abc\"] = 1", "(uint16,string[4])")]
    [InlineData("@[1] = 1; delete(@, 1000)", "uint16")]
    [InlineData("@[1] = 1; delete(@[1000])", "uint16")]
    [InlineData("@[ustack(5), 1] = count()", "(ustack_t,uint8)")]
    [InlineData("@[@n] = 1; @n = arg0", "uint64")]
    public void A_key_grows_with_its_uses(string text, string type) =>
        Assert.Equal(type, Checking.Script($"uprobe:/bin/x:f {{ {text} }}").Map("").KeyType.ToString());

    [Fact]
    public void Types_follow_from_later_probes()
    {
        TypedScript script = Checking.Script("""
            uprobe:/bin/x:f { @start[tid] = nsecs; }
            uretprobe:/bin/x:f /@start[tid]/ { $took = nsecs - @start[tid]; @ns = hist($took); @last = $took; delete(@start[tid]); }
            END { print(@last); clear(@start); }
            """);
        Assert.Equal("uint64", script.Map("start").ValueType.ToString());
        Assert.Equal("uint32", script.Map("start").KeyType.ToString());
        Assert.Equal("hist_t", script.Map("ns").ValueType.ToString());
        Assert.Equal([0L], script.Map("ns").Parameters);
        Assert.Equal("int64", script.Map("last").ValueType.ToString());
        Assert.Equal(["start", "ns", "last"], script.Maps.Select(map => map.Name));
        Assert.Equal("took", Assert.Single(script.Probes[1].Variables).Name);
    }

    [Fact]
    public void Parameters_of_histograms_are_kept()
    {
        TypedScript script = Checking.Script("i:s:1 { @h = hist(1, 3); @l[pid] = lhist(1, 0, 100, 5); @t = tseries(1, 10ms, 20, \"avg\"); }");
        Assert.Equal([3L], script.Map("h").Parameters);
        Assert.Equal([0L, 100, 5], script.Map("l").Parameters);
        Assert.Equal([10_000_000L, 20, (long)AggregateFunction.Avg], script.Map("t").Parameters);
    }
}
