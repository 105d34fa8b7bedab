namespace Uprobes.Script.Syntax;

/// <summary>A script's text under the name by which messages call it, with its lines.</summary>
internal sealed class ScriptSource
{
    private readonly int[] _lineStarts;

    /// <param name="name">What stands in front of the line number in messages: <c>stdin</c> for -e, otherwise the file.</param>
    /// <param name="text">The whole script.</param>
    internal ScriptSource(string name, string text)
    {
        Name = name;
        Text = text;
        List<int> starts = [0];
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n')
                starts.Add(i + 1);
        }

        _lineStarts = [.. starts];
    }

    internal string Name { get; }

    internal string Text { get; }

    /// <summary>Line and column of a character, both from 1. A position behind the end counts as the end.</summary>
    internal (int Line, int Column) Locate(int position)
    {
        position = Math.Clamp(position, 0, Text.Length);
        int index = Array.BinarySearch(_lineStarts, position);
        int line = index >= 0 ? index : ~index - 1;
        return (line + 1, position - _lineStarts[line] + 1);
    }

    /// <summary>Where a line is, without its end; the number counts from 1.</summary>
    internal SourceSpan Line(int number)
    {
        int start = _lineStarts[number - 1];
        int end = number < _lineStarts.Length ? _lineStarts[number] - 1 : Text.Length;
        if (end > start && Text[end - 1] == '\r')
            end--;
        return SourceSpan.Between(start, end);
    }

    /// <summary>The characters of a span; what lies outside the text is left out.</summary>
    internal string Slice(SourceSpan span)
    {
        int start = Math.Clamp(span.Start, 0, Text.Length), end = Math.Clamp(span.End, start, Text.Length);
        return Text[start..end];
    }
}
