using Uprobes.Script.Output;

namespace Uprobes.Script.Tests.Running;

/// <summary>What statements do. The scripts are whole; line ends of their output are written \n.</summary>
public sealed class StatementTests
{
    [Theory]
    [InlineData("$i = 0; while ($i < 3) { printf(\"%d \", $i); $i++; }", "0 1 2 ")]
    [InlineData("$i = 0; while (1) { $i++; if ($i == 5) { break; } } print($i);", "5\n")]
    [InlineData("for ($i : 0..5) { if ($i % 2 == 1) { continue; } printf(\"%d \", $i); }", "0 2 4 ")]
    [InlineData("for ($i : 3..3) { print($i); }", "")]
    [InlineData("for ($i : 0..3) { for ($j : 0..3) { if ($j > $i) { break; } printf(\"%d%d \", $i, $j); } }", "00 10 11 20 21 22 ")]
    [InlineData("unroll(4) { printf(\"x\"); }", "xxxx")]
    [InlineData("if (1) { print(1); } else { print(2); }", "1\n")]
    [InlineData("if (0) { print(1); } else if (1) { print(2); } else { print(3); }", "2\n")]
    [InlineData("$a = 5; $a += 3; $a *= 2; $a -= 1; $a /= 3; $a <<= 2; $a |= 1; print($a);", "21\n")]
    [InlineData("$a = 1; print($a++); print(++$a); print($a--); print(--$a);", "1\n3\n3\n1\n")]
    [InlineData("let $a; print($a); $a = 3; print($a);", "0\n3\n")]
    [InlineData("let $a: uint8 = 255; print($a);", "255\n")]
    [InlineData("$a = \"abc\"; $a = \"abcdef\"; print($a); $a = \"x\"; print($a);", "abcdef\nx\n")]
    [InlineData("$t = (1, \"a\"); $t = (2, \"bc\"); print($t);", "(2, bc)\n")]
    [InlineData("print(1); return; print(2);", "1\n")]
    [InlineData("static_assert(sizeof(int64) == 8, \"never told\"); print(1);", "1\n")]
    [InlineData("if (1) { $y = 5; } print($y); if (0) { $z = 6; } print($z);", "5\n0\n")]
    [InlineData("if (1) { $y = \"abc\"; $n = 1; } else { $n = 2; } print(($y, $n));", "(abc, 1)\n")]
    [InlineData("for ($i : 0..3) { $last = $i; } print($last);", "2\n")]
    [InlineData("print(1); exit(); print(2);", "1\n")]
    [InlineData("$x = 3; $x > 2 ? print(1) : print(2);", "1\n")]
    [InlineData("printf(\"%s %d %x %c|%5d|%-5d|\\n\", \"s\", -3, 255, 65, 7, 8);", "s -3 ff A|    7|8    |\n")]
    [InlineData("printf(\"%p %lld %llu\\n\", 4096, -1, 5);", "0x1000 -1 5\n")]
    [InlineData("printf(\"%s %s\\n\", (1, 2), true);", "(1, 2) true\n")]
    [InlineData("printf(\"100%%\\n\");", "100%\n")]
    public void Statements_of_BEGIN_write(string body, string expected) =>
        Assert.Equal(expected + "\n\n", ScriptHarness.Run($"BEGIN {{ {body} }}").Output);

    [Theory]
    [InlineData("@ = 5;", "@: 5\n")]
    [InlineData("@x = \"abc\";", "@x: abc\n")]
    [InlineData("@x++; @x++; ++@x; @x--;", "@x: 2\n")]
    [InlineData("@x = 1; @x += 5; @x *= 2;", "@x: 12\n")]
    [InlineData("@a[1] = 10; @a[2] = 5;", "@a[2]: 5\n@a[1]: 10\n")]
    [InlineData("@a[1, \"x\"] = 1;", "@a[1, x]: 1\n")]
    [InlineData("@a[(1, \"x\")] = 1;", "@a[1, x]: 1\n")]
    [InlineData("@a[\"k\"] = \"v\";", "@a[k]: v\n")]
    [InlineData("@a[1] = (1, 2);", "@a[1]: (1, 2)\n")]
    [InlineData("@a[1] = 1; delete(@a[1]);", "")]
    [InlineData("@a[1] = 1; @a[2] = 2; delete(@a, 1);", "@a[2]: 2\n")]
    [InlineData("@a[1] = 1; clear(@a);", "")]
    [InlineData("@a[1] = 5; zero(@a);", "@a[1]: 0\n")]
    [InlineData("@c = count(); @c = count();", "@c: 2\n")]
    [InlineData("@c[1] = count(); @c[2] = count(); @c[1] = count();", "@c[2]: 1\n@c[1]: 2\n")]
    [InlineData("@s = sum(5); @s = sum(6);", "@s: 11\n")]
    [InlineData("@s = sum(-5); @s = sum(2);", "@s: -3\n")]
    [InlineData("@m = min(5); @m = min(3); @m = min(9);", "@m: 3\n")]
    [InlineData("@m = max(5); @m = max(3); @m = max(9);", "@m: 9\n")]
    [InlineData("@m = min(-5); @m = min(3);", "@m: -5\n")]
    [InlineData("@m = max(-5); @m = max(-7);", "@m: -5\n")]
    [InlineData("@a = avg(1); @a = avg(2); @a = avg(6);", "@a: 3\n")]
    [InlineData("@s = stats(1); @s = stats(5);", "@s: { .count = 2, .average = 3, .total = 6 }\n")]
    [InlineData("@h = hist(5); @h = hist(5);", "@h:\n[4, 8)                 2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n")]
    [InlineData("@h = hist(0); @h = hist(-1);", "@h:\n(..., 0)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[0]                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n")]
    [InlineData("@l = lhist(15, 0, 100, 10);", "@l:\n[10, 20)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n")]
    [InlineData("@c = count(); @c = count(); @n = (int64)@c + 1;", "@c: 2\n@n: 3\n")]
    [InlineData("@a = avg(4); @a = avg(8); @n = (uint64)@a;", "@a: 6\n@n: 6\n")]
    [InlineData("@a[1] = 1; @a[1] += @a[1] + 1;", "@a[1]: 3\n")]
    public void Maps_are_printed_at_the_end(string body, string expected) =>
        Assert.Equal("\n\n" + expected, ScriptHarness.Run($"BEGIN {{ {body} }}").Output);

    [Theory]
    [InlineData("@a[1] = 1; print(has_key(@a, 1)); print(has_key(@a, 2)); clear(@a);", "true\nfalse\n")]
    [InlineData("@a[1] = 1; @a[2] = 1; print(len(@a)); clear(@a); print(len(@a));", "2\n0\n")]
    [InlineData("@a[1] = 1; if (delete(@a, 1)) { print(1); } if (!delete(@a, 1)) { print(2); }", "1\n2\n")]
    [InlineData("@x = 5; print(@x); clear(@x); print(@x);", "@x: 5\n@x: 0\n")]
    [InlineData("@a[3] = 1; @a[1] = 2; @a[2] = 3; print(@a, 2); clear(@a);", "@a[1]: 2\n@a[2]: 3\n")]
    [InlineData("@a[1] = 100; print(@a, 0, 10); clear(@a);", "@a[1]: 10\n")]
    [InlineData("@a[1] = 7; print(@a[1]); print(@a[2]); clear(@a);", "7\n0\n")]
    [InlineData("@a[1] = 2; @a[2] = 3; for ($kv : @a) { printf(\"%d=%d \", $kv.0, $kv.1); } clear(@a);", "1=2 2=3 ")]
    [InlineData("@a[1, \"x\"] = 2; for ($kv : @a) { printf(\"%d %s %d\", $kv.0.0, $kv.0.1, $kv.1); } clear(@a);", "1 x 2")]
    [InlineData("@a[1] = 1; @a[2] = 2; for ($kv : @a) { delete(@a, $kv.0); } print(len(@a));", "0\n")]
    public void Maps_are_read(string body, string expected) =>
        Assert.Equal(expected + "\n\n", ScriptHarness.Run($"BEGIN {{ {body} }}").Output);

    [Theory]
    [InlineData("uprobe:/bin/x:f { @[comm, pid] = count(); }", "\n\n@[worker, 100]: 3\n")]
    [InlineData("uprobe:/bin/x:f { @[ustack] = count(); }", "\n\n@[\n        f+4\n        main+20\n]: 3\n")]
    [InlineData("uprobe:/bin/x:f { print(ustack(raw, 1)); exit(); }", "\n400abc\n\n\n\n")]
    [InlineData("uprobe:/bin/x:f { print(len(ustack)); exit(); }", "2\n\n\n")]
    [InlineData("uprobe:/bin/x:f /arg5 == 5/ { @ = count(); }", "\n\n@: 3\n")]
    [InlineData("uprobe:/bin/x:f /arg5 != 5/ { @ = count(); }", "\n\n")]
    [InlineData("BEGIN { @n = 10; } uprobe:/bin/x:f { @n += 1; } END { printf(\"%d\\n\", @n); clear(@n); }", "13\n\n\n")]
    [InlineData("uprobe:/bin/x:f { @n++; if (@n == 2) { exit(4); } }", "\n\n@n: 2\n")]
    [InlineData("uprobe:/bin/x:f { @start[tid] = nsecs; } uretprobe:/bin/x:f /@start[tid]/ { @ns = count(); delete(@start, tid); }", "\n\n@ns: 3\n")]
    [InlineData("uprobe:/bin/x:f { join(arg2); }", "hello llo\nhello llo\nhello llo\n\n\n")]
    [InlineData("uprobe:/bin/x:f { join(arg2, \"-\"); exit(); }", "hello-llo\n\n\n")]
    public void Actions_run_at_every_hit(string script, string expected) => Assert.Equal(expected, ScriptHarness.Run(script, hits: 3).Output);

    [Theory]
    [InlineData("signal(9)", "signal 9 process")]
    [InlineData("signal(\"SIGTERM\")", "signal 15 process")]
    [InlineData("signal_thread(10)", "signal 10 thread")]
    [InlineData("override(5)", "ax=5 sp=7ff8 ip=401000")]
    [InlineData("write_user(arg3, \"ab\", 2)", "write 4000 6162")]
    [InlineData("write_user(arg3, arg0, 3)", "write 4000 68656C")]
    public void Unsafe_actions_act_on_the_thread(string call, string effect) =>
        Assert.Equal(effect, string.Join(' ', ScriptHarness.Run($"uprobe:/bin/x:f {{ {call}; }}").Hit.Effects));

    [Fact]
    public void A_loop_without_end_is_ended_and_told()
    {
        ScriptHarness run = ScriptHarness.Run("BEGIN { while (1) { $a = 1; } } END { print(1); }");
        Assert.Equal("1\n\n\n", run.Output);
        Assert.Contains("ERROR: the action was ended after 50,000,000 steps", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_map_keeps_what_it_has()
    {
        ScriptHarness run = ScriptHarness.Run("config = { max_map_keys = 2 } BEGIN { @a[1] = 1; @a[2] = 2; @a[3] = 3; @a[1] = 5; }");
        Assert.Equal("\n\n@a[2]: 2\n@a[1]: 5\n", run.Output);
        Assert.Equal(["map_update_elem 7 @a[3] = 3"], run.Failures);
    }

    [Fact]
    public void The_oldest_entry_makes_room_where_the_script_says_so() =>
        Assert.Equal("\n\n@a[1]: 5\n@a[3]: 7\n", ScriptHarness.Run("let @a = lruhash(2); BEGIN { @a[1] = 5; @a[2] = 6; $x = @a[1]; @a[3] = 7; }").Output);

    [Fact]
    public void A_failed_assertion_ends_the_run()
    {
        ScriptHarness run = ScriptHarness.Run("BEGIN { assert(1 == 2, \"broken\"); print(1); }");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("stdin:1:9-33: ERROR: broken\n", run.Errors);
    }

    [Fact]
    public void A_text_that_was_cut_says_so() =>
        Assert.Equal("hel..\nhe\n\n\n", ScriptHarness.Run("config = { max_strlen = 4 } uprobe:/bin/x:f { print(str(arg0)); print(str(arg0, 2)); }").Output);

    [Fact]
    public void Exit_hands_its_code_on() => Assert.Equal(3, ScriptHarness.Run("BEGIN { exit(3); }").ExitCode);

    [Fact]
    public void The_same_script_writes_JSON() =>
        Assert.Equal(
            """
            {"type": "printf", "data": "x 1\n"}
            {"type": "value", "data": [1,"a"]}
            {"type": "map", "data": {"@c": 1}}
            {"type": "map", "data": {"@k": {"1,x": 2}}}

            """,
            ScriptHarness.Run("BEGIN { printf(\"x %d\\n\", 1); print((1, \"a\")); @c = count(); @k[1, \"x\"] = 2; }", ScriptFormat.Json).Output);

    [Fact]
    public void Values_that_one_expression_reads_and_writes_are_updated_once()
    {
        // The key is evaluated once: its increment happens once.
        Assert.Equal("\n\n@a[0]: 1\n@i: 1\n", ScriptHarness.Run("BEGIN { @a[@i++] += 1; }").Output);
    }
}
