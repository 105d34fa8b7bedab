using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>
/// Makes one sorted list of functions of several symbol tables and the unwind table. The tables come in the order in
/// which they are believed.
/// </summary>
internal sealed class FunctionTableBuilder(SegmentTable segments, IReadOnlyList<SymbolTable> tables)
{
    private readonly List<FunctionCandidate> _candidates = [];
    private readonly List<FunctionSymbol> _functions = [];
    private readonly Dictionary<(string Name, string? Version), int> _atOffset = [];
    private ulong _nameBudget = tables.Aggregate(0UL, (sum, table) => sum + table.NameBudget);

    /// <summary>How many functions were left out because their name is not in the string table or exceeds a limit.</summary>
    public int Unnamable { get; private set; }

    /// <summary>Only the functions of one raw name (a version may follow it); sizes of 0 are not replaced.</summary>
    public List<FunctionSymbol> BuildNamed(ReadOnlySpan<byte> name)
    {
        foreach (SymbolTable table in tables)
        {
            for (int i = 1; i < table.Count; i++)
            {
                SymbolEntry entry = table[i];
                if (table.IsFunction(entry) && table.HasName(entry, name))
                    AddCandidate(table, i, entry);
            }
        }
        MergeNames();
        return _functions;
    }

    /// <summary>All functions, with those that only the unwind table knows.</summary>
    public List<FunctionSymbol> BuildAll(UnwindTable unwind)
    {
        foreach (SymbolTable table in tables)
        {
            for (int i = 1; i < table.Count; i++)
            {
                SymbolEntry entry = table[i];
                if (table.IsFunction(entry))
                    AddCandidate(table, i, entry);
            }
        }
        MergeNames();
        InferSizes(unwind);
        AddUnnamed(unwind);
        return _functions;
    }

    private void AddCandidate(SymbolTable table, int index, in SymbolEntry entry)
    {
        if (segments.TryGetOffset(new LinkAddress(entry.Value), out FileOffset offset) && segments.TryGetCode(offset.Value, out _))
            _candidates.Add(new FunctionCandidate(table, index, entry, offset.Value));
    }

    // Sorts by offset and, within one, by the order in which the candidates were found.
    private void MergeNames()
    {
        ulong[] offsets = new ulong[_candidates.Count];
        int[] order = new int[_candidates.Count];
        for (int i = 0; i < order.Length; i++)
            (offsets[i], order[i]) = (_candidates[i].Offset, i);
        Array.Sort(offsets, order);
        _functions.Capacity = order.Length;
        for (int start = 0, end; start < order.Length; start = end)
        {
            for (end = start + 1; end < order.Length && offsets[end] == offsets[start];)
                end++;
            if (end - start > 1)
                Array.Sort(order, start, end - start);
            _atOffset.Clear();
            for (int i = start; i < end; i++)
                MergeName(_candidates[order[i]], alone: end - start == 1);
        }
    }

    // A name that .symtab and .dynsym both have appears once, with the version that only .dynsym knows.
    private void MergeName(in FunctionCandidate candidate, bool alone)
    {
        if (!candidate.Table.Strings.TryGet(candidate.Entry.Name, ref _nameBudget, out string name))
        {
            Unnamable++;
            return;
        }
        if (name.Length == 0)
            return;
        bool isDefault = false;
        string? version = candidate.Table.Versions?.Find(candidate.Index, out isDefault);
        int at = name.IndexOf('@', StringComparison.Ordinal);
        if (version is null && at > 0 && at < name.Length - 1)
        {
            // The linker writes versions into the names of .symtab: name@version, or name@@version for the default.
            isDefault = name[at + 1] == '@';
            version = name[(at + (isDefault ? 2 : 1))..];
            name = name[..at];
        }
        FunctionSymbol symbol = NewSymbol(candidate, name, version, isDefault);
        if (!alone)
        {
            if (_atOffset.TryGetValue((name, version), out int known))
            {
                if (_functions[known].Size == 0)
                    _functions[known] = _functions[known] with { Size = symbol.Size };
                return;
            }
            _atOffset.Add((name, version), _functions.Count);
            // A later table without versions must find the name too.
            _atOffset.TryAdd((name, null), _functions.Count);
        }
        _functions.Add(symbol);
    }

    private FunctionSymbol NewSymbol(in FunctionCandidate candidate, string name, string? version, bool isDefault)
    {
        segments.TryGetCode(candidate.Offset, out (ulong Start, ulong End) code);
        return new FunctionSymbol
        {
            Name = name,
            Version = version,
            IsDefaultVersion = isDefault,
            Offset = new FileOffset(candidate.Offset),
            Address = new LinkAddress(candidate.Entry.Value),
            Size = Math.Min(candidate.Entry.Size, code.End - candidate.Offset),
            IsIndirect = candidate.Entry.Type == STT_GNU_IFUNC,
            IsUntyped = candidate.Entry.Type == STT_NOTYPE,
            IsGlobal = candidate.Entry.Binding != STB_LOCAL,
            Origin = candidate.Table.Origin,
        };
    }

    private void InferSizes(UnwindTable unwind)
    {
        ulong next = ulong.MaxValue;
        for (int i = _functions.Count - 1; i >= 0; i--)
        {
            ulong offset = _functions[i].Offset.Value;
            if (i + 1 < _functions.Count && _functions[i + 1].Offset.Value != offset)
                next = _functions[i + 1].Offset.Value;
            if (_functions[i].Size != 0)
                continue;
            segments.TryGetCode(offset, out (ulong Start, ulong End) code);
            ulong end = Math.Min(next, code.End);
            if (unwind.Find(offset) is >= 0 and int range)
                end = Math.Min(end, unwind.End(range));
            int following = unwind.Starts.BinarySearch(offset + 1);
            following = following < 0 ? ~following : following;
            if (following < unwind.Count)
                end = Math.Min(end, unwind.Starts[following]);
            _functions[i] = _functions[i] with { Size = end - offset };
        }
    }

    // Ranges that begin at no symbol and inside none are functions whose names were stripped.
    private void AddUnnamed(UnwindTable unwind)
    {
        int named = _functions.Count;
        ulong covered = 0;
        for (int range = 0, i = 0; range < unwind.Count; range++)
        {
            ulong start = unwind.Starts[range];
            for (; i < named && _functions[i].Offset.Value <= start; i++)
                covered = Math.Max(covered, _functions[i].Offset.Value + _functions[i].Size);
            if (covered > start || !segments.TryGetAddress(new FileOffset(start), out LinkAddress address))
                continue;
            _functions.Add(new FunctionSymbol
            {
                Name = $"fn_0x{start:x}",
                Offset = new FileOffset(start),
                Address = address,
                Size = unwind.End(range) - start,
                Origin = FunctionOrigin.UnwindTable,
            });
        }
        if (_functions.Count > named && named > 0)
            MergeUnnamed(named);
    }

    private void MergeUnnamed(int named)
    {
        FunctionSymbol[] both = [.. _functions];
        int left = 0, right = named;
        for (int i = 0; i < both.Length; i++)
        {
            bool takeLeft = right == both.Length || (left < named && both[left].Offset <= both[right].Offset);
            _functions[i] = takeLeft ? both[left++] : both[right++];
        }
    }
}
