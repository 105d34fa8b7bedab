using System.Globalization;
using System.Text.RegularExpressions;
using Uprobes.Images;
using Uprobes.Images.StaticProbes;

namespace Uprobes.Tests.Images;

/// <summary>Static probes are read from the notes of a file.</summary>
public sealed partial class StaticProbeTests : IDisposable
{
    /// <summary>Notes as sys/sdt.h makes them; with addresses as they were before the file was moved by 0x1000.</summary>
    private const string Source = """
        .macro NOTE place, semaphore, moved, provider, name, arguments
            .pushsection .note.stapsdt, "", @note
            .balign 4
            .4byte 992f-991f, 994f-993f, 3
        991: .asciz "stapsdt"
        992: .balign 4
        993: .8byte \place - \moved, _.stapsdt.base - \moved, \semaphore
            .asciz "\provider", "\name", "\arguments"
        994: .balign 4
            .popsection
        .endm
            .section .note.stapsdt, "", @note
            .4byte 4, 0, 99
            .asciz "abc"
            .section .stapsdt.base, "a"
        _.stapsdt.base: .space 1
            .section .probes, "aw"
        counter: .2byte 0
            .bss
        absent: .space 8
            .section .rodata
        fixed: .2byte 0
            .text
            .globl f
            .type f, @function
        f:  nop
            nop
        g:  nop
            ret
            .size f, .-f
            NOTE f, 0, 0, some, plain, ""
            NOTE f+1, "counter - 0x1000", 0x1000, some, moved, "8@%rdi -4@counter(%rip)"
            NOTE g, absent, 0, other, plain, "8f@%xmm0"
            NOTE g, fixed, 0, third, fixed, ""
        """;

    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void Names_places_semaphores_and_arguments_are_read_and_a_moved_file_is_seen()
    {
        using ElfImage image = ElfImage.Open(Library(Source));
        ulong f = image.Functions.Named("f").Single().Address.Value;
        IReadOnlyList<StaticProbeNote> probes = image.StaticProbes;
        Assert.Equal(["some:plain", "some:moved", "other:plain", "third:fixed"], probes.Select(p => p.ToString()));
        Assert.Equal([f, f + 1, f + 2, f + 2], probes.Select(p => p.Address.Value));
        Assert.All(probes, p => Assert.True(image.TryGetOffset(p.Address, out FileOffset offset) && offset == p.Offset));
        ElfSection counter = image.Sections.Single(s => s.Name == ".probes");
        Assert.Null(probes[0].Semaphore);
        Assert.Equal((counter.LinkAddress, counter.FileOffset), (probes[1].Semaphore, probes[1].SemaphoreOffset));
        Assert.All(probes.Skip(2), p => Assert.NotNull(p.Semaphore));
        Assert.All(probes.Skip(2), p => Assert.Null(p.SemaphoreOffset));
        Assert.Equal([null, null, "the file has no bytes for it", "it is in memory that the file has mapped read-only"], probes.Select(p => p.SemaphoreProblem));
        Assert.Equal([0, 2, 1, 0], probes.Select(p => p.Arguments.Count));
        Assert.Equal(new StaticMemory(counter.LinkAddress, null, null, 1, 0), probes[1].Arguments[1].Operand);
    }

    [Theory]
    [InlineData(null, "plain", "some:plain other:plain")]
    [InlineData("other", "*", "other:plain")]
    [InlineData("so*", "*", "some:plain some:moved")]
    [InlineData("some", "absent", "")]
    public void Probes_are_found_by_name_and_provider(string? provider, string name, string expected)
    {
        using ElfImage image = ElfImage.Open(Library(Source));
        Assert.Equal(expected, string.Join(' ', new StaticProbeSearch(provider, name).In(image.StaticProbes)));
        string written = provider is null ? name : $"{provider}:{name}";
        Assert.Equal(expected, string.Join(' ', StaticProbeSearch.Parse(written).In(image.StaticProbes)));
    }

    [Theory]
    [InlineData(".4byte 8, 400, 3; .asciz \"stapsdt\"; .space 100", "is cut off")]
    [InlineData(".4byte 8, 20, 3; .asciz \"stapsdt\"; .space 20", "is too short for a static probe")]
    [InlineData(".4byte 8, 28, 3; .asciz \"stapsdt\"; .8byte 0, 0, 0; .ascii \"abcd\"", "is too short for a static probe")]
    public void Broken_notes_are_told(string note, string problem)
    {
        using ElfImage image = ElfImage.Open(Library($".section .note.stapsdt, \"\", @note\n{note}\n"));
        Assert.Contains(problem, Assert.Throws<ImageException>(() => image.StaticProbes).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("0x77777777")]
    public void Notes_of_code_that_the_linker_dropped_are_passed_over(string address)
    {
        using ElfImage image = ElfImage.Open(Library($".section .note.stapsdt, \"\", @note\n.4byte 8, 28, 3; .asciz \"stapsdt\"; .8byte {address}, 0, 0; .asciz \"a\"; .byte 0, 0\n"));
        Assert.Empty(image.StaticProbes);
    }

    [Fact]
    public void A_file_without_notes_has_no_static_probes()
    {
        using ElfImage image = ElfImage.Open(Library(".text\nret\n"));
        Assert.Empty(image.StaticProbes);
    }

    [Theory]
    [InlineData("/usr/lib/x86_64-linux-gnu/libstdc++.so.6")]
    [InlineData("/usr/bin/python3")]
    [InlineData("/usr/lib/x86_64-linux-gnu/libc.so.6")]
    public void Installed_files_have_what_readelf_shows(string path)
    {
        Assert.SkipUnless(File.Exists(path), $"there is no {path}");
        string shown = Workshop.RunTool("/", "readelf", "-n", "-W", path);
        using ElfImage image = ElfImage.Open(path);
        Assert.Equal(
            ReadelfNote().Matches(shown).Select(m => (m.Groups[1].Value, m.Groups[2].Value, Hex(m.Groups[3]), Hex(m.Groups[4]), m.Groups[5].Value.Trim())),
            image.StaticProbes.Select(p => (p.Provider, p.Name, p.Address.Value, p.Semaphore?.Value ?? 0, string.Join(' ', p.Arguments.Select(a => a.Text)))));
    }

    private static ulong Hex(Group group) => ulong.Parse(group.ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Provider: (.*)\n\s*Name: (.*)\n\s*Location: 0x([0-9a-f]+), Base: 0x[0-9a-f]+, Semaphore: 0x([0-9a-f]+)\n\s*Arguments:(.*)\n")]
    private static partial Regex ReadelfNote();

    private string Library(string source) => _workshop.Compile("notes.so", "notes.s", source + "\n", "-shared", "-nostdlib");
}
