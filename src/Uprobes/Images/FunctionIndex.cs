namespace Uprobes.Images;

/// <summary>The complete, sorted list of an image's functions, and ways to search it. Immutable but for lazily built parts; thread-safe.</summary>
internal sealed class FunctionIndex
{
    private readonly FunctionSymbol[] _functions;
    private readonly ulong[] _starts;
    private readonly ulong[] _greatestEnd;
    private readonly UnwindTable _unwind;
    private readonly Lazy<(Dictionary<string, int> First, int[] Next)> _byName;

    /// <summary>Takes the sorted functions.</summary>
    public FunctionIndex(List<FunctionSymbol> functions, UnwindTable unwind, IReadOnlyList<string> problems, string? debugFile)
    {
        _functions = [.. functions];
        _unwind = unwind;
        Problems = problems;
        DebugFile = debugFile;
        _starts = new ulong[_functions.Length];
        _greatestEnd = new ulong[_functions.Length];
        ulong greatest = 0;
        for (int i = 0; i < _functions.Length; i++)
        {
            _starts[i] = _functions[i].Offset.Value;
            _greatestEnd[i] = greatest = Math.Max(greatest, _starts[i] + _functions[i].Size);
        }
        _byName = new(IndexNames);
    }

    /// <summary>All functions by offset.</summary>
    public IReadOnlyList<FunctionSymbol> Functions => _functions;

    /// <summary>What could not be read.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <summary>The separate debug file used, or null.</summary>
    public string? DebugFile { get; }

    /// <summary>The functions of a raw name without version.</summary>
    public List<FunctionSymbol> WithRawName(string name)
    {
        var found = new List<FunctionSymbol>();
        (Dictionary<string, int> first, int[] next) = _byName.Value;
        for (int i = first.GetValueOrDefault(name, -1); i >= 0; i = next[i])
            found.Add(_functions[i]);
        return found;
    }

    /// <summary>The functions of a demangled name, with or without parameters.</summary>
    public List<FunctionSymbol> WithDisplayName(string name)
    {
        string? required = DemangledText.RequiredPart(name, isGlob: false);
        return Search(required, function => DemangledText.Forms(function.DisplayName).Contains(name));
    }

    /// <summary>The functions with a raw or demangled name that matches.</summary>
    public List<FunctionSymbol> Matching(string glob)
    {
        var pattern = new GlobPattern(glob);
        string? required = DemangledText.RequiredPart(glob, isGlob: true);
        return Search(required, function => DemangledText.Forms(function.DisplayName).IsMatch(pattern), pattern);
    }

    /// <summary>The smallest function that holds a byte.</summary>
    public bool TryFind(ulong offset, out FunctionBounds bounds)
    {
        int symbol = FindSymbol(offset);
        int range = _unwind.Find(offset);
        bounds = default;
        if (range < 0 && symbol < 0)
            return false;
        ulong start, end;
        if (range < 0)
        {
            (start, end) = (_starts[symbol], _starts[symbol] + _functions[symbol].Size);
        }
        else
        {
            (start, end) = (_unwind.Starts[range], _unwind.End(range));
            // Assembly code can have one range for several functions.
            if (symbol >= 0 && _starts[symbol] > start)
                (start, end) = (_starts[symbol], Math.Min(end, _starts[symbol] + _functions[symbol].Size));
        }
        bounds = new FunctionBounds(new FileOffset(start), end - start, NameAt(start) ?? (symbol < 0 ? null : NameAt(_starts[symbol])));
        return true;
    }

    /// <summary>The function that names a byte, and where that starts: a name can be of more than one unwind range.</summary>
    public bool TryName(ulong offset, out string name, out ulong start)
    {
        (name, start) = ("", 0);
        if (!TryFind(offset, out FunctionBounds bounds) || bounds.Name is not { } found)
            return false;
        name = found;
        start = bounds.Start.Value;
        if (FindSymbol(offset) is >= 0 and int symbol && _starts[symbol] < start && NameAt(start) is null)
            start = _starts[symbol];
        return true;
    }

    // The last symbol that starts at or before the byte and reaches it; of several at one place, the shortest.
    private int FindSymbol(ulong offset)
    {
        int last = LastAtOrBefore(offset);
        int best = -1;
        for (int i = last; i >= 0 && _greatestEnd[i] > offset && (best < 0 || _starts[i] == _starts[best]); i--)
        {
            ulong size = _functions[i].Size;
            if (offset - _starts[i] < size && (best < 0 || size < _functions[best].Size))
                best = i;
        }
        return best;
    }

    private int LastAtOrBefore(ulong offset)
    {
        int low = 0, high = _starts.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_starts[middle] <= offset)
                low = middle + 1;
            else
                high = middle;
        }
        return low - 1;
    }

    // Of several names the one that a reader expects: visible to others, without leading underscores, short.
    private string? NameAt(ulong start)
    {
        FunctionSymbol? best = null;
        for (int i = LastAtOrBefore(start); i >= 0 && _starts[i] == start; i--)
        {
            if (_functions[i].Origin != FunctionOrigin.UnwindTable && (best is null || Rank(_functions[i]).CompareTo(Rank(best)) < 0))
                best = _functions[i];
        }
        return best?.Name;

        static (bool, bool, int, int) Rank(FunctionSymbol function) => (
            !function.IsGlobal,
            function.IsUntyped,
            function.Name.StartsWith("_Z", StringComparison.Ordinal) || function.Name.StartsWith("_R", StringComparison.Ordinal)
                ? 0 : function.Name.Length - function.Name.AsSpan().TrimStart('_').Length,
            function.Name.Length);
    }

    private List<FunctionSymbol> Search(string? required, Func<FunctionSymbol, bool> matchesDisplay, GlobPattern? rawPattern = null)
    {
        var found = new List<FunctionSymbol>();
        foreach (FunctionSymbol function in _functions)
        {
            bool mangled = Demangler.IsMangled(function.Name);
            if (rawPattern?.IsMatch(function.Name) == true
                || (mangled && (required is null || function.Name.Contains(required, StringComparison.Ordinal)) && matchesDisplay(function)))
                found.Add(function);
        }
        return found;
    }

    private (Dictionary<string, int>, int[]) IndexNames()
    {
        var first = new Dictionary<string, int>(_functions.Length, StringComparer.Ordinal);
        int[] next = new int[_functions.Length];
        for (int i = _functions.Length - 1; i >= 0; i--)
        {
            next[i] = first.GetValueOrDefault(_functions[i].Name, -1);
            first[_functions[i].Name] = i;
        }
        return (first, next);
    }
}
