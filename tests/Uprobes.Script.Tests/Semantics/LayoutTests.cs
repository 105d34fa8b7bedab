using Uprobes.Script.Semantics;

namespace Uprobes.Script.Tests.Semantics;

/// <summary>Sizes and offsets are those that gcc gives for the same text on x86-64.</summary>
public class LayoutTests
{
    private const string Definitions = """
        struct a { char c; int i; short s; };
        struct b { char c; long l; char d; };
        struct c { int a:3; int b:5; int c:30; char d; };
        struct d { char a; int b:4; short c:9; long e:40; char f; };
        struct e { unsigned a:1; unsigned :0; unsigned b:1; char c; };
        struct __attribute__((packed)) f { char c; int i; short s; };
        struct g { struct a in[2]; union { char x; double y; }; char t; };
        union h { char c[5]; int i; };
        struct i { char c; struct { short s; char t; }; char u; };
        struct j { char n[3]; uint16_t v; uint8_t w[]; };
        struct k { long double x; char c; };
        struct l { char a:2; char b:7; char c; };
        struct __attribute__((packed)) m { unsigned a:5; unsigned b:30; char c; };
        struct n { unsigned long a:33; unsigned b:10; unsigned char c:6; };

        """;

    private static StructLayout Layout(string name) => Checking.Script(Definitions + "BEGIN { @ = 1; }").Types.FindStruct(name)!;

    [Theory]
    [InlineData("a", 12, 4)]
    [InlineData("b", 24, 8)]
    [InlineData("c", 12, 4)]
    [InlineData("d", 16, 8)]
    [InlineData("e", 8, 4)]
    [InlineData("f", 7, 1)]
    [InlineData("g", 40, 8)]
    [InlineData("h", 8, 4)]
    [InlineData("i", 8, 2)]
    [InlineData("j", 6, 2)]
    [InlineData("k", 32, 16)]
    [InlineData("l", 3, 1)]
    [InlineData("m", 6, 1)]
    [InlineData("n", 8, 8)]
    public void A_struct_is_as_large_as_in_C(string name, int size, int alignment)
    {
        StructLayout layout = Layout(name);
        Assert.Equal((size, alignment), (layout.Size, layout.Alignment));
    }

    [Theory]
    [InlineData("c", "a", 0, 3)]
    [InlineData("c", "b", 3, 5)]
    [InlineData("c", "c", 32, 30)]
    [InlineData("c", "d", 64, 0)]
    [InlineData("d", "b", 8, 4)]
    [InlineData("d", "c", 16, 9)]
    [InlineData("d", "e", 64, 40)]
    [InlineData("d", "f", 104, 0)]
    [InlineData("e", "b", 32, 1)]
    [InlineData("e", "c", 40, 0)]
    [InlineData("l", "b", 8, 7)]
    [InlineData("m", "a", 0, 5)]
    [InlineData("m", "b", 5, 30)]
    [InlineData("m", "c", 40, 0)]
    [InlineData("n", "a", 0, 33)]
    [InlineData("n", "b", 33, 10)]
    [InlineData("n", "c", 48, 6)]
    [InlineData("i", "s", 16, 0)]
    [InlineData("i", "t", 32, 0)]
    [InlineData("i", "u", 48, 0)]
    [InlineData("g", "y", 192, 0)]
    [InlineData("g", "t", 256, 0)]
    [InlineData("j", "v", 32, 0)]
    [InlineData("j", "w", 48, 0)]
    public void A_field_lies_where_it_does_in_C(string name, string field, int bit, int width)
    {
        StructField found = Layout(name).Find(field)!;
        Assert.Equal((bit, width), (found.Offset * 8 + found.BitOffset, found.Bits));
    }
}
