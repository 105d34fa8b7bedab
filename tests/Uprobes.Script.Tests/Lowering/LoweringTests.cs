using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Lowering;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Tests.Lowering;

/// <summary>A script prints the same whether its actions are interpreted or run as programs.</summary>
public sealed class LoweringTests
{
    private static readonly string[] Actions =
    [
        "@ = count()", "@[tid] = count()", "@[arg0] = sum(arg1)", "@[tid, arg0 % 4] = avg(arg1)", "@[comm] = max(arg1)", "@ = min(arg1)", "@[func] = stats(arg1)",
        "@ = hist(arg1)", "@[probe] = hist(arg0)", "@ = lhist(arg1, 0, 100, 10)", "@a = arg0; @b[tid] = arg1; @c[comm, arg0 & 1] = @a + @b[tid]",
        "@x++", "@x += arg0", "@x[tid]++", "@x[arg0 & 3] -= arg1", "@x[tid] = @x[tid] + 1; @y[tid] = @x[tid] * 2", "@x = @x * 3 + arg0",
        "printf(\"%d %s\\n\", arg0, str(arg2))", "printf(\"%s %d %llx %c\\n\", comm, tid, arg1, 65 + arg0 % 20)", "@[str(arg2)] = count()", "@[str(arg2, 8)] = sum(arg0)",
        "printf(\"%r|%rx\\n\", buf(arg2, 7), buf(arg2, 3))", "if (arg0 > 5) { @big = count() } else { @small = count() }", "if (str(arg2) == \"hello\") { @hello++ }",
        "$x = arg0 * 2; $y = $x + 1; @[$x > $y ? 1 : 2] = count(); @z = $y", "$i = 0; unroll(5) { $i++; if ($i == 3) { continue } @[$i] = count() }",
        "for ($i : 0..10) { if ($i > arg0) { break } @[$i] = count() }", "printf(\"%d\\n\", (int8)arg1); @[(uint8)arg1] = count()", "@[*(uint32*)arg3] = count()",
        "@ = *(int16*)(arg3 + 2)", "print(arg0); print((arg0, \"x\", arg1))", "@ = count(); print(@)", "@ = count(); if (arg0 == 7) { clear(@) }", "@[arg0 & 3] = count(); if (arg0 == 7) { zero(@) }",
        "@[arg0 & 3] = sum(arg1); if (arg0 == 9) { delete(@, 1) }", "@[arg0 & 3] = arg1; if (arg0 == 9) { delete(@, 1) }", "if (has_key(@, arg0)) { @again = count() } @[arg0] = 1",
        "printf(\"%d %d\\n\", has_key(@x, arg0), @x[arg0]++)",
        "if (arg0 == 8) { exit() } @ = count()", "printf(\"%s\\n\", strftime(\"%H:%M:%S\", nsecs(monotonic)))", "@ = nsecs(monotonic); @e = elapsed", "if (arg0 == 3) { return } @ = count()",
        "@ = reg(\"di\") + reg(\"sp\")", "@[cpu] = count()", "@[pid] = count()", "@[arg0 > 3 && arg1 < 50, arg0 == 2 || arg1 == 3] = count()", "@ = sum(arg0 / (arg1 % 3)); @m = arg0 % (arg1 % 3)",
        "@ = sum(-(int64)arg0); @n = sum((int32)arg1 << 3 >> 1)", "if (++@n == 3) { print(@n) } if (@k++ > 4) { @late = count() } $i = arg0; $j = $i++ + 1; @[$i, $j] = count(); printf(\"%d\\n\", @m[tid]++)", "@ = ~arg0; @b = !arg0; @c = arg0 ^ arg1 | 4 & 12", "@x[arg0 & 1] = count(); print(@x[arg0 & 1])",
        "printf(\"%s\\n\", arg0 > 4 ? \"big\" : \"small\")", "printf(\"%d %s\\n\", strlen(str(arg2)), strcontains(str(arg2), \"ong\") ? \"yes\" : \"no\")",
    ];

    public static TheoryData<string> Scripts =>
    [
        .. Actions.Select(action => $"uprobe:./t:work {{ {action} }}"),
        .. Actions.Where(a => !a.Contains("arg", StringComparison.Ordinal)).Select(action => $"uprobe:./t:work, uprobe:./t:rest {{ {action} }}"),
        "uprobe:./t:work { @start[tid] = nsecs(monotonic) } uretprobe:./t:work /@start[tid]/ { @ns = hist(nsecs(monotonic) - @start[tid]); delete(@start[tid]) }",
        "uprobe:./t:work { @[arg0] = sum(arg1); @v[arg0] = arg1; if (arg0 == 9) { delete(@[1]); delete(@v[1]); delete(@v, 2) } }",
        "uretprobe:./t:work { @[retval] = count() } uprobe:./t:rest { @[arg0] = count() }",
        "uretprobe:./t:work /retval > 3/ { printf(\"%d %s\\n\", retval, func) }",
        "uprobe:./t:work /arg0 % 2 == 0/ { @even = count() } uprobe:./t:work /arg0 % 2/ { @odd = count() }",
        "BEGIN { @limit = 5; @seen[3] = 1 } uprobe:./t:work /arg0 > @limit/ { @over = count(); @seen[arg0] = arg1 } END { printf(\"end %d\\n\", @limit); print(@over) }",
        "BEGIN { @ = sum(100); @h = hist(4); @n = 10 } uprobe:./t:work { @ = sum(arg0); @h = hist(arg1); @n += arg0 } END { print(@); clear(@h) }",
        "struct point { int x; char y; long z; } uprobe:./t:work { $p = (struct point *)arg3; @[$p->x] = count(); printf(\"%d %d %ld\\n\", $p->x, $p->y, $p->z) }",
        "config = { max_strlen = 9 } uprobe:./t:work { @[str(arg2)] = count(); printf(\"%s\\n\", str(arg2)) }",
        "uprobe:./t:work { @[tid] = str(arg2) } uprobe:./t:rest { printf(\"%s\\n\", @[tid]); @n[@[tid], 1] = count() }",
        "uprobe:./t:work { @ = min(arg0); @h = hist(arg1, 2); @t[tid] = (arg0, comm) } uprobe:./t:rest /arg0 > 9/ { clear(@); print(@t[tid]) }",
        "uprobe:./t:work { @m[comm, 1]++; @m[str(arg2), arg0] += arg1; delete(@m, (\"x\", 0)); print(@m[comm, 1]) }",
        "uprobe:./t:work { $s = str(arg2); $c = comm; printf(\"%s %s\\n\", $s, $c); if ($s == \"hello\") { @[$c] = count() } }",
        "uprobe:./t:work /@n++ % 3 == 0/ { @third = count(); $s = \"x\"; @[$s] = count() }",
        "uprobe:./t:work { @ = max(arg1) } uprobe:./t:rest { @ = max(arg0) }",
        "uprobe:./t:work { if (strncmp(str(arg2), \"hello\", 3) == 0) { @three = count() } if (!strncmp(\"hello\", str(arg2), 9)) { @all = count() } if (strncmp(str(arg2), \"he\", 1)) { @other = count() } }",
        "uprobe:./t:work /strncmp(str(arg2), \"a longer text\", 8) == 0/ { @[str(arg2, 8)] = count() }",
        "uprobe:./t:work { printf(\"%s|%s\\n\", str(arg2, arg0), str(arg2, arg0 + 1)) }",
        "struct point { int x; char y; long z; } uprobe:./t:work { print(*(struct point *)arg3); @[(*(struct point *)arg3).x] = count() }",
        "struct name { char text[5]; unsigned char more[3]; } uprobe:./t:work { $n = (struct name *)arg2; printf(\"%s\\n\", $n->text); print($n->more); @[$n->more] = count(); @last = $n->more }",
        "macro twice($x) { $x * 2 } macro add(@m, $n) { @m[$n] += 1; @m[$n] } uprobe:./t:work { $a = arg0; @[twice($a)] = count(); printf(\"%d %d\\n\", twice($a), add(@sums, $a)) }",
        "uprobe:./t:work { $x = { let $a = arg0; $a++; $a * 2 }; $y = $x + { $x = $x + 1; $x } + $x; printf(\"%d %d\\n\", $x, $y) }",
        "uprobe:./t:work { $s = \"first\"; printf(\"%s \", $s); $s = str(arg2); printf(\"%s\\n\", $s); if ($s == \"hello\") { @[$s] = count() } }",
        "uprobe:./t:work { $a = arg0; printf(\"%d %d %d\\n\", $a, $a++, $a); @n = $a; printf(\"%d %d %d\\n\", @n, ++@n, @n); $b = $a + $a++ * $a; @b = $b }",
        "uprobe:./t:work { printf(\"%s\\n\", ntop(arg0)); @[ntop(arg0)] = count() }",
        "uprobe:./t:work { @a = hist(arg1, 1); @b[arg0] = hist(arg1 * arg1, 3); @c = hist((int64)arg0 - 4, 2); @d[tid] = hist(nsecs(monotonic), 5); @e = hist(arg0, 0); }",
        "BEGIN { @ = hist(1000, 4); @k[1] = hist(7, 2) } uprobe:./t:work { @ = hist(arg1 * 10, 4); @k[arg0 & 1] = hist(arg1, 2); if (arg0 == 9) { clear(@k) } } END { print(@); zero(@) }",
        "uprobe:./t:work { @c = count(); @s = sum((int64)arg0 - 5); @u = sum(arg1); @l = min(arg1); @h = max((int64)arg0 - 20); @a = avg((int64)arg1 - 60); printf(\"%d %d %d %d %d %d\\n\", @c, @s, @u, @l, @h, @a) }",
        "uprobe:./t:work { printf(\"%d %d %d %d %d\\n\", @c, @s[1], @l, @h, @a[arg0]); @c = count(); @s[arg0] = sum(arg1); @l = min((int64)arg0 - 9); @h = max(arg1); @a[arg0] = avg((int64)arg0 - 60) }",
        "uprobe:./t:work { @c[tid] = count(); if (@c[tid] > 7) { @many[tid] = count() } } uprobe:./t:rest /@c[100] > 3 && @c[101]/ { printf(\"%d %d\\n\", (int64)@c[tid] - 20, @c[7] == 0) }",
        "uprobe:./t:work { @c[arg0] = count(); @s[arg0] = sum(arg1 % 2); @l[arg0] = min(arg1); if (@c[arg0] > 2) { delete(@c, arg0); delete(@s[arg0]); delete(@l, arg0) } print(@s[arg0]); printf(\"%d %d\\n\", @s[arg0], @l[arg0]) }",
        "uprobe:./t:work { @c = count(); @x = max(arg1); if (@c == 9) { clear(@c); clear(@x); @cleared = count() } if (@x > 90) { @n = count() } } END { printf(\"%d\\n\", @c); clear(@x) }",
        "uprobe:./t:work { if (has_key(@a, arg0)) { @again = count() } @a[arg0] = avg(arg1); if (has_key(@a, 3)) { delete(@a, 3) } }",
        "uprobe:./t:work { @sum = sum(arg0); while (@sum > 20) { clear(@sum); @times = count() } @at[(uint8)@sum] = count(); @rest = (int64)@sum; @twice = (int32)@sum * 2 }",
        "uprobe:./t:work { @c = count(); $old = @c; @z = { @c = count(); $old + @c }; print(@z) } END { clear(@c) }",
        "uprobe:./t:work { $s = arg0 > 5 ? str(arg2) : \"few\"; printf(\"%s %d\\n\", $s, strlen($s)); @[$s] = count(); if ($s == \"few\" || $s == \"hello\") { @known = count() } }",
        "uprobe:./t:work { $s = \"none\"; if (arg0 > 8) { $s = str(arg2, 8) } else if (arg0 > 3) { $s = comm } printf(\"%s|\", $s); @[$s, arg0 & 1] = count() }",
        "uprobe:./t:work { let $s; if (arg0 > 4) { $s = \"x\" } print($s); @[$s] = count() }",
        "uprobe:./t:work { $s = \"first\"; $t = $s; unroll(3) { $t = $s; $s = arg0 > 6 ? $s : str(arg2) } printf(\"%s %s\\n\", $s, $t) }",
        "uprobe:./t:work { for ($i : 0..({ $s = \"\"; if (arg0 > 2) { $s = str(arg2); } printf(\"%s\\n\", $s); strlen($s) })) { @rounds = count(); } }",
        "uprobe:./t:work { $s = str(arg2); $n = arg1 > 50 ? str(arg2, 3) : $s; printf(\"%s\\n\", arg0 > 2 ? $n : \"no\"); @[$n] = sum(arg0) }",
        "uprobe:./t:work { $f = arg0 > 5 ? func : probe; @[$f] = count(); if (func == \"work\" && probe != \"x\") { @here = count() } print($f) }",
        "uprobe:./t:work, uprobe:./t:rest { if (func == \"rest\") { @rest = count() } @[strlen(probe)] = count() }",
        "uprobe:./t:work { $t = (arg0, str(arg2, 8)); @[$t] = count(); print($t); printf(\"%d %s\\n\", $t.0, $t.1); @n[$t.0 + 1] = count() }",
        "uprobe:./t:work { $t = arg0 > 5 ? (1, \"one\") : (2, \"two\"); $u = ($t, arg1 % 3); print($u); @[$u.0.1] = count(); @b[$u.1, $t.0] = sum(arg0) }",
        "uprobe:./t:work { $t = (arg0, arg1); $t = ($t.1, $t.0); if ($t == (arg1, arg0)) { @same = count() } if ($t != (arg0, arg1)) { @other = count() } print($t) }",
        "uprobe:./t:work { $r = (a=arg0, b=str(arg2)); print($r); @[$r.b] = sum($r.a) }",
        "uprobe:./t:work { @[strlen(str(arg2)), len(str(arg2, 5)), strcap(str(arg2))] = count(); if (strlen(str(arg2)) > 4) { @long = count() } }",
        "uprobe:./t:work /strcontains(str(arg2), \"l\")/ { @[strstr(str(arg2), \"lo\"), strstr(str(arg2), str(arg2 + 3))] = count() }",
        "uprobe:./t:work { @[globmatch(str(arg2), \"h*o\"), globmatch(str(arg2), \"*[xy]*\"), globmatch(str(arg2), \"?\"), globmatch(str(arg2), \"*text*beyond*bytes\")] = count() }",
        "uprobe:./t:work { @[memcmp(arg2, \"hello\", 5), memcmp(arg2, arg2 + 1, arg0), memcmp(str(arg2), \"a longer\", 3), memcmp(arg2, arg3, 4) == 0] = count() }",
        "uprobe:./t:work { @[strncmp(str(arg2), str(arg2 + 1), 2), strncmp(str(arg2), comm, 1)] = count(); if (str(arg2, 3) == \"hel\") { @hel = count() } if (str(arg2, arg0) == \"he\") { @he = count() } }",
        "config = { max_strlen = 12 } uprobe:./t:work { @[str(arg2)] = count(); @n[strlen(str(arg2))] = count(); if (str(arg2) == \"a longer te\") { @cut = count() } }",
        "uprobe:./t:work { @[bswap((uint16)arg1), bswap((uint32)arg1), bswap(arg1), bswap((uint8)arg1)] = count(); if (bswap((int16)arg1) > 256) { @more = count() } }",
        "uprobe:./t:work { printf(\"%d %d %d\\n\", uid, gid, ppid); @[uid, gid] = count() } uprobe:./t:rest /uid == 1/ { @one[ppid] = count() }",
        "uprobe:./t:work { printf(\"%s\\n\", username); @[username] = count() }",
        "uprobe:./t:work { printf(\"%d %d %d\\n\", ncpus > 0, usermode, rand < 0x100000000); @[rand % 1] = count(); @cpid[cpid, has_cpid] = count(); if (has_cpid || cpid == 7) { @child = count() } }",
        "uprobe:./t:work { @a = nsecs(tai) - nsecs(monotonic) > 0; @b = nsecs(sw_tai) == nsecs(tai); @c = nsecs(boot) >= nsecs(monotonic) }",
        "uprobe:./t:work { @[arg0] = arg1; if (find(@, arg0 - 1, $v)) { printf(\"%d\\n\", $v) } $w = (uint64)77; $found = find(@, arg0 + 2, $w); @f[$found] = sum($w) }",
        "uprobe:./t:work { @[arg0] = arg1; if (delete(@, arg0 + 1)) { @deleted = count() } delete(@, arg0 - 2) }",
        "uprobe:./t:work { printf(\"%s\\n\", macaddr(arg3)); @[macaddr(arg3)] = count(); $b = buf(arg2, 4); printf(\"%r %rx\\n\", $b, $b) }",
        "uprobe:./t:work { if (*(uint8[4] *)arg3 == pton(\"11.48.85.122\")) { @first = count() } if (*(uint8[4] *)arg3 != *(uint8[4] *)(arg3 + 16)) { @other = count() } print(pton(\"::1\")); $home = pton(\"11.48.85.122\"); print($home); if (*(uint8[4] *)arg3 == $home) { @home = count() } }",
        "uprobe:./t:work { printf(\"%s %s %s\\n\", signal_name(arg0), strerror(arg0), syscall_name(arg0)); @[signal_name(arg0)] = count() }",
        "uprobe:./t:work { static_assert(1); assert(arg0 != 9, \"nine\"); warnf(\"%d\", arg0); errorf(\"%s\", str(arg2)) }",
        "struct pair { int x; int y; } uprobe:./t:work { $p = *(struct pair *)arg3; print($p); printf(\"%d\\n\", $p.y); $l = ((struct pair *)arg3)->y; @[offsetof(struct pair, y), sizeof(struct pair), $l] = count() }",
        "uprobe:./t:work { $a = { let $s = \"in\"; if (arg0 > 3) { $s = \"out\" } $s }; print($a) }",
        "let @few = hash(100); let @last = lruhash(3); uprobe:./t:work { @few[arg0] = count(); @last[arg0] = arg1; let $text : string[4]; $text = str(arg2, 3); print($text) }",
        "macro pick($x, other) { $x > 5 ? other : \"small\" } uprobe:./t:work { $n = arg0; $s = pick($n, str(arg2)); @[$s] = count(); print(pick($n, \"big\")) }",
        "uprobe:./t:work { $i = 0; while ($i < arg0) { $i++; if ($i == 3) { continue } if ($i == 9) { break } @[$i] = count() } printf(\"%d\\n\", $i) }",
        "uprobe:./t:work { $i = 0; while ($i++ < arg0) { @[$i] = sum(arg1) } @late = $i }",
        "uprobe:./t:work { while (@n < 20) { @n++; if (@n % 4 == 0) { break } printf(\"%d\\n\", @n) } }",
        "uprobe:./t:work { for ($i : arg0..arg1) { if ($i % 7 == 0) { continue } if ($i > 60) { break } @[$i] = count() } }",
        "uprobe:./t:work { for ($i : -3..(int64)arg0 - 5) { for ($j : 0..$i) { @[$i, $j] = count(); if ($j > 2) { break } } if ($i == 4) { return } } @whole = count() }",
        "uprobe:./t:work { for ($i : 5..3) { @never = count() } for ($i : 0..3000) { if ($i > 1500) { break } @n = count(); @last = $i } }",
        "uprobe:./t:work { unroll(50) { unroll(50) { unroll(10) { @n = count() } } } }",
        "uprobe:./t:work { $p = arg3; while (*(uint8*)$p != 0 && $p < arg3 + 20) { @[*(uint8*)$p] = count(); $p++ } unroll(3) { $k = 0; while (1) { if (++$k > arg0) { break } @k += $k } } }",
        "uprobe:./t:work { while (arg0 > 2) { $s = str(arg2); printf(\"%s\\n\", $s); if ($s == \"hello\") { return } break } @ = count() }",
        "uprobe:./t:work { @c[1] = count(); @h[1] = hist(arg0); @s[1] = stats(arg0); delete(@c[1]); delete(@h, 1); delete(@s[1]); @c[1] = count(); @h[1] = hist(arg1); @s[1] = stats(arg1) }",
        "uprobe:./t:work { @ = sum(arg0 & 0); @n += arg0 - arg0; @up++; @up-- } uprobe:./t:work { @down += 2; @down -= 2 }",
        "uprobe:./t:work { printf(\"%s|%d\\n\", str(arg2, 0), strlen(str(arg2, 0))); @[str(arg2, 0)] = count() }",
        "uprobe:./t:work { @[str(arg2, 8)] = arg0 + 1; if (@[\"a longer\"] || has_key(@, \"yyyyyyyy\")) { @found = count() } } END { delete(@[\"a longer\"]) }",
        "uprobe:./t:work { @ = lhist(arg0 << 63, 0, 10, 5); @h = hist(arg0 << 63); @k[1] = hist(arg0 << 63, 2) }",
        "BEGIN { @[\"other\"] = 1 } uprobe:./t:work { @[func] = 2 } END { printf(\"%d\\n\", @[\"other\"]) }",
        "uprobe:./t:work { $i = 0; while ($i < 4) { $i++; $x = { if ($i == arg0) { continue } $i * 2 }; @[$x] = count() } }",
    ];

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Programs_print_what_actions_print(string text)
    {
        TypedScript script = LoweringKit.Check(text);
        string expected = LoweringKit.Interpret(script, Calls);
        Assert.Equal(expected, LoweringKit.RunLowered(script, Calls));
        Assert.NotEmpty(expected.Trim());
    }

    [Theory]
    [InlineData("uprobe:./t:work { @m[rand & 1]++; @hits++; if (@m[0] + @m[1] != @hits) { @wrong = count() } } END { clear(@m) }")]
    [InlineData("uprobe:./t:work { @m[rand & 1] += 2; @hits += 2; if (@m[0] + @m[1] != @hits) { @wrong = count() } } END { clear(@m) }")]
    [InlineData("uprobe:./t:work { $old = @m[rand & 1]++; @hits++; if (@m[0] + @m[1] != @hits) { @wrong = count() } } END { clear(@m) }")]
    [InlineData("uprobe:./t:work { @m[0] = 1; $is = delete(@m, rand & 1); @hits++; if ($is == has_key(@m, 0)) { @wrong = count() } } END { clear(@m) }")]
    [InlineData("uprobe:./t:work { @m[0] = avg(10); @m[1] = avg(10); @m[1] = avg(10); @hits++; if (@m[rand & 1] != 10) { @wrong = count() } } END { clear(@m) }")]
    [InlineData("uprobe:./t:work { @m[0] = min(10); @hits++; if (@m[rand & 1] > 10) { @wrong = count() } } END { clear(@m) }")]
    [InlineData("uprobe:./t:work { @m[0] = max((int64)10); @hits++; if (@m[rand & 1] < 0) { @wrong = count() } } END { clear(@m) }")]
    [InlineData("uprobe:./t:work { $i = arg0; $old = @m[$i++]++; @hits++; if ($i != arg0 + 1) { @wrong = count() } } END { clear(@m) }")]
    [InlineData("uprobe:./t:work { $i = arg0; @m[$i++] *= 2; @hits++; if ($i != arg0 + 1) { @wrong = count() } } END { clear(@m) }")]
    public void A_key_is_found_once(string text)
    {
        string printed = LoweringKit.RunLowered(LoweringKit.Check(text), Calls);
        Assert.Contains("@hits: ", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("@wrong", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void A_least_value_that_was_deleted_before_it_was_counted_is_none()
    {
        TypedScript script = LoweringKit.Check("uprobe:./t:work { if (@m[1] > 3) { @big = count() } if (has_key(@m, 1)) { @there = count() } if (arg0) { @m[1] = min(arg0) } }");
        LoweredScript? lowered = ScriptLowering.Lower(script, 0, out _);
        Assert.NotNull(lowered);
        ProgramGroup group = lowered.GroupFor([new LoweredPlace(new LoweredAction(script.Probes[0], IsReturn: false)) { Function = "work", Name = "uprobe:./t:work" }]) with { ThreadSlots = 1 };
        using ChannelRun run = new(group, 1);
        run.Hit(0, new FakeCall("work", 100, [1], 0, 1), isReturn: false);

        int extremes = IndexOf("@m");
        MapDefinition map = group.Maps[extremes];
        long entry = Enumerable.Range(0, map.Capacity).Select(i => KeyedTable.EntryOffset(run.Channel.Layout, extremes, i)).First(e => run.Channel.Read(e) != 0);
        Cell.Clear(run.Channel, entry + 8 + map.KeySize, map);
        run.Channel.Add(entry + 8 + map.KeySize + 8, 1);
        run.Hit(0, new FakeCall("work", 100, [0], 0, 2), isReturn: false);
        Assert.Empty(run.Snapshot(IndexOf("@big")).Rows);
        Assert.Empty(run.Snapshot(IndexOf("@there")).Rows);

        int IndexOf(string name) => group.Maps.ToList().FindIndex(m => m.Name == name);
    }

    [Theory]
    [InlineData("uprobe:./t:work { @ = hist(arg1, 5); @b[comm] = hist(arg0, 1); @c = hist(arg0); @d = lhist(arg0, 0, 10, 1) }")]
    [InlineData("uprobe:./t:work { for ($i : 0..arg0) { @[$i] = count() } }")]
    public void What_programs_can_keep_is_not_sent(string text)
    {
        LoweredScript? lowered = ScriptLowering.Lower(LoweringKit.Check(text), 0, out _);
        Assert.NotNull(lowered);
        Assert.Empty(lowered.ForReader);
        Assert.Empty(lowered.Events);
    }

    [Theory]
    [InlineData("uprobe:./t:work { @[1] = count(); for ($kv : @) { print($kv) } }", "a map is gone through")]
    [InlineData("BEGIN { @ = count() } uprobe:./t:work { @ = count(); if (@ > 3) { print(1) } }", "@ is read in the target, and BEGIN, END, intervals or signals put something in")]
    [InlineData("uprobe:./t:work { @ = count(); if (@ > 3) { print(1) } } interval:s:1 { zero(@) }", "@ is read in the target, and set to zero")]
    [InlineData("uprobe:./t:work { @[tid] = count(); if (@[tid] > 3) { clear(@) } }", "@ is read in the target, and cleared there")]
    [InlineData("uprobe:./t:work { @ = count(); if (@ > 3) { print(@); clear(@) } }", "@ is read in the target, and printed and cleared there")]
    [InlineData("uprobe:./t:work { if (@[tid] == \"x\") { @n++ } @[tid] = str(arg2) }", "@ holds string[1024] values")]
    [InlineData("uprobe:./t:work { if (arg0 && @n++) { @ = count() } }", "a value is changed only sometimes, within an expression")]
    [InlineData("uprobe:./t:work { printf(\"%d\", arg0 > 3 ? ++@n : 0) }", "a value is changed only sometimes, within an expression")]
    [InlineData("uprobe:./t:work { printf(\"%d\", arg0 > 3 && ++@n > 1) }", "a value is changed only sometimes, within an expression")]
    [InlineData("macro up(@m) { @m += 1; @m } uprobe:./t:work { printf(\"%d\", arg0 > 3 ? up(@n) : 0) }", "a block is run only sometimes, within an expression")]
    [InlineData("uprobe:./t:work { if (username == \"root\") { @ = count() } }", "names of users and of parents are known to uprobe, and programs in the target cannot read them")]
    [InlineData("uprobe:./t:work { if (strerror(arg0) == \"x\") { @ = count() } }", "the text of strerror() is made by uprobe, and programs in the target cannot read it")]
    [InlineData("uprobe:./t:work { @[1] = (1, 2); if (@[1] == (1, 2)) { @n = count() } }", "(uint8,uint8) is not a value that programs in the target can work with")]
    [InlineData("uprobe:./t:work { if (arg0 && find(@m, 1, $v)) { @ = count() } @m[1] = 2 }", "a value is changed only sometimes, within an expression")]
    [InlineData("uprobe:./t:work { if (tid(init) == 1) { @ = count() } }", "how the first namespace numbers a process is not known in it")]
    [InlineData("uprobe:./t:work { @d = str_concat(\"a\", \"b\") == \"ab\" }", "the text of str_concat() is made by uprobe, and programs in the target cannot read it")]
    public void What_programs_cannot_do_is_told(string text, string reason)
    {
        Assert.Null(ScriptLowering.Lower(LoweringKit.Check(text), 0, out LoweringRefusal? refusal));
        Assert.Equal(reason, refusal!.Reason);
    }

    [Fact]
    public void Stacks_are_sent_by_programs_of_entries_and_of_returns()
    {
        LoweredScript? lowered = ScriptLowering.Lower(LoweringKit.Check("uprobe:./t:work { @e[ustack] = count() } uretprobe:./t:work { @r[ustack(3)] = sum(retval) }"), 0, out LoweringRefusal? refusal);
        Assert.Null(refusal);
        string[] programs = [.. lowered!.Programs.Values.Select(p => ProgramPrinter.Print(p.Return ?? p.Entry))];
        Assert.Equal(2, programs.Length);
        Assert.All(programs, text => Assert.Contains("[stack]", text, StringComparison.Ordinal));
    }

    private static FakeCall[] Calls =>
    [
        .. Enumerable.Range(0, 60).Select(i => new FakeCall(i % 5 == 4 ? "rest" : "work", 100 + (i % 3), [(ulong)(i * 7 % 13), (ulong)(i * 31 % 101), FakeCall.MemoryStart + (ulong)(0x100 * (1 + (i % 6))), FakeCall.MemoryStart + (ulong)(i % 8 * 16)], (ulong)(i % 6), 5_000_000_000 + (i * 10_000))),
    ];
}
