using System.Diagnostics;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

public sealed class CompletionTests
{
    private static readonly FakeImage Image = new("/lib/libc.so.6", new FunctionInfo("malloc", 0x100, 16), new FunctionInfo("malloc_trim", 0x200, 16), new FunctionInfo("free", 0x300, 16));

    [Theory]
    [InlineData("uprobe coun", "count")]
    [InlineData("uprobe trace --engine i", "inline")]
    [InlineData("uprobe trace libc:mal", "libc:malloc libc:malloc_trim")]
    [InlineData("uprobe list libc:f", "libc:free")]
    [InlineData("uprobe count libm:x", "")]
    [InlineData("uprobe completion ", "bash fish zsh")]
    public void A_word_that_is_half_written_has_these_ends(string line, string expected)
    {
        ToolHarness tool = new(images: new Finder());
        Assert.Equal(0, tool.Run($"[suggest:{line.Length}]", line));
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), Lines(tool.Output).Where(word => !word.StartsWith('-')).Order(StringComparer.Ordinal));
        Assert.Empty(tool.Error);
    }

    [Fact]
    public void Behind_p_stand_processes_and_behind_one_the_files_that_it_maps()
    {
        string own = Environment.ProcessId.ToString(provider: null);
        ToolHarness tool = new(images: new Finder());
        tool.Run("[suggest:15]", "uprobe count -p ");
        Assert.DoesNotContain(own, Lines(tool.Output)); // Not this command itself.
        Assert.All(Lines(tool.Output), line => Assert.True(int.TryParse(line, out int id) && id > 0, line));
        string line = $"uprobe count -p {own} ";
        tool.Run($"[suggest:{line.Length}]", line);
        Assert.Contains("libc:", Lines(tool.Output));
    }

    [Theory]
    [InlineData("uprobe co", "completion count")]
    [InlineData("uprobe trace libc:mal", "malloc malloc_trim")] // Readline takes what stands behind the colon for the word.
    [InlineData("uprobe trace libm:x", "")]
    public void Bash_completes_words_with_colons(string line, string expected)
    {
        ToolHarness tool = new(images: new Finder());
        tool.Run($"[suggest:{line.Length}]", line);
        Assert.Equal(expected, CompletedByBash(line, string.Join('\n', Lines(tool.Output).Where(word => !word.StartsWith('-')))));
    }

    [Fact]
    public void Bash_runs_nothing_that_stands_in_a_name() =>
        Assert.Equal(@"aa\;echo\ b\|sh a\$\(id\) a\`id\`", CompletedByBash("uprobe trace ./evil:a", "./evil:aa;echo b|sh\n./evil:a$(id)\n./evil:a`id`"));

    private static string CompletedByBash(string line, string answer)
    {
        ToolHarness tool = new();
        Assert.Equal(0, tool.Run("completion", "bash"));
        // The command's answer and the shell's variables, as a shell would have them.
        string program = $"""
            answer() {"{"} printf '%s\n' "$ANSWER"; {"}"}
            {tool.Output}
            COMP_LINE=$LINE COMP_POINT={line.Length} COMP_WORDBREAKS=$' \n:='
            _uprobe answer
            printf '%s\n' "{"$"}{"{"}COMPREPLY[*]{"}"}"
            """;
        ProcessStartInfo start = new("bash", ["--norc", "-c", program]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ANSWER"] = answer;
        start.Environment["LINE"] = line;
        using Process bash = Process.Start(start)!;
        string completed = bash.StandardOutput.ReadToEnd().Trim();
        Assert.Equal("", bash.StandardError.ReadToEnd());
        bash.WaitForExit();
        Assert.Equal(0, bash.ExitCode);
        return completed;
    }

    [Theory]
    [InlineData("zsh", "compdef _uprobe uprobe")]
    [InlineData("fish", "complete -c uprobe")]
    public void Other_shells_have_scripts_too(string shell, string part)
    {
        ToolHarness tool = new();
        Assert.Equal(0, tool.Run("completion", shell));
        Assert.Contains(part, tool.Output, StringComparison.Ordinal);
        Assert.NotEqual(0, tool.Run("completion", "tcsh"));
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private sealed class Finder : IImageFinder
    {
        public OpenedImages Find(int? processId, string? name) =>
            name == "libc" ? new OpenedImages([Image], []) : throw new Uprobes.Tool.Messages.ToolException($"no file called {name} was found");

        public OpenedImages FindFor(string program, string name) => Find(null, name);
    }
}
