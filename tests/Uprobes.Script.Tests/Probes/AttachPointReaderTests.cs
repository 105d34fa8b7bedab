using Uprobes.Script.Diagnostics;
using Uprobes.Script.Probes;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Tests.Probes;

public class AttachPointReaderTests
{
    private static AttachPoint? Read(string text, DiagnosticBag diagnostics, params string[] positional) =>
        new AttachPointReader(diagnostics, positional).Read(new AttachPointSyntax(null, text, new SourceSpan(0, text.Length)));

    private static AttachPoint Read(string text, params string[] positional)
    {
        DiagnosticBag diagnostics = [];
        AttachPoint? point = Read(text, diagnostics, positional);
        Assert.Empty(diagnostics);
        return point!;
    }

    [Theory]
    [InlineData("uprobe:/bin/sh:main", false, "/bin/sh", "main", false, 0UL, false)]
    [InlineData("UPROBE:/bin/sh:main", false, "/bin/sh", "main", false, 0UL, false)]
    [InlineData("u:libc:malloc", false, "libc", "malloc", false, 0UL, false)]
    [InlineData("ur:libssl.so.3:SSL_write", true, "libssl.so.3", "SSL_write", false, 0UL, false)]
    [InlineData("uretprobe:libc:malloc", true, "libc", "malloc", false, 0UL, false)]
    [InlineData("uprobe:/bin/x:f+16", false, "/bin/x", "f", false, 16UL, false)]
    [InlineData("uprobe:/bin/x:f+0x10", false, "/bin/x", "f", false, 16UL, false)]
    [InlineData("uprobe:/bin/x:mem*", false, "/bin/x", "mem*", true, 0UL, false)]
    [InlineData("uprobe:/bin/x:f[0-9]", false, "/bin/x", "f[0-9]", true, 0UL, false)]
    [InlineData("uprobe:/bin/x:\"mem*\"", false, "/bin/x", "mem*", false, 0UL, false)]
    [InlineData("uprobe:/bin/x:\"a+b\"", false, "/bin/x", "a+b", false, 0UL, false)]
    [InlineData("uprobe:/bin/x:\"f\"+4", false, "/bin/x", "f", false, 4UL, false)]
    [InlineData("uprobe:/bin/x:\"a:b\"", false, "/bin/x", "a:b", false, 0UL, false)]
    [InlineData("uprobe:\"/a:b/x\":f", false, "/a:b/x", "f", false, 0UL, false)]
    [InlineData("uprobe:/bin/x:cpp:\"Ns::f(int)\"", false, "/bin/x", "Ns::f(int)", false, 0UL, true)]
    [InlineData("uprobe:/bin/x:cpp:f", false, "/bin/x", "f", false, 0UL, true)]
    [InlineData("uprobe:/bin/x:main.myprint", false, "/bin/x", "main.myprint", false, 0UL, false)]
    [InlineData("uprobe:/bin/x:\"main.(*T).f\"", false, "/bin/x", "main.(*T).f", false, 0UL, false)]
    [InlineData("uprobe:*:malloc", false, "*", "malloc", false, 0UL, false)]
    [InlineData("uprobe:/a.apk!/lib/x.so:f", false, "/a.apk!/lib/x.so", "f", false, 0UL, false)]
    public void Probes_of_functions_are_read(string text, bool isReturn, string file, string name, bool isPattern, ulong offset, bool isDemangled)
    {
        UserProbe probe = Assert.IsType<UserProbe>(Read(text));
        Assert.Equal((isReturn, file), (probe.IsReturn, probe.File));
        Assert.Equal(new FunctionTarget(name, isPattern, offset, isDemangled), probe.Target);
    }

    [Fact]
    public void Probes_of_addresses_and_lines_are_read()
    {
        Assert.Equal(new AddressTarget(0x1234), Assert.IsType<UserProbe>(Read("uprobe:/bin/x:0x1234")).Target);
        Assert.Equal(new AddressTarget(100), Assert.IsType<UserProbe>(Read("uprobe:/bin/x:100")).Target);
        UserProbe line = Assert.IsType<UserProbe>(Read("uprobe:/bin/x@src/a.c:12:3"));
        Assert.Equal(("/bin/x", new LineTarget("src/a.c", 12, 3)), (line.File, line.Target));
        Assert.Equal(new LineTarget("a.c", 12, null), Assert.IsType<UserProbe>(Read("uprobe:/bin/x@a.c:12")).Target);
    }

    [Theory]
    [InlineData("usdt:/bin/x:prov:name", "/bin/x", "prov", "name")]
    [InlineData("usdt:/bin/x:name", "/bin/x", null, "name")]
    [InlineData("usdt:/bin/x::name", "/bin/x", null, "name")]
    [InlineData("usdt::prov:name", "*", "prov", "name")]
    [InlineData("U:*:name*", "*", null, "name*")]
    public void Static_probes_are_read(string text, string file, string? provider, string name)
    {
        StaticProbe probe = Assert.IsType<StaticProbe>(Read(text));
        Assert.Equal((file, provider, name), (probe.File, probe.Provider, probe.Name));
    }

    [Theory]
    [InlineData("interval:s:1", 10_000_000)]
    [InlineData("interval:1s", 10_000_000)]
    [InlineData("interval:1000000000", 10_000_000)]
    [InlineData("i:ms:10", 100_000)]
    [InlineData("i:10ms", 100_000)]
    [InlineData("i:us:5", 50)]
    [InlineData("i:hz:100", 100_000)]
    [InlineData("i:2m", 1_200_000_000)]
    [InlineData("i:1h", 36_000_000_000)]
    public void Intervals_are_read(string text, long ticks) => Assert.Equal(ticks, Assert.IsType<IntervalProbe>(Read(text)).Period.Ticks);

    [Fact]
    public void Other_occasions_are_read()
    {
        Assert.False(Assert.IsType<RunProbe>(Read("BEGIN")).IsEnd);
        Assert.True(Assert.IsType<RunProbe>(Read("End")).IsEnd);
        Assert.Equal("SIGUSR1", Assert.IsType<SignalProbe>(Read("self:signal:SIGUSR1")).Signal);
        Assert.Equal((true, "a"), Assert.IsType<ExerciseProbe>(Read("bench:a")) is var bench ? (bench.IsBenchmark, bench.Name) : default);
        Assert.False(Assert.IsType<ExerciseProbe>(Read("test:a")).IsBenchmark);
    }

    [Fact]
    public void Positional_parameters_are_put_in()
    {
        UserProbe probe = Assert.IsType<UserProbe>(Read("uprobe:$1:$2+4", "/bin/x", "f"));
        Assert.Equal(("/bin/x", new FunctionTarget("f", false, 4, false)), (probe.File, probe.Target));
        Assert.Equal("uprobe:/bin/x:f+4", probe.Text);
    }

    [Theory]
    [InlineData("kprobe:vfs_read", "`kprobe` probes are the kernel's: this tool probes programs and libraries, not the kernel")]
    [InlineData("k:vfs_read", "`kprobe` probes are the kernel's: this tool probes programs and libraries, not the kernel")]
    [InlineData("tracepoint:syscalls:sys_enter_open", "`tracepoint` probes are the kernel's: this tool probes programs and libraries, not the kernel")]
    [InlineData("profile:hz:99", "`profile` probes are the kernel's: a sampling profile needs the kernel's perf events")]
    [InlineData("hardware:cache-misses:1000", "`hardware` probes are the kernel's: this tool probes programs and libraries, not the kernel")]
    [InlineData("watchpoint:0x1000:8:w", "`watchpoint` probes are the kernel's: this tool probes programs and libraries, not the kernel")]
    [InlineData("uprob:/bin/x:f", "`uprob` is no kind of probe")]
    [InlineData("u*:/bin/x:f", "the kind of a probe cannot be a pattern: `u*`")]
    [InlineData("I:s:1", "`I` is no kind of probe")]
    [InlineData("uprobe", "expected `uprobe:FILE:FUNCTION`, found `uprobe`")]
    [InlineData("uprobe:/bin/x", "expected `uprobe:FILE:FUNCTION`, found `uprobe:/bin/x`")]
    [InlineData("uprobe::f", "expected `uprobe:FILE:FUNCTION`, found `uprobe::f`")]
    [InlineData("uprobe:/bin/x:", "expected `uprobe:FILE:FUNCTION`, found `uprobe:/bin/x:`")]
    [InlineData("uprobe:/bin/x:Ns::f", "expected `uprobe:FILE:FUNCTION`, found `uprobe:/bin/x:Ns::f`")]
    [InlineData("uprobe:/bin/x:f+", "`` is no offset: it is a number of bytes")]
    [InlineData("uprobe:/bin/x:f+abc", "`abc` is no offset: it is a number of bytes")]
    [InlineData("uprobe:/bin/x:f+1z", "`1z` is no offset: it is a number of bytes")]
    [InlineData("uprobe:/bin/x:f*+4", "a pattern of functions has no offset")]
    [InlineData("uretprobe:/bin/x:f+4", "a uretprobe is on a whole function and has no offset")]
    [InlineData("uretprobe:/bin/x:0x10", "a uretprobe is on a function, not on an address")]
    [InlineData("uprobe:/bin/x@a.c", "expected `uprobe:FILE@SOURCE:LINE`, found `uprobe:/bin/x@a.c`")]
    [InlineData("uprobe:/bin/x@a.c:0", "expected `uprobe:FILE@SOURCE:LINE`, found `uprobe:/bin/x@a.c:0`")]
    [InlineData("usdt:/bin/x", "expected `usdt:FILE:PROVIDER:NAME`, found `usdt:/bin/x`")]
    [InlineData("BEGIN:x", "`BEGIN` has no place: nothing may follow it")]
    [InlineData("interval", "expected `interval:UNIT:COUNT`, found `interval`")]
    [InlineData("interval:x:1", "`x` is no unit of time")]
    [InlineData("interval:s:0", "`0` is no interval: it is a number greater than 0")]
    [InlineData("interval:s:x", "`x` is no interval: it is a number greater than 0")]
    [InlineData("interval:ns:5", "an interval is a microsecond or longer")]
    [InlineData("interval:s:18446744073709551615", "the interval is too long")]
    [InlineData("self:signal:SIGKILL", "`SIGKILL` cannot be waited for")]
    [InlineData("self:x", "expected `self:signal:SIGUSR1`, found `self:x`")]
    [InlineData("bench", "expected `bench:NAME`")]
    public void A_wrong_place_is_told(string text, string message)
    {
        DiagnosticBag diagnostics = [];
        Assert.Null(Read(text, diagnostics));
        Assert.Equal(message, Assert.Single(diagnostics).Message);
    }
}
