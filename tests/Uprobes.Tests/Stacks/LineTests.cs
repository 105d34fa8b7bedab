using System.Diagnostics;
using System.Globalization;
using System.Text;
using CsCheck;
using Uprobes.Images;
using Uprobes.Images.SourceLines;
using Uprobes.Tests.Images;

namespace Uprobes.Tests.Stacks;

/// <summary>Lines of source, compared with what binutils' addr2line says.</summary>
public sealed class LineTests : IDisposable
{
    private const string Header = "static inline int twice(int x)\n{\n    return x + x;\n}\n";
    private const string Source = """
        #include "folder/twice.h"
        extern int other(int);
        int first(int x)
        {
            int a = other(x);
            for (int i = 0; i < x; i++)
                a += other(twice(i));
            return a;
        }
        __attribute__((section(".text.second"))) int second(int x)
        {
            return other(x) +
                first(x);
        }
        """;

    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Theory]
    [InlineData("-gdwarf-2")]
    [InlineData("-gdwarf-3")]
    [InlineData("-gdwarf-4")]
    [InlineData("-gdwarf-5")]
    [InlineData("-gdwarf-5", "-gz=zlib")]
    [InlineData("-gdwarf-5", "-ffunction-sections")]
    public void Every_instruction_is_of_the_line_that_addr2line_says(params string[] flags)
    {
        using ElfImage image = ElfImage.Open(Compile(flags));
        foreach (string function in (string[])["first", "second"])
        {
            FunctionSymbol symbol = Assert.Single(image.Functions.Named(function));
            ulong[] addresses = [.. Enumerable.Range(0, (int)symbol.Size).Select(i => symbol.Address.Value + (ulong)i)];
            string[] expected = _workshop.Run("addr2line", ["-e", image.Path, .. addresses.Select(a => a.ToString("x", CultureInfo.InvariantCulture))]).Split('\n');
            for (int i = 0; i < addresses.Length; i++)
            {
                SourceLine line = Assert.IsType<SourceLine>(image.Lines.Find(new LinkAddress(addresses[i])));
                string wanted = expected[i].Split(" (discriminator")[0];
                // Before version 5 the directory is not in the table.
                Assert.EndsWith("/" + line, "/" + wanted, StringComparison.Ordinal);
                if (flags[0] == "-gdwarf-5")
                    Assert.Equal(wanted, line.ToString());
            }
        }
    }

    [Fact]
    public void Wide_units_say_the_same_as_others()
    {
        // addr2line does not read these.
        using ElfImage narrow = ElfImage.Open(Compile("-gdwarf-5"));
        FunctionSymbol symbol = Assert.Single(narrow.Functions.Named("first"));
        List<string?> expected = [.. Enumerable.Range(0, (int)symbol.Size).Select(i => narrow.Lines.Find(symbol.Address + (ulong)i)?.ToString())];
        using ElfImage wide = ElfImage.Open(Compile("-gdwarf-5", "-gdwarf64"));
        symbol = Assert.Single(wide.Functions.Named("first"));
        Assert.DoesNotContain(null, expected);
        Assert.Equal(expected, Enumerable.Range(0, (int)symbol.Size).Select(i => wide.Lines.Find(symbol.Address + (ulong)i)?.ToString()));
    }

    [Fact]
    public void Without_debug_information_there_are_no_lines()
    {
        using ElfImage image = ElfImage.Open(Compile("-g0"));
        Assert.Null(image.Lines.Find(Assert.Single(image.Functions.Named("first")).Address));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Paths_of_files_are_made_when_they_are_asked_for(int version)
    {
        // One long directory that all files, or all directories, have: the paths of a table of half a megabyte have 400 MB.
        const int Files = 100_000, Long = 4000;
        byte[] directory = [.. Enumerable.Repeat((byte)'d', Long)];
        List<byte> tables = [1, 1, 1, 0xfb, 14, 1]; // Instructions, operations, statements, line base and range, no standard opcodes.
        if (version == 4)
        {
            tables.AddRange([.. directory, 0, 0]);
            for (int i = 0; i < Files; i++)
                tables.AddRange("f\0\x01\0\0"u8);
            tables.Add(0);
        }
        else
        {
            byte[] count = [0xa0, 0x8d, 0x06]; // 100,000 by LEB128.
            tables.AddRange([1, 1, 0x1f, .. count, .. new byte[4 * Files]]);
            tables.AddRange([2, 1, 0x1f, 2, 0x0b, .. count]);
            for (int i = 0; i < Files; i++)
                tables.AddRange([0, 0, 0, 0, 1]);
        }

        byte[] own = version == 4 ? [4, 0] : [5, 0, 8, 0];
        byte[] unit = [.. own, .. BitConverter.GetBytes(tables.Count), .. tables];
        File.WriteAllBytes(_workshop.PathOf("lines"), [.. BitConverter.GetBytes(unit.Length), .. unit]);
        File.WriteAllBytes(_workshop.PathOf("texts"), [.. directory, 0]);
        string path = _workshop.Compile("long.so", "f.c", "int f(void) { return 1; }", "-shared", "-fPIC");
        _workshop.Run("objcopy", "--add-section", ".debug_line=lines", "--add-section", ".debug_line_str=texts", path);
        using ElfImage image = ElfImage.Open(path);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string text = Encoding.ASCII.GetString(directory);
        Assert.Equal(version == 4 ? $"{text}/f" : $"{text}/{text}/{text}", image.Lines.FileAt(0, Files - 1));
        Assert.Null(image.Lines.FileAt(0, Files + 1));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64L << 20);
    }

    [Fact]
    public void Random_changes_give_lines_or_none()
    {
        using ElfImage image = ElfImage.Open(Compile("-gdwarf-5"));
        byte[] lines = image.File.ReadSection(image.File.FindSection(".debug_line")!, 1 << 20), strings = image.File.ReadSection(image.File.FindSection(".debug_line_str")!, 1 << 20);
        var watch = Stopwatch.StartNew();
        Check.Sample(Gen.Select(Gen.Int[0, lines.Length - 1], Gen.Byte).Array[1, 8], changes =>
        {
            byte[] bytes = [.. lines];
            foreach ((int at, byte value) in changes)
                bytes[at] = value;
            var section = new LineSection(bytes, strings);
            for (int offset = 0; LineUnit.TryRead(section, offset, out LineUnit? unit, out int end); offset = end)
            {
                Assert.True(end > offset);
                if (unit is null)
                    continue;
                var program = new LineProgram(section, unit, unit.Program);
                while (program.TryNext(out LineRow row))
                    _ = row.IsEnd ? unit.FileAt(row.File) : null;
            }
        }, iter: 5_000, threads: 1);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(60));
    }

    private string Compile(params string[] flags)
    {
        Directory.CreateDirectory(_workshop.PathOf("folder"));
        File.WriteAllText(_workshop.PathOf("folder/twice.h"), Header);
        return _workshop.Compile("lines.so", "lines.c", Source, ["-O1", "-shared", "-fPIC", .. flags]);
    }
}
