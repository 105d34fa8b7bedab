namespace Uprobes.Script.Syntax;

/// <summary>A part of a script's text: where a token, a node of the tree or an error is.</summary>
/// <param name="Start">Index of its first character in the script's text.</param>
/// <param name="Length">Number of characters; 0 for a place between two characters, such as the end of the text.</param>
internal readonly record struct SourceSpan(int Start, int Length)
{
    /// <summary>Index of the first character behind it.</summary>
    public int End => Start + Length;

    /// <summary>The smallest span that covers <paramref name="first"/> and <paramref name="last"/>.</summary>
    /// <param name="first">A span that begins no later than <paramref name="last"/>.</param>
    /// <param name="last">The other span.</param>
    public static SourceSpan Cover(SourceSpan first, SourceSpan last) => Between(first.Start, Math.Max(first.End, last.End));

    /// <summary>The span from <paramref name="start"/> up to, not including, <paramref name="end"/>.</summary>
    /// <param name="start">Index of the first character.</param>
    /// <param name="end">Index of the character behind the last one; where it is smaller than <paramref name="start"/>, the span is empty.</param>
    public static SourceSpan Between(int start, int end) => new(start, Math.Max(0, end - start));
}
