namespace Uprobes.Images.Inlining;

/// <summary>The namespaces, classes and functions of a unit that others are declared in, by where their entries are. Filled in the section's order.</summary>
internal sealed class ScopeIndex
{
    private readonly List<Scope> _scopes = [];

    private readonly record struct Scope(int Entry, int End, int Parent);

    /// <summary>How many there are: also the number of the next one.</summary>
    internal int Count => _scopes.Count;

    /// <summary>Adds one that begins.</summary>
    /// <param name="entry">Where its entry is.</param>
    /// <param name="parent">The number of the one that it is in; -1 for none.</param>
    internal void Add(int entry, int parent) => _scopes.Add(new Scope(entry, int.MaxValue, parent));

    /// <summary>Says where the entries of one have ended.</summary>
    internal void End(int number, int end) => _scopes[number] = _scopes[number] with { End = end };

    /// <summary>The entries that another one is in, innermost first.</summary>
    internal IEnumerable<int> Around(int entry)
    {
        int low = 0, high = _scopes.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_scopes[middle].Entry < entry)
                low = middle + 1;
            else
                high = middle;
        }

        for (int i = low - 1; i >= 0; i = _scopes[i].Parent)
        {
            if (_scopes[i].End > entry)
                yield return _scopes[i].Entry;
        }
    }
}
