namespace Uprobes.Images;

/// <summary>
/// A pattern of the shell's kind over whole names: <c>*</c> any text, <c>?</c> one character, <c>[abc]</c>,
/// <c>[a-z]</c> and <c>[!a]</c> one of (or none of) a set, all else itself. Case matters. Immutable and thread-safe.
/// </summary>
internal sealed class GlobPattern
{
    private readonly string _pattern;
    private readonly string _prefix;

    /// <summary>Takes a pattern; every text is one (a <c>[</c> that is never closed stands for itself).</summary>
    public GlobPattern(string pattern)
    {
        _pattern = pattern;
        int literal = pattern.AsSpan().IndexOfAny('*', '?', '[');
        _prefix = literal < 0 ? pattern : pattern[..literal];
    }

    /// <summary>Whether the whole text matches. Takes at most pattern times text steps.</summary>
    public bool IsMatch(ReadOnlySpan<char> text)
    {
        if (!text.StartsWith(_prefix, StringComparison.Ordinal))
            return false;
        int p = _prefix.Length, t = _prefix.Length, retryPattern = -1, retryText = 0;
        while (t < text.Length)
        {
            if (p < _pattern.Length && _pattern[p] == '*')
            {
                (retryPattern, retryText) = (++p, t);
                continue;
            }
            if (p < _pattern.Length && MatchOne(text[t], p, out int next))
            {
                (p, t) = (next, t + 1);
                continue;
            }
            if (retryPattern < 0)
                return false;
            (p, t) = (retryPattern, ++retryText);
        }
        while (p < _pattern.Length && _pattern[p] == '*')
            p++;
        return p == _pattern.Length;
    }

    private bool MatchOne(char character, int at, out int next)
    {
        next = at + 1;
        if (_pattern[at] == '?')
            return true;
        // A closing bracket that comes first in a set is one of its members.
        int first = at + 1 + (at + 1 < _pattern.Length && _pattern[at + 1] is '!' or '^' ? 1 : 0);
        int close = _pattern[at] == '[' && first < _pattern.Length ? _pattern.IndexOf(']', Math.Min(first + 1, _pattern.Length)) : -1;
        if (close < 0)
            return _pattern[at] == character;
        next = close + 1;
        bool found = false;
        for (int i = first; i < close; i++)
        {
            if (i + 2 < close && _pattern[i + 1] == '-')
            {
                found |= character >= _pattern[i] && character <= _pattern[i + 2];
                i += 2;
            }
            else
            {
                found |= character == _pattern[i];
            }
        }
        return found != (first == at + 2);
    }
}
