namespace Uprobes.Script.Diagnostics;

/// <summary>Finds what a misspelt name was meant to be.</summary>
internal static class Suggestion
{
    private const int LongestName = 64;

    /// <summary>
    /// The candidate that is fewest edits away, the first of them in the order given; null where none is near: more than a
    /// third of the name would have to change.
    /// </summary>
    internal static string? For(string name, IEnumerable<string> candidates)
    {
        if (name.Length is 0 or > LongestName)
            return null;

        string? nearest = null;
        int least = Math.Max(1, name.Length / 3) + 1;
        foreach (string candidate in candidates)
        {
            if (candidate == name || Math.Abs(candidate.Length - name.Length) >= least)
                continue;
            int distance = Distance(name, candidate);
            if (distance < least && distance < Math.Min(name.Length, candidate.Length))
                (nearest, least) = (candidate, distance);
        }

        return nearest;
    }

    /// <summary>The same as a sentence; null where there is none.</summary>
    internal static string? Sentence(string name, IEnumerable<string> candidates) =>
        For(name, candidates) is { } nearest ? $"did you mean `{nearest}`?" : null;

    /// <summary>
    /// How many insertions, deletions, replacements and swaps of neighbours turn one name into the other. Capitals are as good
    /// as small letters; names that differ in nothing else are one edit apart.
    /// </summary>
    internal static int Distance(string from, string to)
    {
        string a = from.ToLowerInvariant(), b = to.ToLowerInvariant();
        if (a == b)
            return from == to ? 0 : 1;

        int[] beforeLast = new int[b.Length + 1], last = new int[b.Length + 1], row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
            last[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
            }

            (beforeLast, last, row) = (last, row, beforeLast);
        }

        return last[b.Length];
    }
}
