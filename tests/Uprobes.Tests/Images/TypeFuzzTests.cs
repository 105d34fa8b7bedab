using System.Buffers.Binary;
using System.Diagnostics;
using CsCheck;
using Uprobes.Images;
using Uprobes.Images.Types;

namespace Uprobes.Tests.Images;

/// <summary>Whatever debug information holds, reading types of it ends, in bounded time and memory.</summary>
public sealed class TypeFuzzTests : IDisposable
{
    private const string Source = """
        namespace space { struct Base { int a; virtual void f(); }; struct Derived : Base { union { long b; double c; }; Base *next; int bits : 5; char text[12]; }; void Base::f() { } }
        enum Color { Red, Green }; typedef space::Derived derived_t; struct Pair { long a; double b; };
        long visit(derived_t *d, Pair p, Color c, const char *s, double f, space::Derived &r) { return d->b + (long)p.a + c + *s + (long)f + r.bits; }
        """;

    private static readonly TimeSpan Slowest = TimeSpan.FromSeconds(60);
    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Theory]
    [InlineData("-gdwarf-4")]
    [InlineData("-gdwarf-5")]
    public void Changed_bytes_give_types_or_none(string version)
    {
        DebugSections whole = Sections(version);
        int info = whole.Info.Length, abbreviations = whole.Abbreviations.Length;
        var watch = Stopwatch.StartNew();
        Check.Sample(Gen.Select(Gen.Int[0, info + abbreviations - 1], Gen.Byte).Array[1, 8], changes =>
        {
            (byte[] changedInfo, byte[] changedAbbreviations) = ([.. whole.Info], [.. whole.Abbreviations]);
            foreach ((int at, byte value) in changes)
            {
                if (at < info)
                    changedInfo[at] = value;
                else
                    changedAbbreviations[at - info] = value;
            }

            Examine(whole with { Info = changedInfo, Abbreviations = changedAbbreviations });
        }, iter: 1500, threads: 1);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, Slowest);
    }

    [Fact]
    public void Sections_that_end_anywhere_give_types_or_none()
    {
        DebugSections whole = Sections("-gdwarf-5");
        Check.Sample(Gen.Select(Gen.Int[0, whole.Info.Length], Gen.Int[0, whole.Abbreviations.Length]), ends =>
            Examine(whole with { Info = whole.Info[..ends.Item1], Abbreviations = whole.Abbreviations[..ends.Item2], Texts = [], LineTexts = [] }), iter: 300, threads: 1);
    }

    [Fact]
    public void Units_that_each_claim_a_long_table_of_abbreviations_take_no_longer_than_the_section()
    {
        // 60,000 units of 12 bytes, each of which has its abbreviations begin one byte later in a section of a million bytes.
        const int Units = 60_000, UnitBytes = 12;
        byte[] info = new byte[Units * UnitBytes];
        for (int i = 0; i < Units; i++)
        {
            Span<byte> unit = info.AsSpan(i * UnitBytes, UnitBytes);
            BinaryPrimitives.WriteUInt32LittleEndian(unit, UnitBytes - 4);
            BinaryPrimitives.WriteUInt16LittleEndian(unit[4..], 4);
            BinaryPrimitives.WriteUInt32LittleEndian(unit[6..], (uint)i);
            unit[10] = 8;
            unit[11] = 1;
        }

        // Each five bytes an abbreviation without attributes.
        byte[] abbreviations = new byte[1_000_000];
        for (int i = 0; i < abbreviations.Length; i++)
            abbreviations[i] = (i % 5) switch { 0 => 1, 1 => 0x13, 2 => 1, _ => 0 };
        var watch = Stopwatch.StartNew();
        Examine(new DebugSections { Info = info, Abbreviations = abbreviations });
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, Slowest);
    }

    [Fact]
    public void Types_that_consist_of_themselves_are_described_and_have_no_size()
    {
        // A unit with a typedef of itself at 12 (DW_TAG_typedef, DW_AT_type by DW_FORM_ref1), and a struct at 14 that has itself as a member without a name.
        byte[] abbreviations =
        [
            1, 0x11, 1, 0, 0,
            2, 0x16, 0, 0x49, 0x11, 0, 0,
            3, 0x13, 1, 0, 0,
            4, 0x0d, 0, 0x49, 0x11, 0, 0,
            5, 0x01, 0, 0x49, 0x11, 0, 0,
            0,
        ];
        byte[] info =
        [
            0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8,
            1, // 11
            2, 12, // 12: typedef of itself
            3, 4, 14, 4, 14, 4, 14, 0, // 14: struct of three of itself
            5, 22, // 22: array of itself
            0,
        ];
        BinaryPrimitives.WriteInt32LittleEndian(info, info.Length - 4);
        TypeReader reader = new(new DebugUnits(new DebugSections { Info = info, Abbreviations = abbreviations }));
        Assert.IsType<TypedefDescription>(reader.Describe(new TypeId(12)));
        Assert.True(reader.Resolve(new TypeId(12)).Offset < 0);
        Assert.Null(reader.SizeOf(new TypeId(12)));
        Assert.Empty(Assert.IsType<StructTypeDescription>(reader.Describe(new TypeId(14))).Members);
        Assert.Null(reader.SizeOf(new TypeId(22)));
        Assert.Contains("…", new TypeText(reader).Of(new TypeId(22)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_struct_of_a_million_long_names_is_left_out_and_told_of()
    {
        // DW_TAG_structure_type with members that all have one name of 4,000 characters, which ends anywhere in a longer text.
        HostileInformation made = new();
        made.Struct(Enumerable.Range(0, 1_000_000).Select(i => i % 90));
        DebugUnits units = new(made.Sections with { TypeBytes = 64 << 20 });
        Measure(() =>
        {
            TypeReader reader = new(units);
            Assert.Contains("left out", Assert.IsType<UnknownTypeDescription>(reader.Describe(new TypeId(HostileInformation.First))).Reason, StringComparison.Ordinal);
        });
        Assert.Equal("the types and names of the debug information take more than 64 MiB: what comes behind that is left out", units.Budget.Problem);
    }

    [Fact]
    public void Names_that_are_all_in_the_middle_of_one_long_text_are_not_gone_through_without_end()
    {
        HostileInformation made = new();
        for (int i = 0; i < 600_000; i++)
            made.Base(i % 90);
        DebugUnits units = new(made.Sections with { TypeBytes = 6 << 20 });
        Measure(() =>
        {
            EntryIndex index = new(units, units.All);
            Assert.Empty(index.Find("x", NamedKind.Base));
        });
        Assert.NotNull(units.Budget.Problem);
    }

    [Fact]
    public void Entries_of_hundreds_of_attributes_in_no_bytes_are_given_up()
    {
        // Each byte of the section is an entry with 255 attributes that are in the abbreviation.
        HostileInformation made = new();
        made.Empty(1_000_000);
        DebugUnits units = new(made.Sections);
        Measure(() => Assert.Empty(new EntryIndex(units, units.All).Find("x", NamedKind.Struct)));
        Assert.Equal("the debug information refers to itself so often that looking through it was given up: it is damaged, or was made to take long", units.Budget.Problem);
        units.Budget.Begin();
        Assert.True(units.Budget.TrySpend(1));
    }

    [Fact]
    public void Sections_have_one_limit_together()
    {
        string path = _workshop.Compile("limit.so", "limit.cc", Source, "-g", "-shared", "-fPIC");
        using ElfImage whole = ElfImage.Open(path);
        int info = Assert.IsType<DebugSections>(DebugSections.Read(whole.File)).Info.Length;
        using ElfImage image = ElfImage.Open(path, new ReadLimits { DebugInfoBytes = (ulong)info + 1 });
        ImageException refused = Assert.Throws<ImageException>(() => DebugSections.Read(image.File));
        Assert.Contains($"of {info + 1} bytes for all debug information", refused.Message, StringComparison.Ordinal);
    }

    private static void Measure(Action action)
    {
        var watch = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 512L << 20);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, Slowest);
    }

    private static void Examine(DebugSections sections)
    {
        DebugUnits units = new(sections);
        EntryIndex index = new(units, units.All);
        TypeReader reader = new(units);
        TypeText text = new(reader);
        foreach (string name in (string[])["Base", "Derived", "derived_t", "Color", "Pair", "Green"])
        {
            foreach (NamedKind kind in Enum.GetValues<NamedKind>())
            {
                foreach (DebugEntry entry in index.Find(name, kind))
                    Walk(new TypeId(entry.Offset), 4);
            }
        }

        RangeList ranges = new(units);
        foreach (DebugUnit unit in units.All.Take(100))
        {
            if (units.TryGet(unit.FirstEntry, out DebugEntry root))
                _ = ranges.Of(root);
        }

        void Walk(TypeId type, int left)
        {
            Assert.NotNull(text.Of(type));
            _ = reader.SizeOf(type);
            if (left == 0)
                return;
            switch (reader.Describe(reader.Resolve(type)))
            {
                case StructTypeDescription description:
                    foreach (MemberDescription member in description.Members.Take(20))
                        Walk(member.Type, left - 1);
                    break;
                case PointerTypeDescription pointer:
                    Walk(pointer.Target, left - 1);
                    break;
                case ArrayTypeDescription array:
                    Walk(array.Element, left - 1);
                    break;
            }
        }
    }

    private DebugSections Sections(string version)
    {
        using ElfImage image = ElfImage.Open(_workshop.Compile("fuzz.so", "fuzz.cc", Source, "-g", version, "-shared", "-fPIC"));
        return Assert.IsType<DebugSections>(DebugSections.Read(image.File));
    }
}
