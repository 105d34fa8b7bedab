using System.Globalization;

namespace Uprobes.Tool.Filters;

/// <summary>
/// A filter that cannot be used. <see cref="Exception.Message"/> is one line, <see cref="Excerpt"/> two: the filter, and a caret below what is
/// wrong. Both hold text of the user's, which is escaped where it is written.
/// </summary>
internal sealed class FilterException : Exception
{
    /// <summary>A fault at a place.</summary>
    /// <param name="text">The filter.</param>
    /// <param name="position">Index of the first character that is wrong; the text's length for its end.</param>
    /// <param name="what">What is wrong, and what was expected.</param>
    internal FilterException(string text, int position, string what)
        : base(string.Create(CultureInfo.InvariantCulture, $"expression, column {position + 1}: {InOneLine(what)}"))
    {
        Column = position + 1;

        // Each character takes one column, so that the caret is where it belongs.
        Excerpt = InOneLine(text) + "\n" + new string(' ', position) + "^";
    }

    /// <summary>From 1, in UTF-16 units.</summary>
    internal int Column { get; }

    /// <summary>The filter in one line, and a line with a caret.</summary>
    internal string Excerpt { get; }

    private static string InOneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
}
