using CsCheck;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Tests;

public sealed class CommandLineSplitterTests
{
    private static readonly Gen<string> Word = Gen.OneOf(
        Gen.String,
        Gen.String[Gen.Char["abc '\"\\\n\t$`|*"], 0, 12]);

    [Theory]
    [InlineData("ls", "ls")]
    [InlineData("  ls   -l\t/tmp\n", "ls", "-l", "/tmp")]
    [InlineData("sqlite3 :memory: \"select 1\"", "sqlite3", ":memory:", "select 1")]
    [InlineData("echo 'a \"b\" \\c'", "echo", "a \"b\" \\c")]
    [InlineData("echo \"a \\\"b\\\" \\$ \\` \\\\ \\n\"", "echo", "a \"b\" $ ` \\ \\n")]
    [InlineData("echo a\\ b \\'c", "echo", "a b", "'c")]
    [InlineData("echo '' \"\"", "echo", "", "")]
    [InlineData("a'b'\"c\"d", "abcd")]
    [InlineData("echo $HOME *.c | cat > x", "echo", "$HOME", "*.c", "|", "cat", ">", "x")]
    public void Words_are_split_as_by_a_shell_that_expands_nothing(string text, params string[] words) =>
        Assert.Equal(words, CommandLineSplitter.Split(text));

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("echo 'a")]
    [InlineData("echo \"a")]
    [InlineData("echo \"a\\\"")]
    [InlineData("echo a\\")]
    public void What_is_not_closed_or_empty_is_a_usage_error(string text) =>
        Assert.Equal(ExitCode.Usage, Assert.Throws<ToolException>(() => CommandLineSplitter.Split(text)).ExitCode);

    [Fact]
    public void Any_words_in_single_quotes_come_back_as_they_were() =>
        Word.Array[1, 6].Sample(words => Assert.Equal(words, CommandLineSplitter.Split(string.Join(' ', words.Select(SingleQuoted)))));

    [Fact]
    public void Any_words_in_double_quotes_come_back_as_they_were() =>
        Word.Array[1, 6].Sample(words => Assert.Equal(words, CommandLineSplitter.Split(string.Join('\t', words.Select(DoubleQuoted)))));

    [Fact]
    public void Any_words_with_backslashes_come_back_as_they_were() =>
        Word.Array[1, 6].Sample(words => Assert.Equal(words, CommandLineSplitter.Split(string.Join("  ", words.Select(Backslashed)))));

    [Fact]
    public void Any_text_gives_words_or_a_usage_error() => Word.Sample(text =>
    {
        try
        {
            Assert.NotEmpty(CommandLineSplitter.Split(text));
        }
        catch (ToolException e)
        {
            Assert.Equal(ExitCode.Usage, e.ExitCode);
        }
    });

    private static string SingleQuoted(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string DoubleQuoted(string word) =>
        $"\"{string.Concat(word.Select(c => c is '"' or '\\' or '$' or '`' ? $"\\{c}" : c.ToString()))}\"";

    private static string Backslashed(string word) => word.Length == 0 ? "''" : string.Concat(word.Select(c => $"\\{c}"));
}
