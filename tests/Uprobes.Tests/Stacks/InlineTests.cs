using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using CsCheck;
using Uprobes.Images;
using Uprobes.Images.Inlining;
using Uprobes.Images.SourceLines;
using Uprobes.Images.Types;
using Uprobes.Stacks;
using Uprobes.Tests.Images;

namespace Uprobes.Tests.Stacks;

/// <summary>Inlined calls, compared with what binutils' addr2line says.</summary>
public sealed class InlineTests : IDisposable
{
    private const string Source = """
        #define FOLDED inline __attribute__((always_inline))
        extern "C" int other(int);
        namespace outer {
        namespace { FOLDED int hidden(int x) { return other(x) + 1; } }
        struct Box {
            int n;
            FOLDED int area(int k) { return hidden(n + k) * 2; }
            template <typename T> FOLDED T scaled(T by) { return area(by) * by; }
            static FOLDED int made(int n);
        };
        FOLDED int Box::made(int n)
        {
            Box box{n};
            return box.scaled<int>(n) + other(n);
        }
        int first(int n)
        {
            return Box::made(n)
                + Box::made(n + 1);
        }
        }
        static FOLDED int plain(int x)
        {
            int sum = 0;
            for (int i = 0; i < x; i++)
                sum += outer::Box::made(i);
            return sum;
        }
        __attribute__((section(".text.second"))) int second(int x) { return x > 3 ? plain(x) : other(x); }
        """;

    private static readonly TimeSpan Slowest = TimeSpan.FromSeconds(60);
    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Theory]
    [InlineData("-gdwarf-2")]
    [InlineData("-gdwarf-3")]
    [InlineData("-gdwarf-4")]
    [InlineData("-gdwarf-5")]
    [InlineData("-gdwarf-5", "-ffunction-sections", "-gz=zlib")]
    public void The_calls_at_every_instruction_are_those_that_addr2line_says(params string[] flags)
    {
        using ElfImage image = ElfImage.Open(Compile(flags));
        int inlined = 0;
        foreach (string function in (string[])["_ZN5outer5firstEi", "_Z6secondi"])
        {
            FunctionSymbol symbol = Assert.Single(image.Functions.Named(function));
            foreach ((ulong address, List<(string Name, string Source)> expected) in AddressToLine(image.Path, symbol))
            {
                IReadOnlyList<InlinedCall> found = image.Inlined.Find(new LinkAddress(address));
                string text = $"{address:x}: {string.Join(", ", expected)} for {string.Join(", ", found)}";
                Assert.True(expected.Count == found.Count + 1, text);
                for (int i = 0; i < found.Count; i++)
                {
                    // Of an innermost call without a name of the linker's it says the name of the symbol at the address.
                    Assert.True(found[i].RawFunction == expected[i].Name || !found[i].RawFunction.StartsWith("_Z", StringComparison.Ordinal), text);
                    Assert.True(Short(found[i].CalledFrom) == expected[i + 1].Source, text);
                    inlined++;
                }
            }
        }

        Assert.True(inlined > 100);
        Assert.Empty(image.Inlined.Find(new LinkAddress(1)));
    }

    [Fact]
    public void A_function_is_entered_at_its_first_instruction_only()
    {
        using ElfImage image = ElfImage.Open(Compile("-gdwarf-5"));
        foreach (string function in (string[])["_ZN5outer5firstEi", "_Z6secondi"])
        {
            FunctionSymbol symbol = Assert.Single(image.Functions.Named(function));
            Assert.True(image.Inlined.IsEntry(symbol.Address));
            Assert.DoesNotContain(Enumerable.Range(1, (int)symbol.Size - 1), i => image.Inlined.IsEntry(symbol.Address + (ulong)i));
        }

        Assert.False(image.Inlined.IsEntry(new LinkAddress(1)));
    }

    [Fact]
    public void A_function_without_a_name_of_the_linkers_is_called_with_its_namespaces()
    {
        using ElfImage image = ElfImage.Open(Compile("-gdwarf-5"));
        FunctionSymbol symbol = Assert.Single(image.Functions.Named("_ZN5outer5firstEi"));
        HashSet<string> names = [.. Enumerable.Range(0, (int)symbol.Size).SelectMany(i => image.Inlined.Find(symbol.Address + (ulong)i)).Select(call => Demangler.Demangle(call.RawFunction))];
        Assert.Equal(
            ["int outer::Box::scaled<int>(int)", "outer::(anonymous namespace)::hidden", "outer::Box::area(int)", "outer::Box::made(int)"],
            names.Order(StringComparer.Ordinal).Select(name => name.Replace("hidden(int)", "hidden", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_the_linker_made_of_several_units_at_once_keeps_its_inlined_calls()
    {
        File.WriteAllText(_workshop.PathOf("one.c"), "int two(int);\nint one(int x)\n{\n    return two(x) * 2;\n}\nint main(int n, char **v) { return one(n); }\n");
        File.WriteAllText(_workshop.PathOf("two.c"), "int other(int);\nint two(int x)\n{\n    return other(x) + 3;\n}\n");
        File.WriteAllText(_workshop.PathOf("three.c"), "__attribute__((noipa)) int other(int x) { return x; }\n");
        _workshop.Run("gcc", "-g", "-O2", "-flto", "-o", "whole", "one.c", "two.c", "three.c");
        using ElfImage image = ElfImage.Open(_workshop.PathOf("whole"));
        FunctionSymbol main = Assert.Single(image.Functions.Named("main"));
        IReadOnlyList<InlinedCall> deepest = Enumerable.Range(0, (int)main.Size).Select(i => image.Inlined.Find(main.Address + (ulong)i)).MaxBy(calls => calls.Count)!;
        Assert.Equal(["two", "one"], deepest.Select(call => call.RawFunction));
        Assert.Equal(["one.c:4", "one.c:6"], deepest.Select(call => Short(call.CalledFrom)));
    }

    [Fact]
    public void Changed_bytes_give_calls_or_none()
    {
        string path = Compile("-gdwarf-5");
        DebugSections whole;
        ulong[] addresses;
        using (ElfImage image = ElfImage.Open(path))
        {
            whole = DebugSections.Read(image.File)!;
            FunctionSymbol symbol = Assert.Single(image.Functions.Named("_ZN5outer5firstEi"));
            addresses = [.. Enumerable.Range(0, (int)symbol.Size).Select(i => symbol.Address.Value + (ulong)i)];
        }

        var watch = Stopwatch.StartNew();
        Check.Sample(Gen.Select(Gen.Int[0, whole.Info.Length - 1], Gen.Byte).Array[1, 8], changes =>
        {
            byte[] info = [.. whole.Info];
            foreach ((int at, byte value) in changes)
                info[at] = value;
            DebugUnits units = new(whole with { Info = info });
            UnitRanges ranges = new(units);
            foreach (ulong address in addresses)
            {
                foreach (DebugUnit unit in ranges.At(address))
                {
                    InlineIndex index = new(units, unit, new RangeList(units), new InlineBudget());
                    FunctionNames names = new(units, _ => index.Scopes);
                    if (!index.TryFind(address, out IEnumerable<int> entries))
                        continue;
                    foreach (int entry in entries)
                        Assert.True(units.TryGet(entry, out DebugEntry call) && names.Of(call) is null or { Length: < 1 << 17 });
                }
            }
        }, iter: 60, threads: 1);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, Slowest);
    }

    [Fact]
    public void Calls_within_calls_without_end_are_cut_off()
    {
        // A function at 0x1000 of 0x1000 bytes (low_pc, high_pc by data4), and in it one inlined call in another, 200,000 deep, each all of it and each of itself.
        const int Depth = 200_000;
        byte[] abbreviations =
        [
            1, 0x11, 1, 0x11, 0x01, 0x12, 0x06, 0, 0,
            2, 0x2e, 1, 0x11, 0x01, 0x12, 0x06, 0x03, 0x08, 0, 0,
            3, 0x1d, 1, 0x31, 0x13, 0x11, 0x01, 0x12, 0x06, 0, 0,
            0,
        ];
        List<byte> info = [0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8];
        info.Add(1);
        AddRange();
        int function = info.Count;
        info.Add(2);
        AddRange();
        info.AddRange("f\0"u8);
        for (int i = 0; i < Depth; i++)
        {
            info.Add(3);
            info.AddRange(BitConverter.GetBytes(function));
            AddRange();
        }

        byte[] bytes = [.. info];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length - 4);
        DebugUnits units = new(new DebugSections { Info = bytes, Abbreviations = abbreviations });
        InlineBudget budget = new();
        Assert.Null(budget.Problem);
        InlineIndex index = new(units, units.All[0], new RangeList(units), budget);
        Assert.Contains("one within another", budget.Problem, StringComparison.Ordinal);
        Assert.True(index.TryFind(0x1800, out IEnumerable<int> entries));
        Assert.InRange(entries.Count(), InlineTable.Deepest, Depth / 2);

        void AddRange()
        {
            info.AddRange(BitConverter.GetBytes(0x1000UL));
            info.AddRange(BitConverter.GetBytes(0x1000));
        }
    }

    [Fact]
    public void What_the_budget_has_no_room_for_is_told()
    {
        InlineBudget entries = new(), rows = new();
        Assert.False(entries.TryRead(1 << 30));
        Assert.Contains("entries", entries.Problem, StringComparison.Ordinal);
        while (rows.TryKeep())
            Assert.Null(rows.Problem);
        Assert.Contains("too many to keep", rows.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_that_have_no_room_in_the_memory_that_they_share_are_told_of_once()
    {
        string path = Compile("-gdwarf-5");
        List<string> told = [];
        DebugMemory memory = new(DebugInformationOf(path) + 1);
        using ElfImage first = ElfImage.Open(path), second = ElfImage.Open(path);
        first.Types.ShareMemory(memory);
        second.Types.ShareMemory(memory);
        FunctionSymbol symbol = Assert.Single(first.Functions.Named("_ZN5outer5firstEi"));
        Assert.Contains(Enumerable.Range(0, (int)symbol.Size), i => first.Inlined.Find(symbol.Address + (ulong)i).Count > 0);
        Assert.Null(first.Inlined.Problem);
        Assert.DoesNotContain(Enumerable.Range(0, (int)symbol.Size), i => second.Inlined.Find(symbol.Address + (ulong)i).Count > 0);
        Assert.Contains("all images together", second.Inlined.Problem, StringComparison.Ordinal);
        using ImageStore store = new() { Told = told.Add };
        store.TellOf(first);
        store.TellOf(second);
        store.TellOf(second);
        Assert.Contains(path, Assert.Single(told), StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_debug_information_is_not_said_to_have_no_room()
    {
        string path = Compile("-gdwarf-5", "-gz=zlib");
        using (ElfImage whole = ElfImage.Open(path))
        using (FileStream file = File.OpenWrite(path))
        {
            file.Seek((long)Assert.Single(whole.Sections, section => section.Name == ".debug_info").FileOffset.Value + 40, SeekOrigin.Begin);
            file.Write(new byte[32]);
        }

        List<string> told = [];
        using ImageStore store = new() { Told = told.Add };
        ElfImage image = store.Open(path);
        Assert.Empty(image.Inlined.Find(Assert.Single(image.Functions.Named("_ZN5outer5firstEi")).Address));
        store.TellOf(image);
        string problem = Assert.Single(told);
        Assert.Contains("its debug information cannot be read: ", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("all images together", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("left", problem.Replace("left out", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-gdwarf-4")]
    [InlineData("-gdwarf-5")]
    public void Debug_information_in_files_of_its_own_is_told_with_what_to_do(string version)
    {
        List<string> told = [];
        using ImageStore store = new() { Told = told.Add };
        ElfImage image = store.Open(Compile(version, "-gsplit-dwarf"));
        store.TellOf(image);
        Assert.Empty(told);
        Assert.Empty(image.Inlined.Find(Assert.Single(image.Functions.Named("_ZN5outer5firstEi")).Address));
        store.TellOf(image);
        Assert.Contains("compile without -gsplit-dwarf", Assert.Single(told), StringComparison.Ordinal);
    }

    private static ulong DebugInformationOf(string path)
    {
        using ElfImage image = ElfImage.Open(path);
        return DebugSections.Read(image.File)!.Bytes;
    }

    private static string Short(SourceLine? source) => source is null ? "" : $"{Path.GetFileName(source.File)}:{source.Line}";

    // Of each address a line with it, and then pairs of lines: a function, and a place in it.
    private IEnumerable<(ulong Address, List<(string Name, string Source)> Calls)> AddressToLine(string image, FunctionSymbol function)
    {
        string[] addresses = [.. Enumerable.Range(0, (int)function.Size).Select(i => "0x" + (function.Address.Value + (ulong)i).ToString("x16", CultureInfo.InvariantCulture))];
        string[] lines = _workshop.Run("addr2line", ["-a", "-f", "-i", "-e", image, .. addresses]).TrimEnd().Split('\n');
        for (int i = 0; i < lines.Length;)
        {
            ulong address = ulong.Parse(lines[i++].AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            List<(string, string)> calls = [];
            for (; i < lines.Length && !lines[i].StartsWith("0x", StringComparison.Ordinal); i += 2)
                calls.Add((lines[i], Path.GetFileName(lines[i + 1].Split(" (discriminator")[0])));
            yield return (address, calls);
        }
    }

    private string Compile(params string[] flags)
    {
        File.WriteAllText(_workshop.PathOf("other.cc"), "extern \"C\" int other(int x) { return x; } int first(int); int main() { return 0; }\n");
        return _workshop.Compile("calls", "calls.cc", Source, ["-O2", "other.cc", .. flags]);
    }
}
