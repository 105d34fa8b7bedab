using System.Text.RegularExpressions;

namespace Uprobes.Tool.Tests;

public sealed partial class ManualPageTests
{
    private readonly string _page = Page();

    [Fact]
    public void Every_command_and_option_of_the_help_is_in_the_manual_page()
    {
        ToolHarness tool = new();
        tool.Run("--help");
        string[] commands = [.. CommandLine().Matches(tool.Output).Select(match => match.Groups[1].Value)];
        Assert.Contains("run", commands);
        Assert.Contains("man", commands);
        foreach (string command in commands)
        {
            Assert.Contains($"\n.SS {command}\n", _page, StringComparison.Ordinal);
            tool.Run(command, "--help");
            foreach (Match option in OptionLine().Matches(tool.Output))
            {
                if (!option.Value.Contains("--help", StringComparison.Ordinal))
                    Assert.Contains($"\n.B {option.Groups[1].Value.Replace("-", "\\-", StringComparison.Ordinal)}", _page, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void No_text_is_taken_for_a_request_of_the_formatter()
    {
        string[] macros = [".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".br", ".nf", ".fi"];
        Assert.StartsWith(".TH UPROBE 1 ", _page, StringComparison.Ordinal);
        Assert.All(_page.Split('\n').Where(line => line.StartsWith('.') || line.StartsWith('\'')), line => Assert.Contains(line.Split(' ')[0], macros));
        Assert.DoesNotMatch(@"\\[^e&(-]", _page);
        Assert.Contains("printf(\"%d\\en\", 6 * 7)", _page, StringComparison.Ordinal);
    }

    private static string Page()
    {
        ToolHarness tool = new();
        Assert.Equal(0, tool.Run("man"));
        Assert.Empty(tool.Error);
        return tool.Output;
    }

    [GeneratedRegex(@"^  ([a-z]+) +(?:<.*?>|\[.*?\])? +[A-Z]", RegexOptions.Multiline)]
    private static partial Regex CommandLine();

    [GeneratedRegex(@"^  ((?:-\w, )?--[a-z-]+|-\w)", RegexOptions.Multiline)]
    private static partial Regex OptionLine();
}
