using CsCheck;
using Uprobes.Stacks;

namespace Uprobes.Tests.Stacks;

/// <summary>What the compilers of other processes write of their code.</summary>
public sealed class PerfMapTests
{
    [Fact]
    public void Lines_name_ranges_of_addresses()
    {
        PerfMapEntries entries = Read("1000 20 int Program::Main(string[])[Tier0]\n0x2000 0x10 second\n");
        Assert.Equal("int Program::Main(string[])[Tier0]+31", Find(entries, 0x101f));
        Assert.Null(Find(entries, 0x1020));
        Assert.Null(Find(entries, 0xfff));
        Assert.Equal("second+0", Find(entries, 0x2000));
    }

    [Fact]
    public void A_later_line_replaces_an_earlier_one() => Assert.Equal("new+4", Find(Read("1000 20 old\n1000 10 new\n"), 0x1004));

    [Fact]
    public void What_is_no_line_of_a_map_is_left_out()
    {
        PerfMapEntries entries = Read("\n1000\n1000 20\n1000 20 \nxyz 20 name\n1000 0 empty\nffffffffffffffff 20 over\n10000000000000000 1 wide\n3000 1 good\n");
        Assert.Equal(1, entries.Count);
        Assert.Equal("good+0", Find(entries, 0x3000));
    }

    [Fact]
    public void Many_lines_are_found_as_few_are()
    {
        PerfMapEntries entries = new();
        for (int i = 0; i < 5000; i++)
        {
            entries.Add(System.Text.Encoding.UTF8.GetBytes($"{i * 16:x} 10 f{i}\n"));
            Assert.Equal($"f{i / 2}+3", Find(entries, (ulong)((i / 2 * 16) + 3)));
        }

        entries.Add("10 10 last\n"u8);
        Assert.Equal("last+1", Find(entries, 0x11));
        entries.Clear();
        Assert.Null(Find(entries, 0x11));
    }

    [Fact]
    public void Random_bytes_are_read_or_left_out() =>
        Check.Sample(Gen.Byte.Array[0, 200], bytes =>
        {
            PerfMapEntries entries = new();
            entries.Add(bytes);
            entries.TryFind(0x1000, out _, out _);
        }, iter: 5_000, threads: 1);

    [Fact]
    public void What_was_mapped_before_stays_where_nothing_took_its_place()
    {
        MappedCode old = new(0x1000, 0x5000, 0x100, "old", null), one = new(0x2000, 0x3000, 0, "one", null), two = new(0x4000, 0x9000, 0, "two", null);
        Assert.Equal(
            [old with { End = 0x2000 }, old with { Start = 0x3000, End = 0x4000, FileOffset = 0x2100 }],
            ProcessImages.WithoutCovered([old], [two, one]));
        Assert.Equal([old], ProcessImages.WithoutCovered([old], []));
        Assert.Empty(ProcessImages.WithoutCovered([one], [old]));
    }

    private static PerfMapEntries Read(string text)
    {
        PerfMapEntries entries = new();
        entries.Add(System.Text.Encoding.UTF8.GetBytes(text));
        return entries;
    }

    private static string? Find(PerfMapEntries entries, ulong address) => entries.TryFind(address, out string name, out ulong offset) ? $"{name}+{offset}" : null;
}
