using Uprobes.Images;
using Uprobes.Registry;

namespace Uprobes.Tests.Images;

/// <summary>Lines of source to places in the code.</summary>
public sealed class SourceLookupTests : IDisposable
{
    private const string Source = """
        extern int other(int);
        static inline __attribute__((always_inline)) int twice(int x)
        {
            return other(x) + x;
        }

        int loops(int x)
        {
            int sum = 0;
            for (int i = 0; i < x; i++)
                sum += other(i);

            // nothing is here

            return sum;
        }
        int calls(int x) { return twice(x) * twice(x + 1) * loops(x); }
        """;

    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Theory]
    [InlineData("-gdwarf-3", "-O0")]
    [InlineData("-gdwarf-4", "-O2")]
    [InlineData("-gdwarf-5", "-O0")]
    [InlineData("-gdwarf-5", "-O2")]
    [InlineData("-gdwarf-5", "-O2", "-ffunction-sections")]
    public void A_line_begins_once_in_each_function_and_in_each_inlined_copy(params string[] flags)
    {
        using ElfImage image = ElfImage.Open(Compile(flags));
        foreach ((int line, int count) in ((int, int)[])[(8, 1), (10, 1), (11, 1), (17, 1), (4, 2)])
        {
            SourceLookup found = SourceLookup.Find(image, "lines.c", line, null);
            Assert.Null(found.Problem);
            Assert.Null(found.Notice);
            Assert.Equal((line, count), (line, found.Places.Count));
            foreach (SourcePlace place in found.Places)
            {
                Assert.EndsWith("lines.c", place.Path, StringComparison.Ordinal);
                Assert.Equal(line, place.Line);
                Assert.True(image.IsExecutable(place.Offset));
            }
        }

        Assert.Equal(Assert.Single(image.Functions.Named("loops")).Offset, SourceLookup.Find(image, "lines.c", 8, null).Places[0].Offset);
        Assert.All(SourceLookup.Find(image, "lines.c", 4, null).Places, place =>
            Assert.True(image.Functions.TryFind(place.Offset, out FunctionBounds bounds) && bounds.Name == "calls"));
    }

    [Fact]
    public void Of_a_line_without_code_the_next_one_is_taken_and_that_is_told()
    {
        using ElfImage image = ElfImage.Open(Compile("-gdwarf-5", "-O0"));
        SourceLookup found = SourceLookup.Find(image, "lines.c", 12, null);
        Assert.Equal(15, Assert.Single(found.Places).Line);
        Assert.Equal("lines.c:12 has no code: line 15 is taken, the next one that has some", found.Notice);
    }

    [Fact]
    public void A_file_is_meant_by_the_last_parts_of_its_path()
    {
        using ElfImage image = ElfImage.Open(Compile("-gdwarf-5", "-O0"));
        string folder = Path.GetFileName(_workshop.Folder);
        foreach (string name in (string[])["lines.c", $"{folder}/lines.c", "./lines.c", _workshop.PathOf("lines.c")])
            Assert.Single(SourceLookup.Find(image, name, 10, null).Places);
        foreach (string name in (string[])["ines.c", "other/lines.c", "/lines.c"])
            Assert.Contains("comes from a file called", SourceLookup.Find(image, name, 10, null).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_column_picks_one_of_the_statements_of_a_line()
    {
        using ElfImage image = ElfImage.Open(Compile("-gdwarf-5", "-O0"));
        // The beginning of the function is at column 18.
        string problem = SourceLookup.Find(image, "lines.c", 17, 99).Problem!;
        Assert.StartsWith("no statement of lines.c:17 begins at column 99: they do at ", problem, StringComparison.Ordinal);
        int column = int.Parse(problem.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Single(SourceLookup.Find(image, "lines.c", 17, column).Places);
    }

    [Fact]
    public void What_is_not_there_is_told_with_what_to_do()
    {
        using ElfImage image = ElfImage.Open(Compile("-gdwarf-5"));
        Assert.Contains("lines.c", SourceLookup.Find(image, "line.c", 1, null).OtherNames);
        Assert.EndsWith("the last line with code is 17", SourceLookup.Find(image, "lines.c", 18, null).Problem, StringComparison.Ordinal);
        using ElfImage bare = ElfImage.Open(Compile("-g0"));
        SourceLookup nothing = SourceLookup.Find(bare, "lines.c", 1, null);
        Assert.Contains("has no debug information", nothing.Problem, StringComparison.Ordinal);
        Assert.Equal("compile it with -g", nothing.Hint);
    }

    [Fact]
    public void Points_of_a_line_are_those_of_its_places()
    {
        using ElfImage image = ElfImage.Open(Compile("-gdwarf-5", "-O2"));
        IReadOnlyList<ProbePoint> points = ProbePoint.AtLine(image, "lines.c", 4);
        Assert.Equal(SourceLookup.Find(image, "lines.c", 4, null).Places.Select(place => (FileOffset?)place.Offset), points.Select(point => point.Offset));
        Assert.All(points, point => Assert.Equal("calls", point.Function));
        Assert.Equal(ProbeRefusalReason.NoSuchSymbol, Assert.Throws<ProbeRefusedException>(() => ProbePoint.AtLine(image, "lines.c", 100)).Refusal.Reason);
    }

    private string Compile(params string[] flags) => _workshop.Compile("lines.so", "lines.c", Source, ["-shared", "-fPIC", .. flags]);
}
