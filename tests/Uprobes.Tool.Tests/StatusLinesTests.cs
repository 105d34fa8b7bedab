using System.Text;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;

namespace Uprobes.Tool.Tests;

/// <summary>What stands on standard error, on a terminal and elsewhere.</summary>
public sealed class StatusLinesTests : IDisposable
{
    private readonly MemoryStream _error = new();

    [Fact]
    public void Long_work_turns_in_a_line_that_goes_when_it_is_done()
    {
        StatusLines status = new(_error, isTerminal: true);
        using (var work = status.ShowWork("arming 7 probes"))
        {
            work.Turn();
            work.Turn();
        }
        status.Write("attached");
        Assert.Equal("\r\e[K- arming 7 probes|\r\e[K\\ arming 7 probes|\r\e[K|attached\n".Replace("|", "", StringComparison.Ordinal), Written);
    }

    [Fact]
    public void Work_that_is_done_at_once_is_not_told()
    {
        StatusLines status = new(_error, isTerminal: true);
        var work = status.ShowWork("arming 7 probes");
        work.Dispose();
        work.Turn();
        Assert.Equal("", Written);
    }

    [Fact]
    public void Without_a_terminal_nothing_turns()
    {
        StatusLines status = new(_error, isTerminal: false);
        using (var work = status.ShowWork("arming 7 probes"))
            work.Turn();
        Assert.Equal("", Written);
    }

    [Fact]
    public void A_live_line_is_cut_where_the_window_ends_since_only_one_line_can_be_taken_back()
    {
        StatusLines status = new(_error, isTerminal: true, new Narrow());
        status.ShowProgress("0123456789012345");
        status.Write("lines that stay are whole");
        Assert.Equal("\r\e[K012345678\r\e[Klines that stay are whole\n", Written);
    }

    [Theory]
    [InlineData("関数の名前 long", "関数の名")]
    [InlineData("a関数の名前 long", "a関数の名")]
    [InlineData("😀😀😀😀😀😀", "😀😀😀😀")]
    [InlineData("a😀😀😀😀😀", "a😀😀😀😀")]
    [InlineData("1234567😀😀", "1234567😀")]
    [InlineData("12345678😀😀", "12345678")]
    [InlineData("関数の名", "関数の名")]
    public void It_is_cut_by_the_cells_that_its_letters_take_and_never_within_a_letter(string line, string shown)
    {
        StatusLines status = new(_error, isTerminal: true, new Narrow());
        status.ShowProgress(line);
        Assert.Equal($"\r\e[K{shown}", Written);
    }

    [Fact]
    public void Where_the_command_is_given_up_the_lines_that_wait_are_written_and_written_once()
    {
        StatusLines status = new(_error, isTerminal: true);
        using (status.Hold())
        {
            status.Write("one");
            status.Release();
            Assert.Equal("one\n", Written);
            status.Write("two");
        }
        Assert.Equal("one\ntwo\n", Written);
    }

    [Fact]
    public void Lines_wait_while_something_else_has_the_terminal()
    {
        StatusLines status = new(_error, isTerminal: true);
        using (status.Hold())
        {
            status.Write("one");
            status.ShowProgress("not shown");
            status.WriteError("two", hint: null);
            Assert.Equal("", Written);
        }
        Assert.Equal("one\nuprobe: two\n", Written);
    }

    [Fact]
    public void Where_errors_go_to_a_file_they_do_not_wait()
    {
        StatusLines status = new(_error, isTerminal: false);
        using (status.Hold())
        {
            status.Write("one");
            Assert.Equal("one\n", Written);
        }
    }

    public void Dispose() => _error.Dispose();

    private string Written => Encoding.UTF8.GetString(_error.ToArray());

    private sealed class Narrow : TerminalSize
    {
        public override int Columns => 10;
    }
}
