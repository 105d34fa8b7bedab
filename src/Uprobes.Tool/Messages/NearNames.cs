namespace Uprobes.Tool.Messages;

/// <summary>Finds what the user may have meant: the known names that differ least from the one given.</summary>
internal static class NearNames
{
    private const int LongestComparedName = 256;

    /// <summary>At most <paramref name="count"/> of the candidates, nearest first; none that has little in common with the name.</summary>
    public static IReadOnlyList<string> Find(string name, IEnumerable<string> candidates, int count = 3)
    {
        if (name.Length is 0 or > LongestComparedName)
            return [];
        var farthest = Math.Max(1, name.Length / 3);
        var found = new List<(int Distance, string Candidate)>();
        foreach (var candidate in candidates.Distinct(StringComparer.Ordinal))
        {
            if (candidate.Length > LongestComparedName || Math.Abs(candidate.Length - name.Length) > farthest)
                continue;
            var distance = Distance(name, candidate);
            if (distance <= farthest)
                found.Add((distance, candidate));
        }
        return [.. found.OrderBy(f => f.Distance).ThenBy(f => f.Candidate, StringComparer.Ordinal).Take(count).Select(f => f.Candidate)];
    }

    /// <summary>Levenshtein's distance, in which a difference of case alone counts nothing.</summary>
    public static int Distance(string left, string right)
    {
        var previous = new int[right.Length + 1];
        var current = new int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++)
            previous[j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            var letter = char.ToLowerInvariant(left[i - 1]);
            for (var j = 1; j <= right.Length; j++)
            {
                var replaced = previous[j - 1] + (letter == char.ToLowerInvariant(right[j - 1]) ? 0 : 1);
                current[j] = Math.Min(replaced, Math.Min(previous[j], current[j - 1]) + 1);
            }
            (previous, current) = (current, previous);
        }
        return previous[right.Length];
    }

    /// <summary>As a sentence for a hint, or null when nothing is near.</summary>
    public static string? Hint(string name, IEnumerable<string> candidates)
    {
        var near = Find(name, candidates);
        return near.Count == 0 ? null : $"did you mean {string.Join(" or ", near)}?";
    }
}
