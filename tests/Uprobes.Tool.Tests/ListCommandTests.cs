using Uprobes.Linux;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

public sealed class ListCommandTests
{
    private static readonly FakeImage First = new(
        "/lib/libx.so", new FunctionInfo("strlen", 0x1b80, 20, IsIndirect: true), new FunctionInfo("malloc", 0x1a00, 256));

    private static readonly FakeImage Second = new("/usr/bin/a\e[m", new FunctionInfo("malloc", 0x10, 0));

    [Fact]
    public void Functions_are_listed_by_offset()
    {
        var tool = new ToolHarness(images: new Finder([First]));
        Assert.Equal(0, tool.Run("list", "libx"));
        Assert.Equal("    0x1a00      256  malloc\n    0x1b80       20  strlen (indirect)\n", tool.Output);
    }

    [Fact]
    public void Functions_of_several_files_carry_the_file_and_are_escaped()
    {
        var tool = new ToolHarness(images: new Finder([First, Second]));
        Assert.Equal(0, tool.Run("list", "-p", "1", "mall*"));
        Assert.Equal("    0x1a00      256  /lib/libx.so:malloc\n      0x10        0  /usr/bin/a\\x1b[m:malloc\n", tool.Output);
    }

    [Fact]
    public void Json_has_an_object_a_line()
    {
        var tool = new ToolHarness(images: new Finder([First]));
        Assert.Equal(0, tool.Run("list", "libx", "malloc", "-f", "json"));
        Assert.Equal("{\"type\":\"function\",\"image\":\"/lib/libx.so\",\"function\":\"malloc\",\"offset\":6656,\"size\":256}\n", tool.Output);
    }

    private static readonly FakeImage Odd = new(
        "/lib/libx.so", new FunctionInfo("alias", 0x10, 8), new FunctionInfo("f", 0x10, 8), new FunctionInfo("g\e", 0x21, 1), new FunctionInfo("h", 0x30, 8, IsIndirect: true));

    [Fact]
    public void Plans_say_what_is_displaced_or_why_nothing_can_be_and_count_each_function_once()
    {
        var tool = new ToolHarness(images: new Finder([Odd]));
        Assert.Equal(0, tool.Run("list", "--plan", "libx"));
        Assert.Equal(
            "      0x10  whole         5  alias\n      0x10  whole         5  f\n      0x21  trap          -  g\\x1b  (control ends after 1 bytes)\n"
            + "2 functions: 0 single, 1 whole, 0 padding, 0 springboard, 0 redirect, 1 trap (1 too short); 50.0 % inline\n", tool.Output);
    }

    [Fact]
    public void Plans_are_json_too()
    {
        var tool = new ToolHarness(images: new Finder([Odd]));
        Assert.Equal(0, tool.Run("list", "--plan", "libx", "f", "-f", "json"));
        Assert.Equal(
            "{\"type\":\"plan\",\"image\":\"/lib/libx.so\",\"function\":\"f\",\"offset\":16,\"tactic\":\"whole\",\"displaced\":\"554889e553\"}\n"
            + "{\"type\":\"coverage\",\"functions\":1,\"single\":0,\"whole\":1,\"padding\":0,\"springboard\":0,\"redirect\":0,\"trap\":0}\n",
            tool.Output);
    }

    [Fact]
    public void Nothing_found_is_an_error_with_near_names()
    {
        var tool = new ToolHarness(images: new Finder([First]));
        Assert.Equal(ExitCode.Failure, tool.Run("list", "libx", "mallok"));
        Assert.Contains("did you mean malloc?", tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_process_is_an_error()
    {
        var tool = new ToolHarness();
        Assert.Equal(ExitCode.Failure, tool.Run("list", "-p", "2147483647"));
        Assert.Contains("there is no process 2147483647", tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_of_the_system_is_a_sentence_and_not_a_crash()
    {
        var tool = new ToolHarness(images: new FailingFinder(new SyscallException("open /proc/1/mem", 24)));
        Assert.Equal(ExitCode.Failure, tool.Run("list", "libx"));
        Assert.StartsWith("uprobe: open /proc/1/mem: EMFILE", tool.Error, StringComparison.Ordinal);
        Assert.Contains("hint: this command may open too few files", tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_that_nobody_expects_is_a_sentence_too()
    {
        var tool = new ToolHarness(images: new FailingFinder(new InvalidOperationException("out of order")));
        Assert.Equal(ExitCode.Failure, tool.Run("list", "libx"));
        Assert.Contains("InvalidOperationException: out of order\n  hint: ", tool.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "libc", "libc", null)]
    [InlineData(null, "libc mem*", "libc", "mem*")]
    [InlineData(null, "libc:mem*", "libc", "mem*")]
    [InlineData(7, "mem*", null, "mem*")]
    [InlineData(7, "ns::f*", null, "ns::f*")]
    [InlineData(7, "libc:mem*", "libc", "mem*")]
    [InlineData(7, "libc mem*", "libc", "mem*")]
    [InlineData(7, "", null, null)]
    public void One_word_is_a_file_or_with_a_process_a_pattern(int? processId, string words, string? image, string? pattern) => Assert.Equal(
        new ListRequest(processId, image, pattern, OutputFormat.Text),
        ListSyntax.Request(processId, words.Split(' ', StringSplitOptions.RemoveEmptyEntries), "text"));

    private sealed class FailingFinder(Exception error) : IImageFinder
    {
        public OpenedImages Find(int? processId, string? name) => throw error;

        public OpenedImages FindFor(string program, string name) => throw error;
    }

    private sealed class Finder(IReadOnlyList<IFunctionSource> sources) : IImageFinder
    {
        public OpenedImages Find(int? processId, string? name) => new(sources, []);

        public OpenedImages FindFor(string program, string name) => new(sources, []);
    }
}
