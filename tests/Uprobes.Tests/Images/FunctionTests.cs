using Uprobes.Images;

namespace Uprobes.Tests.Images;

/// <summary>Functions are found by every form of their name, with the sizes that the compiler gave them.</summary>
public sealed class FunctionTests : IDisposable
{
    private const string Versions = """
        __asm__(".symver old_f, f@V1");
        __asm__(".symver new_f, f@@V2");
        __attribute__((noinline)) int old_f(int x) { return x + 1; }
        __attribute__((noinline)) int new_f(int x) { return x + 2; }
        int data_item = 5;
        static int (*resolve(void))(int) { return new_f; }
        int chosen(int) __attribute__((ifunc("resolve")));
        int plain(int x) { return chosen(x) + data_item; }
        int alias_of_plain(int) __attribute__((alias("plain")));
        """;

    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void A_name_has_all_its_versions_and_a_versioned_name_only_its_own()
    {
        using ElfImage image = OpenVersions();
        Assert.Equal(2, image.Functions.Named("f").Count);
        FunctionSymbol old = Assert.Single(image.Functions.Named("f@V1"));
        Assert.False(old.IsDefaultVersion);
        FunctionSymbol current = Assert.Single(image.Functions.Named("f@@V2"));
        Assert.Equal("f@@V2", current.VersionedName);
        Assert.Equal(current, Assert.Single(image.Functions.Named("f@V2")));
        Assert.Empty(image.Functions.Named("f@@V1"));
        Assert.Empty(image.Functions.Named("f@V9"));
        Assert.NotEqual(old.Offset, current.Offset);
    }

    [Fact]
    public void A_name_of_both_symbol_tables_appears_once_with_its_version()
    {
        using ElfImage image = OpenVersions();
        FunctionSymbol plain = Assert.Single(image.Functions.All, function => function.Name == "plain");
        Assert.Equal("V2", plain.Version);
        Assert.Equal(FunctionOrigin.DynamicSymbols, plain.Origin);
        Assert.True(plain.IsGlobal);
        Assert.Equal(plain, Assert.Single(image.Functions.Named("plain")));
    }

    [Fact]
    public void Aliases_are_all_listed_at_their_common_offset()
    {
        using ElfImage image = OpenVersions();
        FileOffset offset = image.Functions.Named("plain")[0].Offset;
        Assert.Equal(["alias_of_plain", "plain"], image.Functions.All.Where(function => function.Offset == offset).Select(function => function.Name).Order());
        Assert.True(image.Functions.TryFind(offset + 1, out FunctionBounds bounds));
        Assert.Equal("plain", bounds.Name);
    }

    [Fact]
    public void An_indirect_function_is_marked_and_data_is_ignored()
    {
        using ElfImage image = OpenVersions();
        Assert.True(Assert.Single(image.Functions.Named("chosen")).IsIndirect);
        Assert.Empty(image.Functions.Named("data_item"));
        Assert.Equal(image.Functions.Named("chosen")[0].Offset, image.Functions.Named("resolve")[0].Offset);
    }

    [Fact]
    public void A_name_gives_the_same_before_and_after_the_whole_table_was_read()
    {
        foreach (string path in new[] { VersionsPath(), "/lib/x86_64-linux-gnu/libc.so.6", "/bin/bash" }.Where(File.Exists))
        {
            using ElfImage fresh = ElfImage.Open(path);
            using ElfImage read = ElfImage.Open(path);
            foreach (FunctionSymbol function in read.Functions.All.Where((_, index) => index % 37 == 0))
            {
                using ElfImage once = ElfImage.Open(path);
                Assert.Equal(read.Functions.Named(function.Name), once.Functions.Named(function.Name));
            }
            Assert.Empty(fresh.Functions.Named("no such function"));
        }
    }

    [Fact]
    public void Assembly_labels_without_type_or_size_are_functions_that_end_at_the_next()
    {
        const string Source = """
            .text
            .globl typed_no_size
            .type typed_no_size, @function
            typed_no_size: nop; nop; nop; ret
            .globl untyped
            untyped: nop; ret
            local_label: ret
            .globl last
            last: ret
            .data
            .globl number
            number: .quad 1
            .section .note.GNU-stack,"",@progbits
            """;
        using ElfImage image = ElfImage.Open(_workshop.Compile("a.so", "a.s", Source, "-shared", "-nostdlib"));
        Assert.Equal(["typed_no_size", "untyped", "last"], image.Functions.All.Select(function => function.Name));
        Assert.Equal([4UL, 3UL, 1UL], image.Functions.All.Select(function => function.Size));
        Assert.Equal([false, true, true], image.Functions.All.Select(function => function.IsUntyped));
        Assert.Equal(4UL, Assert.Single(image.Functions.Named("typed_no_size")).Size);
    }

    [Fact]
    public void Cxx_functions_are_found_as_their_source_names_them()
    {
        const string Source = """
            #include <string>
            namespace shop { struct Cart { int add(int) const; int add(std::string const&); template<class T> T sum(T); }; }
            int shop::Cart::add(int x) const { return x; }
            int shop::Cart::add(std::string const& s) { return s.size(); }
            template<class T> T shop::Cart::sum(T t) { return t; }
            template int shop::Cart::sum<int>(int);
            namespace { __attribute__((noinline, used)) int hidden(int x) { return x; } }
            extern "C" int plain_c(int x) { return x; }
            """;
        using ElfImage image = ElfImage.Open(_workshop.Compile("c.so", "c.cc", Source, "-shared", "-fPIC"));
        Assert.SkipUnless(Uprobes.Linux.CxxAbi.IsAvailable, "libstdc++.so.6 is not installed");
        Assert.Equal("_ZNK4shop4Cart3addEi", Assert.Single(image.Functions.Named("shop::Cart::add(int) const")).Name);
        Assert.Equal(2, image.Functions.Named("shop::Cart::add").Count);
        Assert.Single(image.Functions.Named("int shop::Cart::sum<int>(int)"));
        Assert.Single(image.Functions.Named("shop::Cart::sum<int>"));
        Assert.Single(image.Functions.Named("(anonymous namespace)::hidden"));
        Assert.Equal(3, image.Functions.Matching("shop::Cart::*").Count);
        Assert.Equal(2, image.Functions.Matching("*std::*string*").Count + image.Functions.Matching("*::hidden").Count);
        Assert.Equal(["plain_c"], image.Functions.Matching("plain_?").Select(function => function.Name));
        Assert.Equal(2, image.Functions.Matching("_ZN*4Cart3add*").Count);
    }

    [Fact]
    public void Every_byte_of_a_function_finds_it_and_padding_finds_nothing()
    {
        using ElfImage image = OpenVersions();
        foreach (FunctionSymbol function in image.Functions.All.Where(function => function.Name is "plain" or "resolve"))
        {
            Assert.True(image.Functions.TryFind(function.Offset, out FunctionBounds first));
            Assert.True(image.Functions.TryFind(function.Offset + (function.Size - 1), out FunctionBounds last));
            Assert.Equal(first, last);
            Assert.Equal((function.Offset, function.Size), (first.Start, first.Size));
            Assert.True(!image.Functions.TryFind(first.End, out FunctionBounds next) || next.Start == first.End);
        }
        Assert.False(image.Functions.TryFind(new FileOffset(0), out _));
        Assert.False(image.Functions.TryFind(new FileOffset(ulong.MaxValue), out _));
    }

    [Fact]
    public void Symbols_without_section_headers_come_from_the_dynamic_section()
    {
        string path = VersionsPath();
        _workshop.Run("strip", path);
        string[] before;
        using (ElfImage image = ElfImage.Open(path))
            before = [.. Exported(image)];
        byte[] bytes = File.ReadAllBytes(path);
        bytes.AsSpan(40, 8).Clear();
        bytes.AsSpan(58, 6).Clear();
        File.WriteAllBytes(path, bytes);
        using ElfImage bare = ElfImage.Open(path);
        Assert.Empty(bare.Sections);
        Assert.Empty(bare.Functions.Problems);
        Assert.Contains("f@@V2", before);
        Assert.Equal(before, Exported(bare));
        // The unwind table is found too.
        Assert.Contains(bare.Functions.All, function => function.Origin == FunctionOrigin.UnwindTable);

        static IEnumerable<string> Exported(ElfImage image) =>
            image.Functions.All.Where(function => function.Origin == FunctionOrigin.DynamicSymbols).Select(function => function.VersionedName);
    }

    [Fact]
    public void Many_threads_may_ask_at_once()
    {
        using ElfImage image = OpenVersions();
        int[] counts = new int[16];
        Parallel.For(0, counts.Length, i => counts[i] = image.Functions.Named("f").Count + (i % 2 == 0 ? image.Functions.All.Count : 0));
        Assert.All(counts, (count, i) => Assert.Equal(2 + (i % 2 == 0 ? image.Functions.All.Count : 0), count));
    }

    private string VersionsPath()
    {
        File.WriteAllText(_workshop.PathOf("v.map"), "V1 { global: f; local: none; }; V2 { global: f; plain; alias_of_plain; chosen; data_item; } V1;");
        return _workshop.Compile("v.so", "v.c", Versions, "-shared", "-fPIC", "-Wl,--version-script=v.map");
    }

    private ElfImage OpenVersions() => ElfImage.Open(VersionsPath());
}
