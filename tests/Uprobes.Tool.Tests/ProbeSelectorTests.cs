using Uprobes.Images;
using Uprobes.Images.StaticProbes;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

public sealed class ProbeSelectorTests
{
    private static readonly FakeImage Library = new(
        "/lib/libx.so",
        new FunctionInfo("malloc", 0x100, 16),
        new FunctionInfo("__libc_malloc", 0x100, 16),
        new FunctionInfo("memalign@GLIBC_2.2", 0x200, 16, IsPreferred: false),
        new FunctionInfo("a_memalign_of_today", 0x200, 16),
        new FunctionInfo("strlen", 0x300, 16, IsIndirect: true),
        new FunctionInfo("strlen_ifunc", 0x300, 16),
        new FunctionInfo("__strlen_avx2", 0x400, 16),
        new FunctionInfo("local", 0x500, 16),
        new FunctionInfo("local", 0x600, 16),
        new FunctionInfo("f(char*)", 0x700, 16));

    [Fact]
    public void A_named_function_is_shown_under_its_name() =>
        Assert.Equal(("__libc_malloc", 0x100ul, true), Single("libx:__libc_malloc"));

    [Fact]
    public void Aliases_become_one_probe_under_the_shortest_name() => Assert.Equal(("malloc", 0x100ul, false), Single("libx:*malloc"));

    [Fact]
    public void Among_aliases_the_name_of_today_is_preferred() => Assert.Equal(("a_memalign_of_today", 0x200ul, false), Single("libx:*memalign*"));

    [Fact]
    public void Functions_of_one_name_are_all_probed() => Assert.Equal([0x500ul, 0x600ul], Select("libx:local").Probes.Select(p => p.Offset));

    [Fact]
    public void A_name_that_holds_pattern_characters_is_found_as_a_name() => Assert.Equal(("f(char*)", 0x700ul, true), Single("libx:f(char*)"));

    [Fact]
    public void An_instruction_inside_a_function_keeps_its_distance_in_the_name() => Assert.Equal(("malloc+0x4", 0x104ul, true), Single("libx:malloc+0x4"));

    [Fact]
    public void A_line_of_source_is_shown_by_its_file_and_number() => Assert.Equal(("file.c:4", 400ul, true), Single("libx@file.c:4"));

    [Fact]
    public void Copies_of_a_line_are_told_apart_by_their_functions() =>
        Assert.Equal([("file.c:7 (0x2bc)", 700ul), ("file.c:7 (0x2d0)", 720ul)], Select("libx@file.c:7").Probes.Select(p => (p.Function, p.Offset)));

    [Fact]
    public void That_another_line_was_taken_is_told()
    {
        var selection = Select("libx@file.c:5");
        Assert.Equal("file.c:6", Assert.Single(selection.Probes).Function);
        Assert.Contains("line 6 is taken", Assert.Single(selection.Notices), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("libx@fiel.c:1", "comes from a file called", "file.c")]
    [InlineData("libx@file.c:11", "the last line with code is 10", null)]
    public void A_line_that_is_not_there_is_refused(string spec, string problem, string? hint)
    {
        var error = Assert.Throws<ToolException>(() => Select(spec));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Contains(hint ?? "", error.Hint ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("libx:0x100", "malloc")]
    [InlineData("libx:0x104", "malloc+0x4")]
    [InlineData("libx:0x900", "0x900")]
    public void A_file_offset_is_shown_by_the_function_that_holds_it(string spec, string name) => Assert.Equal(name, Single(spec).Name);

    [Fact]
    public void What_two_specifications_name_is_probed_once_and_counts_as_named() =>
        Assert.Equal([("malloc", true)], Select("libx:mall*", "libx:malloc", "libx:0x100").Probes.Select(p => (p.Function, p.IsNamed)));

    [Fact]
    public void All_places_of_a_static_probe_are_taken()
    {
        StaticProbeNote Note(string name, ulong offset) => new("app", name, new LinkAddress(offset), new FileOffset(offset), null, []);
        FakeImage image = new("/lib/libx.so") { StaticProbes = [Note("done", 0x30), Note("start", 0x20), Note("start", 0x10)] };
        ProbeSelection Select(string spec) => ProbeSelector.Select([SpecParser.Parse(spec)], _ => [image]);
        Assert.Equal([("app:start", 0x10ul, true), ("app:start", 0x20ul, true)], Select("usdt:libx:start").Probes.Select(p => (p.Function, p.Offset, p.IsNamed)));
        Assert.Equal([0x10ul, 0x20ul, 0x30ul], Select("usdt:libx:app:*").Probes.Select(p => p.Offset));
        ToolException missing = Assert.Throws<ToolException>(() => Select("usdt:libx:stat"));
        Assert.Contains("start", missing.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void An_indirect_function_is_refused_with_its_implementations()
    {
        var refused = Assert.Single(Select("libx:strlen").Refused);
        Assert.True(refused.Probe.IsNamed);
        Assert.Contains("resolver", refused.Detail, StringComparison.Ordinal);
        Assert.Contains("__strlen_avx2", refused.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void An_old_version_does_not_stand_for_an_indirect_function()
    {
        var image = new FakeImage(
            "/lib/libx.so", new FunctionInfo("memcpy", 0x100, 16, IsIndirect: true), new FunctionInfo("memcpy", 0x200, 16, IsPreferred: false));
        var selection = ProbeSelector.Select([SpecParser.Parse("libx:memcpy")], _ => [image]);
        Assert.Empty(selection.Probes);
        Assert.Equal(0x100ul, Assert.Single(selection.Refused).Probe.Offset);
    }

    [Fact]
    public void A_pattern_takes_functions_and_refuses_indirect_ones()
    {
        var selection = Select("libx:*strlen*");
        Assert.Equal("__strlen_avx2", Assert.Single(selection.Probes).Function);
        Assert.False(Assert.Single(selection.Refused).Probe.IsNamed);
    }

    [Fact]
    public void An_unknown_function_is_answered_with_near_names() =>
        Assert.Equal("did you mean malloc?", Assert.Throws<ToolException>(() => Select("libx:maloc")).Hint);

    [Theory]
    [InlineData("libx:exec_simple_query")]
    [InlineData("libx:*simple_query")]
    public void An_unknown_function_of_a_stripped_file_is_answered_with_what_brings_names(string spec)
    {
        var stripped = new FakeImage("/lib/libx.so", new FunctionInfo("malloc", 0x100, 16)) { WhyWithoutNames = "it is stripped" };
        Assert.Equal("it is stripped", Assert.Throws<ToolException>(() => ProbeSelector.Select([SpecParser.Parse(spec)], _ => [stripped])).Hint);
    }

    [Fact]
    public void A_pattern_without_match_is_an_error() =>
        Assert.Equal(ExitCode.Failure, Assert.Throws<ToolException>(() => Select("libx:nothing_*")).ExitCode);

    private static ProbeSelection Select(params string[] specs) => ProbeSelector.Select(specs.Select(SpecParser.Parse), _ => [Library]);

    private static (string Name, ulong Offset, bool IsNamed) Single(string spec)
    {
        var probe = Assert.Single(Select(spec).Probes);
        return (probe.Function, probe.Offset, probe.IsNamed);
    }
}
