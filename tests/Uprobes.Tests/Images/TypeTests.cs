using System.Globalization;
using Uprobes.Images;
using Uprobes.Images.Types;
using Uprobes.Images.Types.X64;

namespace Uprobes.Tests.Images;

/// <summary>Types and parameters read from debug information, compared with what the compiled program itself says of them.</summary>
public sealed class TypeTests : IDisposable
{
    private const string Program = """
        #include <stddef.h>
        #include <stdio.h>
        #include <string.h>
        #include <stdbool.h>
        enum color { RED, GREEN = 5, BLUE = -7 };
        typedef struct { short x; long y; } point_t;
        struct tail { int count; char text[]; };
        struct __attribute__((packed)) packed { char a; long b; unsigned wide : 31; unsigned across : 30; };
        struct node {
            struct node *next; const char *name; unsigned low : 3; unsigned : 5; unsigned high : 7; signed s : 5; bool flag; bool bit : 1;
            union { long number; double fraction; }; struct { char a; int b; }; point_t at; enum color color; int grid[2][3]; void (*call)(int); unsigned long long big : 40;
            volatile unsigned char bytes[3];
        };
        struct node node; struct packed packed; struct tail tail; point_t point;
        #define FIELD(v, f) printf("%s.%s %ld 0\n", #v, #f, (long)((char *)&v.f - (char *)&v));
        #define BITS(v, f) { memset(&v, 0, sizeof v); v.f = -1; int first = -1, count = 0; \
            for (int i = 0; i < (int)sizeof v * 8; i++) if (((unsigned char *)&v)[i / 8] >> (i % 8) & 1) { if (first < 0) first = i; count++; } \
            printf("%s.%s %d %d\n", #v, #f, first, count); }
        int main(void)
        {
            FIELD(node, next) FIELD(node, name) BITS(node, low) BITS(node, high) BITS(node, s) FIELD(node, flag) BITS(node, bit) FIELD(node, number) FIELD(node, fraction)
            FIELD(node, a) FIELD(node, b) FIELD(node, at) FIELD(node, color) FIELD(node, grid) FIELD(node, call) BITS(node, big) FIELD(node, bytes)
            FIELD(packed, a) FIELD(packed, b) BITS(packed, wide) BITS(packed, across) FIELD(tail, count) FIELD(tail, text)
            printf("sizes %d %d %d %d\n", (int)sizeof node, (int)sizeof packed, (int)sizeof tail, (int)sizeof point);
            return 0;
        }
        """;

    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Theory]
    [InlineData("-gdwarf-2", "-gstrict-dwarf")]
    [InlineData("-gdwarf-3")]
    [InlineData("-gdwarf-4")]
    [InlineData("-gdwarf-5")]
    [InlineData("-gdwarf-5", "-gz=zlib")]
    [InlineData("-gdwarf-5", "-gdwarf64")]
    [InlineData("-gdwarf-5", "-fdebug-types-section")]
    public void Members_are_where_the_compiler_puts_them(params string[] flags)
    {
        string path = _workshop.Compile("program", "program.c", Program, flags);
        using ElfImage image = ElfImage.Open(path);
        string[] lines = _workshop.Run(path).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Empty(image.Types.Problems);
        foreach (string line in lines[..^1])
        {
            string[] words = line.Split(' ', '.');
            StructTypeDescription description = Struct(image, words[0]);
            MemberDescription member = Assert.Single(description.Members, m => m.Name == words[1]);
            (int position, int bits) = (int.Parse(words[2], CultureInfo.InvariantCulture), int.Parse(words[3], CultureInfo.InvariantCulture));
            Assert.Equal((words[1], bits == 0 ? position * 8 : position, bits), (member.Name, member.BitPosition, member.BitSize));
        }

        Assert.Equal(lines[^1], $"sizes {Struct(image, "node").Size} {Struct(image, "packed").Size} {Struct(image, "tail").Size} {Struct(image, "point_t").Size}");
    }

    [Fact]
    public void Types_are_told_apart_and_written_as_C_does()
    {
        using ElfImage image = ElfImage.Open(_workshop.Compile("program", "program.c", Program, "-g"));
        TypeTable types = image.Types;
        StructTypeDescription node = Struct(image, "node");
        string Text(string member) => types.TextOf(node.Members.Single(m => m.Name == member).Type);
        string[] members = ["next", "name", "low", "flag", "at", "color", "grid", "call", "bytes"];
        Assert.Equal(
            ["struct node *", "const char *", "unsigned int", "_Bool", "point_t", "enum color", "int[2][3]", "void (*)()", "volatile unsigned char[3]"],
            members.Select(Text));
        EnumTypeDescription color = Assert.IsType<EnumTypeDescription>(types.Describe(types.Find("color", NamedKind.Enum, null)!.Value));
        Assert.Equal([("RED", 0L), ("GREEN", 5L), ("BLUE", -7L)], color.Constants);
        Assert.Equal(-7, types.FindConstant("BLUE", null)?.Value);
        Assert.Null(types.FindConstant("color", null));
        Assert.Null(types.Find("nobody", NamedKind.Struct, null));
        ArrayTypeDescription text = Assert.IsType<ArrayTypeDescription>(types.Describe(Struct(image, "tail").Members[1].Type));
        Assert.Equal([null], text.Counts);
        Assert.Equal(24, types.SizeOf(node.Members.Single(m => m.Name == "grid").Type));
    }

    [Theory]
    [InlineData("void f(int a, char *b, long c)", "0 1 2")]
    [InlineData("void f(int a, double b, long c, float d, char e)", "0 - 1 - 2")]
    [InlineData("void f(int a, int b, int c, int d, int e, int g, int h, long i)", "0 1 2 3 4 5 6 7")]
    [InlineData("struct big { long a[3]; }; void f(int a, struct big b, int c)", "0 stack0 1")]
    [InlineData("struct big { long a[3]; }; void f(int a, int b, int c, int d, int e, int g, struct big h, int i)", "0 1 2 3 4 5 stack0 9")]
    [InlineData("struct two { long a, b; }; void f(int a, struct two b, int c)", "0 - 3")]
    [InlineData("struct two { long a, b; }; void f(int a, int b, int c, int d, int e, struct two g, int h)", "0 1 2 3 4 stack0 5")]
    [InlineData("struct mixed { long a; double b; }; void f(struct mixed a, int b)", "- 1")]
    [InlineData("struct floats { float a, b, c; }; void f(struct floats a, int b)", "- 0")]
    [InlineData("struct small { char a; short b; }; void f(struct small a, int b)", "- 1")]
    [InlineData("void f(long double a, int b, __int128 c, int d)", "- 0 - 3")]
    [InlineData("struct __attribute__((packed)) odd { char a; long b; }; void f(struct odd a, int b)", "stack0 0")]
    [InlineData("struct big { long a[3]; }; struct big f(int a, long b)", "1 2")]
    [InlineData("struct two { long a, b; }; struct two f(int a, long b)", "0 1")]
    [InlineData("void f(double a, double b, double c, double d, double e, double g, double h, double i, double j, int k)", "- - - - - - - - - 0")]
    [InlineData("enum e { A }; typedef enum e e_t; void f(const e_t a, _Bool b, void (*c)(void))", "0 1 2")]
    [InlineData("void f(const char *format, int a, ...)", "0 1")]
    public void Parameters_are_in_the_registers_of_the_calling_convention(string declaration, string places)
    {
        using ElfImage image = ElfImage.Open(_workshop.Compile("f.so", "f.c", declaration + " { __builtin_trap(); }", "-g", "-shared", "-fPIC", "-Wno-psabi"));
        FunctionSignature function = Function(image, "f");
        Assert.Equal(places, string.Join(' ', function.Parameters.Select(p => p.Place.Kind switch
        {
            PlaceKind.Word => p.Place.Index.ToString(CultureInfo.InvariantCulture),
            PlaceKind.Stack => $"stack{p.Place.Index}",
            PlaceKind.Address => $"&{p.Place.Index}",
            _ => "-",
        })));
        Assert.All(function.Parameters, parameter => Assert.Equal(parameter.Place.Kind == PlaceKind.Nowhere, parameter.Place.Reason is not null));
    }

    [Theory]
    [InlineData("-gdwarf-4")]
    [InlineData("-gdwarf-5")]
    [InlineData("-gdwarf-5", "-O2")]
    [InlineData("-gdwarf-5", "-fdebug-types-section")]
    public void Classes_have_bases_methods_and_values_that_are_handed_over_by_address(params string[] flags)
    {
        const string Source = """
            namespace space {
                struct Base { int first; virtual void act(); };
                struct Other { char letter; };
                class Derived : public Base, public Other {
                public:
                    void act() override;
                    static int shared;
                    long second;
                    int method(int &a, const Derived &b, Other c);
                    struct Inner { int value; } inner;
                };
                enum class Color : unsigned char { Red, Green = 200 };
                struct Owner { int *held; ~Owner(); };
                void Base::act() { }
                void Derived::act() { }
                int Derived::shared;
                int Derived::method(int &a, const Derived &b, Other c) { return a + (int)b.second + c.letter; }
                struct Holder { Owner held; }; struct Plain { Plain() = default; Plain(const Plain &) = default; ~Plain() = default; int value; }; struct Copied { Copied(const Copied &); int value; };
                Owner make(Color color, Owner owner, Derived *derived, Holder holder, Plain plain, Copied copied, Base base) { return Owner { nullptr }; }
                Owner::~Owner() { }
            }
            """;
        using ElfImage image = ElfImage.Open(_workshop.Compile("classes.so", "classes.cc", Source, ["-shared", "-fPIC", .. flags]));
        // The base first, then the members of its own; what is static, and what the compiler adds, is no member.
        // In units of their own, classes are outside of their namespaces.
        string scope = flags.Contains("-fdebug-types-section") ? "" : "space::";
        StructTypeDescription derived = Struct(image, scope + "Derived");
        Assert.Equal(["first", "letter", "second", "inner"], derived.Members.Select(m => m.Name));
        Assert.Equal([8, 12, 16, 24], derived.Members.Select(m => m.Offset));
        Assert.Equal("class", derived.Keyword);
        Assert.Equal("value", Assert.Single(Struct(image, scope.Length == 0 ? "Inner" : "space::Derived::Inner").Members).Name);
        FunctionSignature method = Function(image, "space::Derived::method");
        Assert.Equal(["this", "a", "b", "c"], method.Parameters.Select(p => p.Name));
        Assert.Equal([0, 1, 2], method.Parameters.Take(3).Select(p => p.Place.Index));
        Assert.Equal(["int &", "const class Derived &"], method.Parameters.Skip(1).Take(2).Select(p => image.Types.TextOf(p.Type)));
        FunctionSignature make = Function(image, "space::make");
        Assert.Equal([new ValuePlace(PlaceKind.Word, 1), new ValuePlace(PlaceKind.Address, 2), new ValuePlace(PlaceKind.Word, 3), new ValuePlace(PlaceKind.Address, 4)], make.Parameters.Take(4).Select(p => p.Place));
        Assert.Equal([PlaceKind.Nowhere, PlaceKind.Word, PlaceKind.Word], make.Parameters.Skip(4).Select(p => p.Place.Kind == PlaceKind.Address ? PlaceKind.Word : p.Place.Kind));
        Assert.Equal([6, 7], make.Parameters.Skip(5).Select(p => p.Place.Index));
        Assert.Equal(PlaceKind.Address, make.ResultPlace.Kind);
        EnumTypeDescription color = Assert.IsType<EnumTypeDescription>(image.Types.Describe(image.Types.Resolve(make.Parameters[0].Type)));
        Assert.Equal((1, 200L), (color.Size, color.Constants[1].Value));
        Assert.Equal(200, image.Types.FindConstant("Green", null)?.Value);
    }

    [Fact]
    public void A_struct_that_one_file_only_declares_is_found_where_another_defines_it()
    {
        File.WriteAllText(_workshop.PathOf("other.c"), "struct hidden { int secret; }; struct hidden given; struct hidden *give(void) { return &given; }");
        using ElfImage image = ElfImage.Open(_workshop.Compile("f.so", "f.c", "struct hidden; void f(struct hidden *h) { }", "-g", "-shared", "-fPIC", "other.c"));
        PointerTypeDescription pointer = Assert.IsType<PointerTypeDescription>(image.Types.Describe(Function(image, "f").Parameters[0].Type));
        Assert.True(Assert.IsType<StructTypeDescription>(image.Types.Describe(pointer.Target)).IsDeclaration);
        StructTypeDescription defined = Assert.IsType<StructTypeDescription>(image.Types.Describe(image.Types.DefinitionOf(pointer.Target)));
        Assert.Equal("secret", Assert.Single(defined.Members).Name);
    }

    [Fact]
    public void A_separate_debug_file_is_read_and_without_any_nothing_is_known()
    {
        string path = _workshop.Compile("f.so", "f.c", "struct s { int a; }; int f(struct s *p) { return p->a; }", "-g", "-shared", "-fPIC");
        _workshop.Run("objcopy", "--only-keep-debug", path, "f.debug");
        _workshop.Run("strip", "--strip-debug", path);
        using (ElfImage bare = ElfImage.Open(path))
        {
            Assert.False(bare.Types.IsPresent);
            Assert.Null(bare.Types.FindFunction(Assert.Single(bare.Functions.Named("f")).Address));
            Assert.Null(bare.Types.Find("s", NamedKind.Struct, null));
        }

        _workshop.Run("objcopy", "--add-gnu-debuglink=f.debug", path);
        using ElfImage image = ElfImage.Open(path);
        Assert.Equal("struct s * p", string.Join(", ", Function(image, "f").Parameters.Select(p => $"{image.Types.TextOf(p.Type)} {p.Name}")));
    }

    [Theory]
    [InlineData("-gdwarf-4", ".gnu_debugaltlink")]
    [InlineData("-gdwarf-5", ".gnu_debugaltlink")]
    [InlineData("-gdwarf-5", ".debug_sup", "--dwarf-5")]
    public void What_several_debug_files_share_is_read(string version, string link, params string[] options)
    {
        const string Shared = "enum color { red, green = 7 }; struct leaf { long weight; char text[40]; }; struct shared { int number; struct leaf *leaf; enum color color; struct { short low, high; } inner; };";
        // dwz moves only what is large enough, and in several files.
        string more = string.Concat(Enumerable.Range(0, 60).Select(i => $"struct filler_{i} {{ int first_{i}, second_{i}; struct shared *next_{i}; }}; struct filler_{i} *keep_{i};"));
        string[] paths = [.. Enumerable.Range(0, 3).Select(i => _workshop.Compile($"s{i}.so", $"s{i}.c", $"{Shared}{more} long f{i}(struct shared *given, enum color c) {{ return given->number + c; }}",
            "-g", version, "-shared", "-fPIC"))];
        _workshop.Run("dwz", [.. options, "-m", "common.debug", "-M", "common.debug", .. paths]);
        using (ElfImage image = ElfImage.Open(paths[1]))
        {
            Assert.NotNull(image.File.FindSection(link));
            FunctionSignature function = Function(image, "f1");
            Assert.Equal("struct shared * given, enum color c", string.Join(", ", function.Parameters.Select(p => $"{image.Types.TextOf(p.Type)} {p.Name}")));
            Assert.Equal(["number", "leaf", "color", "inner"], Struct(image, "shared").Members.Select(m => m.Name));
            Assert.Equal(48, image.Types.SizeOf(image.Types.Find("leaf", NamedKind.Struct, function)!.Value));
            Assert.Equal(7, image.Types.FindConstant("green", null)?.Value);
            Assert.EndsWith("s1.c", image.Lines.Find(Assert.Single(image.Functions.Named("f1")).Address)?.File, StringComparison.Ordinal);
            Assert.Empty(image.Types.Problems);
        }

        File.Move(_workshop.PathOf("common.debug"), _workshop.PathOf("elsewhere.debug"));
        using ElfImage without = ElfImage.Open(paths[1]);
        _ = without.Types.FindFunction(Assert.Single(without.Functions.Named("f1")).Address);
        Assert.Contains(without.Types.Problems, problem => problem.Contains("common.debug", StringComparison.Ordinal) && problem.Contains("not found", StringComparison.Ordinal));
        File.Copy(paths[0], _workshop.PathOf("common.debug"));
        using ElfImage wrong = ElfImage.Open(paths[1]);
        _ = wrong.Types.Find("leaf", NamedKind.Struct, null);
        Assert.Contains(wrong.Types.Problems, problem => problem.Contains("belongs to another build", StringComparison.Ordinal));
    }

    [Fact]
    public void Types_in_sections_of_their_own_are_read()
    {
        using ElfImage image = ElfImage.Open(_workshop.Compile("t.so", "t.cc",
            "enum Color { Red, Green = 5 }; struct Leaf { long weight; }; struct Node { Node *next; Leaf leaf; Color color; }; long f(Node *node, Leaf *leaf, Color color) { return node->leaf.weight + leaf->weight + color; }",
            "-g", "-gdwarf-4", "-fdebug-types-section", "-shared", "-fPIC"));
        Assert.NotNull(image.File.FindSection(".debug_types"));
        FunctionSignature function = Function(image, "_Z1fP4NodeP4Leaf5Color");
        Assert.Equal("struct Node * node, struct Leaf * leaf, enum Color color", string.Join(", ", function.Parameters.Select(p => $"{image.Types.TextOf(p.Type)} {p.Name}")));
        StructTypeDescription node = Assert.IsType<StructTypeDescription>(image.Types.Describe(image.Types.Resolve(Assert.IsType<PointerTypeDescription>(image.Types.Describe(image.Types.Resolve(function.Parameters[0].Type))).Target)));
        Assert.Equal([("next", 0L), ("leaf", 64), ("color", 128)], node.Members.Select(m => (m.Name, m.BitPosition)));
        Assert.Equal(24, image.Types.SizeOf(image.Types.Find("Node", NamedKind.Struct, function)!.Value));
        Assert.Equal(5, image.Types.FindConstant("Green", function)?.Value);
        Assert.Empty(image.Types.Problems);
    }

    [Fact]
    public void What_is_in_files_of_their_own_is_told_of()
    {
        using ElfImage split = ElfImage.Open(_workshop.Compile("split.so", "f.c", "int f(int a) { return a; }", "-g", "-gsplit-dwarf", "-shared", "-fPIC"));
        Assert.Null(split.Types.FindFunction(Assert.Single(split.Functions.Named("f")).Address));
        Assert.Contains(split.Types.Problems, problem => problem.Contains("-gsplit-dwarf", StringComparison.Ordinal));
    }

    private static StructTypeDescription Struct(ElfImage image, string name)
    {
        TypeId found = (image.Types.Find(name, NamedKind.Struct, null) ?? image.Types.Find(name, NamedKind.Typedef, null))!.Value;
        return Assert.IsType<StructTypeDescription>(image.Types.Describe(image.Types.Resolve(found)));
    }

    private static FunctionSignature Function(ElfImage image, string name) =>
        Assert.IsType<FunctionSignature>(image.Types.FindFunction(Assert.Single(image.Functions.Named(name).DistinctBy(f => f.Offset)).Address));
}
