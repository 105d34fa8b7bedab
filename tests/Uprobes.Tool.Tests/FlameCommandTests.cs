using System.Globalization;
using System.Xml.Linq;
using Uprobes.Stacks;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>flame, from the command line to the file.</summary>
public sealed class FlameCommandTests : IDisposable
{
    private const string Svg = "{http://www.w3.org/2000/svg}";
    private const string Hostile = "</title></g><script>alert(1)</script>&\"'<!--\e[2J\0\ud800\uffff]]>";
    private static readonly FakeImage Image = new("/lib/libc.so.6", new FunctionInfo("malloc", 0x100, 16));
    private readonly string _directory = Directory.CreateTempSubdirectory("uprobe-flame-").FullName;

    [Fact]
    public void The_graph_is_well_formed_and_says_what_was_probed()
    {
        var svg = Draw(s => s.HitFrom([1, 2, 3]));
        Assert.Equal("libc:malloc in process 2147483647", svg.Element(Svg + "title")!.Value);
        Assert.Contains("1 call; 1 in 1 stack", svg.Elements(Svg + "text").Select(t => t.Value));
        Assert.Equal(["all", "f3", "f2", "f1"], Frames(svg).Select(f => f.Name));
        Assert.Equal("f2\n/lib/libx.so.1\n1 call, 100.0%", svg.Descendants(Svg + "g").ElementAt(3).Element(Svg + "title")!.Value);
        Assert.Single(svg.Elements(Svg + "script"));
    }

    [Fact]
    public void Inlined_calls_are_calls_of_the_graph()
    {
        var svg = Draw(s =>
        {
            s.Stacks.Inlined[2] = [new StackFrame(2, "inner", 0, "/lib/libx.so.1", 2) { IsInlined = true }];
            s.HitFrom([1, 2]);
        });
        Assert.Equal(["all", "f2", "inner", "f1"], Frames(svg).Select(f => f.Name));
    }

    [Fact]
    public void The_widths_of_what_a_call_calls_add_up_to_no_more_than_its_own()
    {
        var svg = Draw(s =>
        {
            var random = new Random(1);
            for (var i = 0; i < 500; i++)
                s.HitFrom([.. Enumerable.Range(0, 1 + random.Next(8)).Select(depth => (ulong)random.Next(1, 4)).Append((ulong)random.Next(1, 3))]);
        });
        var frames = Frames(svg);
        Assert.Equal((10.0, 1180.0), (frames[0].X, frames[0].Width));
        foreach (var frame in frames)
        {
            var inside = frames.Where(f => f.Depth == frame.Depth + 1 && f.X >= frame.X - 0.01 && f.X + f.Width <= frame.X + frame.Width + 0.01).ToList();
            Assert.True(inside.Sum(f => f.Width) <= frame.Width + 0.1, frame.Name);
            for (var i = 1; i < inside.Count; i++)
                Assert.True(inside[i].X >= inside[i - 1].X + inside[i - 1].Width - 0.01);
        }
        Assert.Equal(1180, frames.Where(f => f.Depth == 1).Sum(f => f.Width), 0.1);
        Assert.All(frames.Where(f => f.Depth > 0), f => Assert.Contains(frames, p => p.Depth == f.Depth - 1 && p.X <= f.X + 0.01 && p.X + p.Width >= f.X + f.Width - 0.01));
    }

    [Fact]
    public void Names_stay_text_whatever_is_in_them()
    {
        var svg = Draw(s =>
        {
            s.Stacks.Names[2] = new StackFrame(2, Hostile, 0, "/tmp/" + Hostile, 0);
            s.HitFrom([1, 2]);
        });
        Assert.Single(svg.Descendants(Svg + "script"));
        var title = svg.Descendants(Svg + "title").Single(t => t.Value.StartsWith("</title>", StringComparison.Ordinal)).Value;
        Assert.StartsWith("</title></g><script>alert(1)</script>&\"'<!--\\x1b[2J\\x00\\u{d800}\\u{ffff}]]>\n/tmp/</title>", title, StringComparison.Ordinal);
        Assert.DoesNotContain(svg.ToString(), c => c != '\n' && char.IsControl(c));
    }

    [Fact]
    public void A_name_is_not_cut_within_a_character()
    {
        var name = string.Concat(Enumerable.Repeat("\U0001F600", 400));
        var svg = Draw(s =>
        {
            s.Stacks.Names[2] = new StackFrame(2, name, 0, null, 0);
            s.Stacks.Names[3] = new StackFrame(3, "a" + name, 0, null, 0);
            s.HitFrom([1, 2]);
            s.HitFrom([1, 3]);
        });
        Assert.All(Frames(svg).Where(f => f.Depth == 1), f => Assert.EndsWith("..", f.Label, StringComparison.Ordinal));
    }

    [Fact]
    public void Characters_of_a_wide_script_have_the_room_of_two_letters()
    {
        static string Label(string name) => Frames(Draw(name)).Single(f => f.Depth == 2).Label;
        Assert.Equal(new string('\u95a2', 80), Label(new string('\u95a2', 80)));
        Assert.Equal(new string('\u95a2', 79) + "..", Label(new string('\u95a2', 90)));
        Assert.Equal(new string('a', 160), Label(new string('a', 160)));

        static XElement Draw(string name)
        {
            var tool = ToolHarness.Observe(Image, s =>
            {
                s.Stacks.Names[2] = new StackFrame(2, name, 0, null, 0);
                s.HitFrom([2, 1]);
            }, ["flame", "-p", "2147483647", "libc:malloc", "-o", "-"]);
            return XElement.Parse(tool.Output);
        }
    }

    /// <summary>A picture without a height is made as small as the window where a reader opens it, letters and all.</summary>
    [Fact]
    public void The_picture_says_its_size_and_follows_a_dark_desktop()
    {
        var svg = Draw(s => s.HitFrom([.. Enumerable.Range(1, 100).Select(i => (ulong)i)]));
        var (width, height) = ((string)svg.Attribute("width")!, (string)svg.Attribute("height")!);
        Assert.Equal($"0 0 {width} {height}", (string?)svg.Attribute("viewBox"));
        Assert.InRange(int.Parse(height, CultureInfo.InvariantCulture), 1800, 2000);
        Assert.Contains("prefers-color-scheme: dark", svg.Element(Svg + "style")!.Value, StringComparison.Ordinal);
        Assert.Equal("libc:malloc in process 2147483647", (string?)svg.Elements(Svg + "text").First().Attribute("data-text"));
    }

    [Fact]
    public void Calls_of_one_function_are_one_and_the_order_is_that_of_names()
    {
        var svg = Draw(s =>
        {
            s.Stacks.Names[2] = new StackFrame(2, "b", 0x10, "/bin/app", 0x10);
            s.Stacks.Names[3] = new StackFrame(3, "b", 0x20, "/bin/app", 0x20);
            s.Stacks.Names[4] = new StackFrame(4, "a", 0, "/bin/app", 0x30);
            s.Stacks.Names[5] = new StackFrame(5, null, 0, "/bin/app", 0x40);
            foreach (var caller in (ulong[])[2, 3, 4, 5])
                s.HitFrom([1, caller]);
        });
        Assert.Equal(["[app]", "a", "b"], Frames(svg).Where(f => f.Depth == 1).OrderBy(f => f.X).Select(f => f.Name));
        Assert.Equal(590, Frames(svg).Single(f => f.Name == "b").Width, 0.01);
    }

    [Fact]
    public void Inverted_the_outermost_call_is_at_the_top()
    {
        static double[] Rows(XElement svg) => [.. Frames(svg).Select(f => f.Y)];
        var usual = Rows(Draw(s => s.HitFrom([1, 2, 3])));
        var inverted = Rows(Draw(s => s.HitFrom([1, 2, 3]), "--inverted"));
        Assert.Equal(usual.OrderDescending(), usual);
        Assert.Equal(inverted.Order(), inverted);
        Assert.Equal(usual.Reverse(), inverted);
    }

    [Fact]
    public void Widths_are_of_the_value_where_there_is_one()
    {
        var svg = Draw(s =>
        {
            s.HitFrom([1, 2], 0, 3000);
            s.HitFrom([1, 3], 0, 1000);
        }, "--by", "arg0");
        Assert.Contains("f2\n/lib/libx.so.1\n3,000 arg0, 75.0%", svg.Descendants(Svg + "title").Select(t => t.Value));
        Assert.Contains("2 calls; 2 in 2 stacks; widths are arg0", svg.Elements(Svg + "text").Select(t => t.Value));
    }

    [Fact]
    public void What_is_missing_is_said_in_the_picture()
    {
        var svg = Draw(s =>
        {
            s.HitFrom([1, 2, FakeStacks.Cut]);
            s.Lose(new QueryLosses(Events: 3, 0, 0, 0, 0, 0));
        });
        Assert.Contains("1 call, the stacks of 3 lost; 1 in 1 stack", svg.Elements(Svg + "text").Select(t => t.Value));
        Assert.Contains("[not captured]", Frames(svg).Select(f => f.Name));
    }

    [Fact]
    public void Without_calls_the_picture_is_empty() => Assert.Empty(Frames(Draw(_ => { })));

    [Fact]
    public void Folded_stacks_are_lines_of_calls_and_their_sum()
    {
        var tool = new ToolHarness(new FakeSession(Image, s =>
        {
            s.Stacks.Names[2] = new StackFrame(2, "operator;(\n)", 4, "/bin/app", 0);
            s.Stacks.Names[3] = new StackFrame(3, "operator;(\n)", 8, "/bin/app", 0);
            s.HitFrom([1, 2, 9]);
            s.HitFrom([1, 3, 9]);
            s.HitFrom([1, 8]);
            s.Complete();
        }));
        Assert.Equal(0, tool.Run("flame", "-p", "2147483647", "libc:malloc", "--folded"));
        Assert.Equal("f8;f1 1\nf9;operator,(\\n);f1 2\n", tool.Output);
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_told_before_anything_is_probed()
    {
        var tool = new ToolHarness();
        Assert.Equal(ExitCode.Failure, tool.Run("flame", "-p", "2147483647", "libc:malloc", "-o", Path.Combine(_directory, "no", "such", "out.svg")));
        Assert.Contains("cannot write", tool.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failure, tool.Run("flame", "-p", "2147483647", "libc:malloc", "-o", _directory));
        Assert.Contains("it is a directory", tool.Error, StringComparison.Ordinal);
        Assert.Null(tool.Target);
    }

    [Fact]
    public void The_file_keeps_its_contents_until_the_graph_is_complete_and_nothing_is_left_beside_it()
    {
        var path = Path.Combine(_directory, "out.svg");
        var link = Path.Combine(_directory, "link.svg");
        File.WriteAllText(path, "former");
        File.CreateSymbolicLink(link, "out.svg");
        var meanwhile = "";
        var tool = new ToolHarness(new FakeSession(Image, s =>
        {
            meanwhile = File.ReadAllText(path);
            Assert.Equal(2, Directory.GetFileSystemEntries(_directory).Length);
            s.HitFrom([1]);
            s.Complete();
        }));
        Assert.Equal(0, tool.Run("flame", "-p", "2147483647", "libc:malloc", "-o", link));
        Assert.Equal("former", meanwhile);
        Assert.StartsWith("<?xml", File.ReadAllText(path), StringComparison.Ordinal);
        Assert.NotNull(File.ResolveLinkTarget(link, returnFinalTarget: false));
        Assert.Equal(2, Directory.GetFileSystemEntries(_directory).Length);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private XElement Draw(Action<FakeSession> calls, params string[] arguments)
    {
        var path = Path.Combine(_directory, "out.svg");
        var tool = ToolHarness.Observe(Image, calls, ["flame", "-p", "2147483647", "libc:malloc", "-o", path, .. arguments]);
        return XElement.Load(path);
    }

    private static List<Frame> Frames(XElement svg) =>
    [
        .. svg.Elements(Svg + "g").Where(g => (string?)g.Attribute("class") == "f").Select(g =>
        {
            var box = g.Element(Svg + "rect")!;
            double Number(string name) => double.Parse(box.Attribute(name)!.Value, CultureInfo.InvariantCulture);
            return new Frame(g.Element(Svg + "title")!.Value.Split('\n')[0], g.Element(Svg + "text")!.Value, (int)g.Attribute("data-depth")!, Number("x"), Number("y"), Number("width"));
        }),
    ];

    private sealed record Frame(string Name, string Label, int Depth, double X, double Y, double Width);
}
