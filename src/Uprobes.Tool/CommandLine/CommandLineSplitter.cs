using System.Text;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.CommandLine;

/// <summary>
/// Splits a command given as one string into words, as a shell would: blanks separate, <c>'...'</c> is literal,
/// <c>"..."</c> keeps blanks with <c>\" \\ \$ \`</c> as escapes, a backslash outside quotes takes the next character
/// literally. No shell runs: variables, wildcards, pipes and redirections are ordinary characters.
/// </summary>
internal static class CommandLineSplitter
{
    private const string QuotingHint = "quote as for a shell: -c 'sqlite3 :memory: \"select 1\"'";

    /// <summary>The words; at least one.</summary>
    /// <exception cref="ToolException">A quote is not closed, a backslash ends the text, or there is no word.</exception>
    public static IReadOnlyList<string> Split(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var inWord = false;
        for (var i = 0; i < text.Length; i++)
        {
            var character = text[i];
            if (character is ' ' or '\t' or '\n')
            {
                if (inWord)
                    words.Add(word.ToString());
                word.Clear();
                inWord = false;
                continue;
            }
            inWord = true; // an empty pair of quotes is a word, too
            switch (character)
            {
                case '\'':
                    i = TakeSingleQuoted(text, i + 1, word);
                    break;
                case '"':
                    i = TakeDoubleQuoted(text, i + 1, word);
                    break;
                case '\\':
                    if (++i == text.Length)
                        throw ToolException.Usage($"the command of -c ends in a backslash: {text}", QuotingHint);
                    word.Append(text[i]);
                    break;
                default:
                    word.Append(character);
                    break;
            }
        }
        if (inWord)
            words.Add(word.ToString());
        if (words.Count == 0)
            throw ToolException.Usage("the command of -c is empty", QuotingHint);
        return words;
    }

    private static int TakeSingleQuoted(string text, int start, StringBuilder word)
    {
        var end = text.IndexOf('\'', start);
        if (end < 0)
            throw Unclosed(text, '\'');
        word.Append(text, start, end - start);
        return end;
    }

    private static int TakeDoubleQuoted(string text, int start, StringBuilder word)
    {
        for (var i = start; i < text.Length; i++)
        {
            if (text[i] == '"')
                return i;
            if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] is '"' or '\\' or '$' or '`')
                i++;
            word.Append(text[i]);
        }
        throw Unclosed(text, '"');
    }

    private static ToolException Unclosed(string text, char quote) =>
        ToolException.Usage($"the command of -c has an opening {quote} without a closing one: {text}", QuotingHint);
}
