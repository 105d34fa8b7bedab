using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using CsCheck;
using Uprobes.Images;

namespace Uprobes.Tests.Images;

/// <summary>Whatever a file holds, reading it ends with an image or an <see cref="ImageException"/>, in bounded time and memory.</summary>
public sealed class FuzzTests : IDisposable
{
    private const string Source = """
        #include <stdexcept>
        struct S { int f(int); ~S() { } };
        int S::f(int x) { if (x) throw std::runtime_error("x"); return x; }
        __attribute__((noinline)) static int quiet(int x) { return x * 3; }
        int visible(int x) { S s; return s.f(x) + quiet(x); }
        """;

    private static readonly TimeSpan Slowest = TimeSpan.FromSeconds(20);
    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void A_file_that_ends_anywhere_is_refused_or_read()
    {
        byte[] whole = Library();
        Check.Sample(Gen.Int[0, whole.Length], length => Examine(whole[..length]), iter: 300, threads: 1);
    }

    [Fact]
    public void Bytes_changed_anywhere_are_refused_or_read()
    {
        byte[] whole = Library();
        Gen<(int, byte)[]> changes = Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[1, 30];
        Check.Sample(changes, list => Examine(With(whole, list)), iter: 300, threads: 1);
    }

    [Fact]
    public void Fields_of_headers_and_tables_with_extreme_values_are_refused_or_read()
    {
        byte[] whole = Library();
        var interesting = new List<(int Start, int Length)> { (0, 64), (64, 56 * 12) };
        using (ElfImage image = OpenBytes(whole))
        {
            foreach (ElfSection section in image.Sections.Where(section => section.Name is ".dynsym" or ".dynamic" or ".gnu.hash" or ".gnu.version" or ".gnu.version_d" or ".symtab" or ".eh_frame" or ".eh_frame_hdr" or ".note.gnu.build-id"))
                interesting.Add(((int)section.FileOffset.Value, (int)section.Size));
        }
        interesting.Add(((int)BinaryPrimitives.ReadUInt64LittleEndian(whole.AsSpan(40)), 64 * BinaryPrimitives.ReadUInt16LittleEndian(whole.AsSpan(60))));
        ulong[] extremes = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, ulong.MaxValue, ulong.MaxValue - 7, (ulong)whole.Length, (ulong)whole.Length - 1, 0x1000];
        var change = Gen.Select(Gen.Int[0, interesting.Count - 1], Gen.Int[0, 1 << 20], Gen.Int[0, extremes.Length - 1], Gen.Int[0, 3]);
        Check.Sample(change.Array[1, 4], list =>
        {
            byte[] bytes = [.. whole];
            foreach ((int part, int place, int value, int width) in list)
            {
                (int start, int length) = interesting[part];
                int size = 1 << width;
                int at = start + (place % Math.Max(1, length) & -size);
                if (at + size <= bytes.Length)
                    BitConverter.GetBytes(extremes[value]).AsSpan(0, size).CopyTo(bytes.AsSpan(at));
            }
            Examine(bytes);
        }, iter: 1500, threads: 1);
    }

    [Fact]
    public void A_table_in_which_every_symbol_shares_one_long_name_takes_memory_in_proportion_to_the_file()
    {
        // 40,000 functions, each of whose names is a suffix of one string of 60,000 characters.
        const int Symbols = 40_000, NameLength = 60_000;
        var assembly = new StringBuilder(".text\n.globl f\n.type f, @function\nf: ret\n.size f, 1\n.section .note.GNU-stack,\"\",@progbits\n");
        byte[] bytes = File.ReadAllBytes(_workshop.Compile("f.so", "f.s", assembly.ToString(), "-shared", "-nostdlib"));
        int table = bytes.Length;
        byte[] grown = new byte[table + (Symbols * 24) + NameLength + 1];
        bytes.CopyTo(grown, 0);
        int strings = table + (Symbols * 24);
        grown.AsSpan(strings, NameLength).Fill((byte)'n');
        using (ElfImage image = OpenBytes(bytes))
        {
            ulong address = image.Functions.Named("f")[0].Address.Value;
            for (int i = 0; i < Symbols; i++)
            {
                Span<byte> entry = grown.AsSpan(table + (i * 24), 24);
                BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)(i % 1000));
                entry[4] = 0x12;
                BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], 1);
                BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], address);
            }
            int headers = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(40));
            ElfSection symtab = image.Sections.Single(section => section.Name == ".symtab");
            Redirect(grown.AsSpan(headers + (symtab.Index * 64)), table, Symbols * 24);
            Redirect(grown.AsSpan(headers + ((int)symtab.Link * 64)), strings, NameLength + 1);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        Examine(grown);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, 100L * grown.Length);
        using ElfImage malicious = OpenBytes(grown);
        Assert.Contains(malicious.Functions.Problems, problem => problem.Contains("left out", StringComparison.Ordinal));
    }

    private static void Redirect(Span<byte> sectionHeader, int offset, int size)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(sectionHeader[24..], (ulong)offset);
        BinaryPrimitives.WriteUInt64LittleEndian(sectionHeader[32..], (ulong)size);
    }

    private byte[] Library() => File.ReadAllBytes(_workshop.Compile("fuzz.so", "fuzz.cc", Source, "-shared", "-fPIC"));

    private static byte[] With(byte[] whole, (int At, byte Value)[] changes)
    {
        byte[] bytes = [.. whole];
        foreach ((int at, byte value) in changes)
            bytes[at] = value;
        return bytes;
    }

    private ElfImage OpenBytes(byte[] bytes)
    {
        string path = _workshop.PathOf("fuzzed");
        File.WriteAllBytes(path, bytes);
        return ElfImage.Open(path);
    }

    private void Examine(byte[] bytes)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            using ElfImage image = OpenBytes(bytes);
            IReadOnlyList<FunctionSymbol> quick = image.Functions.Named("visible");
            foreach (FunctionSymbol function in image.Functions.All)
            {
                Assert.True(function.Size > 0);
                Assert.True(image.IsExecutable(function.Offset));
                Assert.True(image.TryGetOffset(function.Address, out FileOffset offset) && offset == function.Offset);
            }
            Assert.Equal(quick, image.Functions.Named("visible"));
            foreach (FunctionSymbol function in image.Functions.All.Take(20))
            {
                Assert.True(image.Functions.TryFind(function.Offset, out FunctionBounds bounds));
                Assert.True(bounds.Contains(function.Offset));
            }
            image.Functions.Matching("*vis*");
            foreach (string problem in image.Functions.Problems)
                Assert.NotEmpty(problem);
        }
        catch (ImageException error)
        {
            Assert.NotEmpty(error.Problem);
        }
        Assert.True(watch.Elapsed < Slowest, $"took {watch.Elapsed}");
    }
}
