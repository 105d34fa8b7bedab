using System.Globalization;
using System.Text;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Diagnostics;

/// <summary>
/// Writes diagnostics the way bpftrace's users know them: <c>stdin:1:9-12: ERROR: message</c>, the line, and tildes under the
/// place. Columns count from 1 and the second one is the column behind the place. A place of several lines is given by its
/// lines, <c>stdin:1-3</c>, and marked in the first of them.
/// </summary>
internal static class DiagnosticRenderer
{
    /// <summary>Longer lines are shown in part, around the place.</summary>
    private const int WidestLine = 200;

    internal static string Render(Diagnostic diagnostic, ScriptSource source)
    {
        StringBuilder text = new();
        AppendPlace(text, source, diagnostic.Span, diagnostic.Severity == Severity.Error ? "ERROR" : "WARNING", diagnostic.Message);
        foreach (RelatedPlace related in diagnostic.Related)
            AppendPlace(text, source, related.Span, "NOTE", related.Message);
        if (diagnostic.Hint is { } hint)
            text.Append("HINT: ").Append(SafeText.Escape(hint)).Append('\n');
        return text.ToString();
    }

    /// <summary>All of them, one under the other.</summary>
    internal static string Render(IEnumerable<Diagnostic> diagnostics, ScriptSource source) =>
        string.Concat(diagnostics.Select(diagnostic => Render(diagnostic, source)));

    private static void AppendPlace(StringBuilder text, ScriptSource source, SourceSpan span, string kind, string message)
    {
        (int line, int column) = source.Locate(span.Start);
        (int lastLine, int endColumn) = source.Locate(span.End);
        if (lastLine == line && endColumn == column)
            endColumn++; // a place between two characters is shown as the character behind it
        string where = lastLine > line
            ? string.Create(CultureInfo.InvariantCulture, $"{line}-{lastLine}")
            : string.Create(CultureInfo.InvariantCulture, $"{line}:{column}-{endColumn}");
        text.Append(SafeText.Escape(source.Name)).Append(':').Append(where).Append(": ").Append(kind).Append(": ")
            .Append(SafeText.Escape(message)).Append('\n');
        AppendMarkedLine(text, source, source.Line(line), lastLine > line ? int.MaxValue : endColumn - 1, column - 1);
    }

    /// <summary>The line, and under it tildes from one column to the other (from 0, the end is behind the last).</summary>
    private static void AppendMarkedLine(StringBuilder text, ScriptSource source, SourceSpan line, int end, int start)
    {
        string characters = source.Slice(line);
        end = Math.Min(end, Math.Max(characters.Length, start + 1));
        StringBuilder shown = new(), marks = new();
        int first = start > WidestLine * 3 / 4 ? start - WidestLine / 2 : 0;
        if (first > 0)
        {
            shown.Append("...");
            marks.Append("   ");
            if (char.IsLowSurrogate(characters[first]))
                first++;
        }

        int index = first;
        for (; index < characters.Length && index < first + WidestLine; index += SafeText.Step(characters, index))
        {
            bool marked = index >= start && index < end;
            if (characters[index] == '\t')
            {
                // A tab under a tab keeps the marks in place, however wide the terminal makes it.
                shown.Append('\t');
                marks.Append(marked ? '~' : '\t');
                continue;
            }

            marks.Append(marked ? '~' : ' ', SafeText.Append(shown, characters, index));
        }

        if (index < characters.Length)
            shown.Append("...");
        if (end > characters.Length)
            marks.Append('~'); // the place is the end of the line
        text.Append(shown).Append('\n').Append(marks.ToString().TrimEnd()).Append('\n');
    }
}
