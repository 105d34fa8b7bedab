using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Tests;

public sealed class SpecParserTests
{
    [Theory]
    [InlineData("libc:malloc", "libc", "malloc")]
    [InlineData("libsqlite3:sqlite3_*", "libsqlite3", "sqlite3_*")]
    [InlineData("libfoo:ns::f*", "libfoo", "ns::f*")]
    [InlineData("libfoo:ns::inner::f(std::string)", "libfoo", "ns::inner::f(std::string)")]
    [InlineData("libfoo:::f", "libfoo", "::f")]
    [InlineData("/tmp/a:b:f", "/tmp/a:b", "f")]
    [InlineData("/tmp/a:b:ns::f", "/tmp/a:b", "ns::f")]
    [InlineData("app:operator+", "app", "operator+")]
    [InlineData("app:ns::operator+(A, B)", "app", "ns::operator+(A, B)")]
    [InlineData("libc:memcpy@GLIBC_2.14", "libc", "memcpy@GLIBC_2.14")]
    public void A_function_is_what_follows_the_last_colon_that_is_no_part_of_a_pair(string text, string image, string pattern) =>
        Assert.Equal(new FunctionSpec(text, image, pattern), SpecParser.Parse(text));

    [Theory]
    [InlineData("usdt:libc:setjmp", "libc", null, "setjmp")]
    [InlineData("usdt:libc:libc:set*", "libc", "libc", "set*")]
    [InlineData("usdt:/tmp/a:b/c:d", "/tmp/a:b/c", null, "d")]
    [InlineData("usdt:/tmp/a::d", "/tmp/a", null, "d")]
    public void Behind_usdt_is_a_static_probe(string text, string image, string? provider, string name) =>
        Assert.Equal(new StaticSpec(text, image, provider, name), SpecParser.Parse(text));

    [Theory]
    [InlineData("usdt::name")]
    [InlineData("usdt:libc:")]
    public void A_static_probe_has_a_file_and_a_name(string text) => Assert.Throws<ToolException>(() => SpecParser.Parse(text));

    [Theory]
    [InlineData("libc:0x1a2b", "libc", 0x1a2bul)]
    [InlineData("/usr/bin/app:0XFF", "/usr/bin/app", 0xfful)]
    public void A_hexadecimal_number_is_a_file_offset(string text, string image, ulong offset) =>
        Assert.Equal(new FileOffsetSpec(text, image, offset), SpecParser.Parse(text));

    [Theory]
    [InlineData("libc:malloc+0x4", "malloc", 4ul)]
    [InlineData("libc:malloc+16", "malloc", 16ul)]
    [InlineData("libc:ns::operator++0x10", "ns::operator+", 16ul)]
    public void A_number_after_a_plus_is_inside_the_function(string text, string function, ulong bytes) =>
        Assert.Equal(new FunctionOffsetSpec(text, "libc", function, bytes), SpecParser.Parse(text));

    [Theory]
    [InlineData("./app@list.c:120", "./app", "list.c", 120)]
    [InlineData("/opt/a@b/app@src/list.c:7", "/opt/a@b/app", "src/list.c", 7)]
    public void A_number_after_an_image_with_a_file_of_source_is_a_line(string text, string image, string file, int line) =>
        Assert.Equal(new SourceLineSpec(text, image, file, line), SpecParser.Parse(text));

    [Theory]
    [InlineData("malloc")]
    [InlineData("ns::f")]
    [InlineData(":malloc")]
    [InlineData("libc:")]
    [InlineData("")]
    public void What_lacks_image_or_function_is_a_usage_error_with_the_forms(string text)
    {
        var error = Assert.Throws<ToolException>(() => SpecParser.Parse(text));
        Assert.Equal(ExitCode.Usage, error.ExitCode);
        Assert.Contains("IMAGE:FUNCTION", error.Hint, StringComparison.Ordinal);
    }
}
