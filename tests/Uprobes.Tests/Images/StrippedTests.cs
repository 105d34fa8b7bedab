using System.Globalization;
using CsCheck;
using Uprobes.Images;

namespace Uprobes.Tests.Images;

/// <summary>A stripped file gives its functions back: from unwind information, a separate debug file, or mini debug info.</summary>
public sealed class StrippedTests : IDisposable
{
    private const string Source = """
        #include <stdlib.h>
        static __attribute__((noinline)) int leaf(int x) { return x * 3 + 1; }
        __attribute__((noinline)) int middle(int x) { return leaf(x) + leaf(x + 1); }
        static __attribute__((noinline)) int deep(int x) { return x > 0 ? middle(x) + deep(x - 1) + 1 : 0; }
        int main(int argc, char **argv) { return deep(argc) & atoi(argv[0]); }
        """;

    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void A_stripped_programs_functions_are_where_nm_shows_them_in_the_unstripped_one()
    {
        string path = _workshop.Compile("program", "p.c", Source);
        List<(ulong Address, ulong Size)> expected = Nm(path, "leaf", "middle", "deep", "main");
        Assert.Equal(4, expected.Count);
        _workshop.Run("strip", "--strip-all", path);
        using ElfImage image = ElfImage.Open(path);
        Assert.True(image.HasFunctionBoundsOnlyFromUnwind);
        foreach ((ulong address, ulong size) in expected)
        {
            FunctionSymbol function = Assert.Single(image.Functions.All, function => function.Address.Value == address);
            Assert.Equal(size, function.Size);
            Assert.Equal($"fn_{function.Offset}", function.Name);
            Assert.Equal(function, Assert.Single(image.Functions.Named(function.Name)));
            Assert.True(image.Functions.TryFind(function.Offset + (size - 1), out FunctionBounds bounds));
            Assert.Equal(new FunctionBounds(function.Offset, size, null), bounds);
        }
        Assert.DoesNotContain(image.Functions.All, function => image.Sections.Any(section => section.Name.StartsWith(".plt", StringComparison.Ordinal) && section.Contains(function.Offset)));
    }

    [Fact]
    public void What_brings_names_is_told_where_local_functions_have_none()
    {
        string path = _workshop.Compile("program", "p.c", Source);
        using (ElfImage whole = ElfImage.Open(path))
            Assert.Null(MissingDebugInformation.RemedyForNames(whole));
        _workshop.Run("strip", "--strip-all", path);
        using ElfImage image = ElfImage.Open(path);
        Assert.StartsWith("it is stripped, and names only what it exports: keep its symbol table", MissingDebugInformation.RemedyForNames(image), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_unwind_table_keeps_what_can_be_read_and_is_told()
    {
        string path = _workshop.Compile("program", "p.c", Source);
        _workshop.Run("strip", "--strip-all", path);
        int whole;
        FileOffset table;
        ulong size;
        using (ElfImage image = ElfImage.Open(path))
        {
            whole = image.Functions.All.Count;
            ElfSection section = image.Sections.Single(section => section.Name == ".eh_frame");
            (table, size) = (section.FileOffset, section.Size);
        }
        byte[] bytes = File.ReadAllBytes(path);
        // The length of the entry in the middle becomes larger than the table.
        int at = (int)table.Value;
        for (int i = 0; i < whole / 2; i++)
            at += BitConverter.ToInt32(bytes, at) + 4;
        Assert.True((ulong)at < table.Value + size);
        BitConverter.TryWriteBytes(bytes.AsSpan(at), 0x7fffffff);
        File.WriteAllBytes(path, bytes);
        using ElfImage damaged = ElfImage.Open(path);
        Assert.InRange(damaged.Functions.All.Count, 1, whole - 1);
        Assert.Contains(damaged.Functions.Problems, problem => problem.StartsWith(".eh_frame: the entry at 0x", StringComparison.Ordinal));
    }

    [Fact]
    public void A_signal_trampoline_begins_at_its_first_instruction()
    {
        string libc = "/lib/x86_64-linux-gnu/libc.so.6";
        Assert.SkipUnless(File.Exists(libc), $"{libc} is missing");
        using ElfImage image = ElfImage.Open(libc);
        // The signal trampoline is mov $15, %rax; syscall, and its unwind range starts a byte before it.
        byte[] expected = [0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 5];
        byte[] code = new byte[expected.Length];
        FunctionSymbol? trampoline = image.Functions.All.FirstOrDefault(function => function.Size == (ulong)expected.Length
            && image.Read(function.Offset, code) == code.Length && code.AsSpan().SequenceEqual(expected));
        Assert.NotNull(trampoline);
    }

    [Theory]
    [InlineData("beside")]
    [InlineData(".debug")]
    public void A_debug_file_named_by_its_link_gives_names(string place)
    {
        (string stripped, string debug) = Split(buildId: false);
        if (place == ".debug")
        {
            Directory.CreateDirectory(_workshop.PathOf(".debug"));
            File.Move(debug, _workshop.PathOf(".debug/program.debug"));
        }
        using ElfImage image = ElfImage.Open(stripped);
        FunctionSymbol leaf = Assert.Single(image.Functions.Named("leaf"));
        Assert.Equal(FunctionOrigin.DebugFile, leaf.Origin);
        Assert.Equal(Nm(_workshop.PathOf("original"), "leaf")[0], (leaf.Address.Value, leaf.Size));
        Assert.EndsWith("program.debug", image.Functions.DebugFile, StringComparison.Ordinal);
        Assert.Empty(image.Functions.Problems);
        Assert.True(image.Functions.TryFind(leaf.Offset + 1, out FunctionBounds bounds));
        Assert.Equal("leaf", bounds.Name);
    }

    [Fact]
    public void A_debug_file_with_another_checksum_is_not_used_and_is_told()
    {
        (string stripped, string debug) = Split(buildId: false);
        File.AppendAllText(debug, "x");
        using ElfImage image = ElfImage.Open(stripped);
        Assert.Empty(image.Functions.Named("leaf"));
        Assert.Contains(image.Functions.Problems, problem => problem.Contains("belongs to another build", StringComparison.Ordinal));
    }

    [Fact]
    public void A_debug_file_with_another_build_id_is_not_used_although_its_name_fits()
    {
        (string stripped, string debug) = Split(buildId: true);
        _workshop.Compile("other", "p.c", Source, "-Wl,--build-id=0x1234");
        _workshop.Run("objcopy", "--only-keep-debug", "other", debug);
        using ElfImage image = ElfImage.Open(stripped);
        Assert.Empty(image.Functions.Named("leaf"));
        Assert.Contains(image.Functions.Problems, problem => problem.Contains("belongs to another build", StringComparison.Ordinal));
    }

    [Fact]
    public void A_debug_file_is_found_by_build_id_in_the_system_directory()
    {
        string libc = "/lib/x86_64-linux-gnu/libc.so.6";
        Assert.SkipUnless(File.Exists(libc), $"{libc} is missing");
        using ElfImage image = ElfImage.Open(libc);
        string hex = image.BuildId!.Hex;
        string debug = $"/usr/lib/debug/.build-id/{hex[..2]}/{hex[2..]}.debug";
        Assert.SkipUnless(File.Exists(debug), "the C library's debug file is not installed");
        Assert.Equal(debug, image.Functions.DebugFile);
        Assert.NotEmpty(image.Functions.Named("_int_malloc"));
    }

    [Fact]
    public void Mini_debug_info_gives_the_names_of_local_functions()
    {
        string stripped = WithMiniDebugInfo(path => _workshop.Run("xz", "-k", path));
        using ElfImage image = ElfImage.Open(stripped);
        FunctionSymbol leaf = Assert.Single(image.Functions.Named("leaf"));
        Assert.Equal(FunctionOrigin.MiniDebugInfo, leaf.Origin);
        Assert.Equal(Nm(_workshop.PathOf("original"), "leaf")[0], (leaf.Address.Value, leaf.Size));
        Assert.Empty(image.Functions.Problems);
    }

    [Fact]
    public void Mini_debug_info_that_is_no_xz_is_told()
    {
        string stripped = WithMiniDebugInfo(path => File.WriteAllText(path + ".xz", "this is no xz file, whatever its section says"));
        using ElfImage image = ElfImage.Open(stripped);
        Assert.Contains(image.Functions.Problems, problem => problem.Contains("is not valid xz", StringComparison.Ordinal));
        Assert.True(image.HasFunctionBoundsOnlyFromUnwind);
    }

    [Fact]
    public void Mini_debug_info_that_unpacks_to_too_much_is_refused()
    {
        string stripped = WithMiniDebugInfo(path =>
        {
            File.WriteAllBytes(path, new byte[20 << 20]);
            _workshop.Run("xz", "-k", path);
        });
        using ElfImage image = ElfImage.Open(stripped);
        Assert.Contains(image.Functions.Problems, problem => problem.Contains("bytes, the limit is", StringComparison.Ordinal));
    }

    [Fact]
    public void Mini_debug_info_that_asks_for_a_huge_dictionary_is_refused()
    {
        string stripped = WithMiniDebugInfo(path => _workshop.Run("xz", "-k", "--lzma2=dict=1GiB", path));
        using ElfImage image = ElfImage.Open(stripped);
        Assert.Contains(image.Functions.Problems, problem => problem.Contains("asks for a dictionary of 1073741824 bytes", StringComparison.Ordinal));
    }

    [Fact]
    public void Damaged_mini_debug_info_never_ends_in_another_error()
    {
        byte[] packed = [];
        byte[] whole = File.ReadAllBytes(WithMiniDebugInfo(path =>
        {
            _workshop.Run("xz", "-k", path);
            packed = File.ReadAllBytes(path + ".xz");
        }));
        int start = whole.AsSpan().IndexOf(packed);
        Assert.True(start > 0);
        Check.Sample(Gen.Select(Gen.Int[0, packed.Length - 1], Gen.Byte).Array[1, 3], changes =>
        {
            byte[] bytes = [.. whole];
            foreach ((int at, byte value) in changes)
                bytes[start + at] = value;
            File.WriteAllBytes(_workshop.PathOf("damaged"), bytes);
            using ElfImage image = ElfImage.Open(_workshop.PathOf("damaged"));
            Assert.NotEmpty(image.Functions.All);
        }, iter: 300, threads: 1);
    }

    private (string Stripped, string Debug) Split(bool buildId)
    {
        string path = _workshop.Compile("program", "p.c", Source, buildId ? "-Wl,--build-id=0xabcd" : "-Wl,--build-id=none");
        File.Copy(path, _workshop.PathOf("original"));
        _workshop.Run("objcopy", "--only-keep-debug", "program", "program.debug");
        _workshop.Run("strip", "--strip-all", "program");
        _workshop.Run("objcopy", "--add-gnu-debuglink=program.debug", "program");
        return (path, _workshop.PathOf("program.debug"));
    }

    private string WithMiniDebugInfo(Action<string> pack)
    {
        string path = _workshop.Compile("program", "p.c", Source);
        File.Copy(path, _workshop.PathOf("original"));
        _workshop.Run("objcopy", "--only-keep-debug", "program", "mini");
        pack(_workshop.PathOf("mini"));
        _workshop.Run("strip", "--strip-all", "program");
        _workshop.Run("objcopy", "--add-section", ".gnu_debugdata=mini.xz", "program");
        return path;
    }

    private List<(ulong Address, ulong Size)> Nm(string path, params string[] names)
    {
        var found = new List<(ulong, ulong)>();
        foreach (string line in _workshop.Run("nm", "-S", "--defined-only", path).Split('\n'))
        {
            if (line.Split(' ') is [var address, var size, "t" or "T", var name] && names.Contains(name))
                found.Add((Hex(address), Hex(size)));
        }
        return found;

        static ulong Hex(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
