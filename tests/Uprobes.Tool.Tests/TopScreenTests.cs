using System.Text.RegularExpressions;
using Spectre.Console;
using Spectre.Console.Rendering;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>The table of top as it stands in a window.</summary>
public sealed partial class TopScreenTests
{
    private const string Long = "std::vector<std::pair<int, long>>::push_back(std::pair<int, long>&&)";

    [Theory]
    [InlineData(200, "CALLS/S TIME/S AVERAGE 99% <= CALLS TIME FUNCTION")]
    [InlineData(84, "CALLS/S TIME/S AVERAGE 99% <= CALLS TIME FUNCTION")]
    [InlineData(60, "CALLS/S TIME/S AVERAGE 99% <= FUNCTION")]
    [InlineData(40, "CALLS/S TIME/S FUNCTION")]
    [InlineData(12, "FUNCTION")]
    public void Columns_that_have_no_room_beside_a_name_are_left_out(int width, string columns)
    {
        var lines = Draw(width, Row("malloc", 5), Row(Long, 3), Row("関数の名前がとても長い場合でも一行にとどまる関数", 1));
        Assert.Equal(5, lines.Length);
        Assert.Equal(columns, Spaces().Replace(lines[1], " ").Trim());
        Assert.All(lines, line => Assert.InRange(new Segment(line).CellCount(), 1, width));
        Assert.EndsWith(" malloc", " " + lines[2].Trim(), StringComparison.Ordinal);
        if (width < 140)
            Assert.EndsWith("…", lines[3].TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_change_place_is_drawn_over_and_the_window_is_cleared_only_when_its_size_changes()
    {
        using var stream = new MemoryStream();
        using var output = new ResultOutput(stream, isTerminal: true);
        var size = new FakeSize { Width = 80 };
        using (var screen = new LiveScreen(new ScreenWriter(output), size))
        {
            screen.Run(() =>
            {
                screen.Show(new Text("one"));
                screen.Show(new Text("two"));
                size.Width = 40;
                screen.Show(new Text("six"));
                return 0;
            });
        }
        var drawn = System.Text.Encoding.UTF8.GetString(stream.ToArray());
        Assert.StartsWith("\e[?1049h", drawn, StringComparison.Ordinal);
        Assert.EndsWith("\e[?25h\e[?1049l", drawn, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[2J", drawn[..drawn.IndexOf("two", StringComparison.Ordinal)], StringComparison.Ordinal);
        Assert.Contains("\e[2J", drawn[drawn.IndexOf("two", StringComparison.Ordinal)..drawn.IndexOf("six", StringComparison.Ordinal)], StringComparison.Ordinal);
    }

    [Fact]
    public void A_screen_that_is_given_up_is_left_at_once_and_nothing_more_is_drawn()
    {
        using var stream = new MemoryStream();
        using var output = new ResultOutput(stream, isTerminal: true);
        using var screen = new LiveScreen(new ScreenWriter(output), new FakeSize { Width = 80 });
        screen.Run(() =>
        {
            screen.Show(new Text("before"));
            screen.Dispose();
            screen.Show(new Text("after"));
            return 0;
        });
        var drawn = System.Text.Encoding.UTF8.GetString(stream.ToArray());
        Assert.Contains("before", drawn, StringComparison.Ordinal);
        Assert.EndsWith("\e[?25h\e[?1049l", drawn, StringComparison.Ordinal);
        Assert.DoesNotContain("after", drawn, StringComparison.Ordinal);
    }

    private static TopRow Row(string function, long calls) =>
        new(new PlannedProbe("libx", "/lib/libx.so", function, 0x100, IsNamed: true), "inline", calls, 1000 * calls, 999, 12_345_678_901 * calls, 5_000_000_000);

    private static string[] Draw(int width, params TopRow[] rows)
    {
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new ScreenOutput(text, new FakeSize { Width = width }) });
        console.Write(TopTable.Screen(rows, rows, 1, TimeSpan.FromSeconds(3), width, Style.Plain));
        return text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();


    private sealed class FakeSize : TerminalSize
    {
        public required int Width { get; set; }

        public override int Columns => Width;

        public override int Rows => 24;
    }
}
