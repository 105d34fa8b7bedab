namespace Uprobes.Script.Tests.Running;

/// <summary>What expressions are worth, as print() shows it.</summary>
public sealed class ExpressionTests
{
    /// <summary>An expression of BEGIN a line, and what it prints.</summary>
    private const string Anywhere = """
        1 + 2 => 3
        7 - 10 => -3
        6 * 7 => 42
        7 / 2 => 3
        -7 / 2 => -3
        7 % 3 => 1
        -7 % 3 => -1
        1 << 10 => 1024
        1024 >> 3 => 128
        12 & 10 => 8
        12 | 3 => 15
        12 ^ 10 => 6
        ~0 => -1
        -5 => -5
        - -5 => 5
        2 + 3 * 4 => 14
        (2 + 3) * 4 => 20
        1 << 2 + 1 => 8
        10 - 4 - 3 => 3
        100 / 10 / 5 => 2
        0x10 => 16
        010 => 8
        1e3 => 1000
        1_000_000 => 1000000
        (uint8)300 => 44
        (int8)200 => -56
        (uint16)65537 => 1
        (int16)40000 => -25536
        (uint32)4294967297 => 1
        (int32)4294967295 => -1
        (int64)-1 => -1
        (uint8)-1 => 255
        1 ? 10 : 20 => 10
        0 ? 10 : 20 => 20
        5 > 3 ? 1 : 2 => 1
        (1 == 2) + 0 => 0
        (1 < 2) + 0 => 1
        "abc" => abc
        (1, 2) => (1, 2)
        (1, "a", (2, 3)) => (1, a, (2, 3))
        (1, "abc").1 => abc
        (1, (2, 3)).1.0 => 2
        sizeof(uint8) => 1
        sizeof(int32) => 4
        sizeof(uint64) => 8
        bswap((uint16)0x1234) => 13330
        bswap((uint32)0x12345678) => 2018915346
        bswap((uint64)1) => 72057594037927936
        bswap((uint8)5) => 5
        strncmp("abc", "abd", 2) => 0
        ntop(0x0100007f) => 127.0.0.1
        $1 => 7
        str($2) => seven

        18446744073709551615 => 18446744073709551615
        true => true
        false => false
        !0 => true
        !5 => false
        1 == 1 => true
        1 != 1 => false
        3 >= 3 => true
        3 <= 2 => false
        -1 < 1 => true
        1 && 2 => true
        1 && 0 => false
        0 || 0 => false
        0 || 7 => true
        (bool)7 => true
        "abc" == "abc" => true
        "abc" == "abd" => false
        "abc" != "abcd" => true
        (1, 2) == (1, 2) => true
        (1, 2) != (1, 3) => true
        (1, "x") == (1, "y") => false
        (a=1, b="x") => { .a = 1, .b = x }
        (a=1, b=2).b => 2
        strlen("hello") => 5
        strlen("") => 0
        strncmp("abc", "abd", 3) => 1
        strncmp("abc", "abcdef", 10) => 1
        strncmp("abc", "abc", 10) => 0
        strcontains("hello", "ell") => true
        strcontains("hello", "") => true
        strcontains("hello", "x") => false
        strstr("hello", "lo") => 3
        strstr("hello", "x") => -1
        str_concat("ab", "cd") => abcd
        signal_name(9) => SIGKILL
        signal_name(15) => SIGTERM
        strerror(2) => No such file or directory
        syscall_name(0) => read
        syscall_name(257) => openat
        syscall_name(435) => clone3
        { let $a = 5; $a + 1 } => 6
        sizeof((1, 2)) => 2
        9223372036854775807 + 1 => 9223372036854775808
        0xffffffffffffffff => 18446744073709551615
        5ms => 5000000
        2s => 2000000000
        'a' => 97
        """;

    /// <summary>An expression of a probe a line, and what it prints for <see cref="FakeHit"/>.</summary>
    private const string AtHits = """
        arg0 => 4096
        arg5 => 5
        arg4 => 18446744073709551600
        (int64)arg4 => -16
        (int32)arg4 => -16
        (uint8)arg4 => 240
        arg6 => 70
        arg8 => 90
        sarg0 => 70
        sarg2 => 90
        pid => 100
        tid => 101
        comm => worker
        cpu => 3
        func => f
        elapsed => 1000000000
        nsecs(monotonic) => 5000000000
        probetype => uprobe
        str(arg0) => hello
        str(arg0, 3) => hel
        str(arg0 + 1) => ello
        str(0) => 
        strlen(str(arg0)) => 5
        str(arg0) == "hello" => true
        str(arg0) != "hello" => false
        strncmp(str(arg0), "help", 3) => 0
        strcontains(str(arg0), "lo") => true
        buf(arg0, 3) => hel
        buf(arg1, 6) => \x01\x00\x00\x00\xfe\xff
        *(uint8 *)arg0 => 104
        *(int16 *)(arg1 + 4) => -2
        *(uint16 *)(arg1 + 4) => 65534
        *(int32 *)arg1 => 1
        *(uint64 *)arg2 => 4096
        ((uint8 *)arg0)[1] => 101
        ((int16 *)arg1)[2] => -2
        str(*(uint64 *)arg2) => hello
        str(((uint64 *)arg2)[1]) => llo
        reg("ip") => 4197052
        reg("sp") => 32752
        reg("di") => 4096
        usym(reg("ip")) => main
        usym(1) => 0x1
        uaddr("counter") == 0x4000 => true
        *(uint32 *)uaddr("counter") => 67305985
        macaddr(arg3) => 01:02:03:04:05:06
        arg0 + 1 => 4097
        arg0 == 4096 => true
        (arg0, arg5) => (4096, 5)
        (uint8 *)arg0 => 0x1000
        ((struct foo *)arg1)->a => 1
        ((struct foo *)arg1).a => 1
        ((struct foo *)arg1)->b => -2
        ((struct foo *)arg1)->name => ab
        str(((struct foo *)arg1)->next) => hello
        *(struct foo *)arg1 => { .a = 1, .b = -2, .name = ab, .next = 0x1000 }
        sizeof(struct foo) => 24
        offsetof(struct foo, next) => 16
        sizeof(((struct foo *)arg1)->name) => 6
        """;

    public static TheoryData<string, string> AnywhereRows => Rows(Anywhere);

    public static TheoryData<string, string> HitRows => Rows(AtHits);

    [Theory]
    [MemberData(nameof(AnywhereRows))]
    public void An_expression_prints_its_value(string expression, string expected) =>
        Assert.Equal($"{expected}\n\n\n", ScriptHarness.Run($"BEGIN {{ print({expression}); }}").Output);

    [Theory]
    [MemberData(nameof(HitRows))]
    public void An_expression_of_a_hit_prints_its_value(string expression, string expected) =>
        Assert.Equal($"{expected}\n\n\n", ScriptHarness.Run($"struct foo {{ int a; short b; char name[6]; char *next; }} uprobe:/bin/x:f {{ print({expression}); }}").Output);

    [Fact]
    public void What_a_function_returned_is_signed_only_by_a_cast() =>
        Assert.Equal("18446744073709551609 -7\n\n\n", ScriptHarness.Run("uretprobe:/bin/x:f { printf(\"%lu %d\\n\", retval, (int32)retval); }").Output);

    [Fact]
    public void Memory_that_is_not_there_is_zero_and_told()
    {
        ScriptHarness run = ScriptHarness.Run("uprobe:/bin/x:f { print(*(uint64 *)0x99); print(str(0x99)); }");
        Assert.Equal("0\n\n\n\n", run.Output);
        Assert.Equal(2, run.Failures.Count);
        Assert.StartsWith("probe_read_user 14", run.Failures[0], StringComparison.Ordinal);
    }

    private static TheoryData<string, string> Rows(string table)
    {
        TheoryData<string, string> rows = [];
        foreach (string line in table.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int arrow = line.IndexOf(" =>", StringComparison.Ordinal);
            rows.Add(line[..arrow], line[(arrow + 3)..].TrimStart());
        }

        return rows;
    }
}
