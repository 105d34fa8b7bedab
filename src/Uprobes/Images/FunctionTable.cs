using System.Text;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>
/// The functions of an image. Everything is read on first need and kept; all members may be used from any thread.
/// A name that the image itself has is found without reading the whole table and without separate debug files.
/// </summary>
public sealed class FunctionTable
{
    private readonly ElfImage _image;
    private readonly FunctionSources _sources;
    private readonly Lazy<FunctionIndex> _index;
    private readonly Lazy<(UnwindTable Table, IReadOnlyList<string> Problems)> _unwind;
    private readonly Lazy<FunctionExtents> _extents;

    internal FunctionTable(ElfImage image)
    {
        _image = image;
        _sources = new FunctionSources(image);
        _index = new Lazy<FunctionIndex>(Build);
        _unwind = new(ReadUnwind);
        _extents = new(() => new FunctionExtents(OwnFunctions(), _unwind.Value.Table));
    }

    /// <summary>
    /// All functions sorted by file offset; every name of an offset is there. It includes those of a separate debug
    /// file and, called <c>fn_0xOFFSET</c>, those that only unwind information shows.
    /// </summary>
    public IReadOnlyList<FunctionSymbol> All => _index.Value.Functions;

    /// <summary>
    /// What could not be read of the file's tables, each as a sentence; the functions of all others are in the table.
    /// </summary>
    public IReadOnlyList<string> Problems => _index.Value.Problems;

    /// <summary>The separate debug file that names were taken from, or null.</summary>
    public string? DebugFile => _index.Value.DebugFile;

    /// <summary>
    /// The functions of a name: raw, raw with <c>@version</c> or <c>@@version</c> (the default one only), or as its
    /// source language writes it, with or without parameters. The first of these forms that any function has counts.
    /// A raw name that the image's own tables have hides equal names of separate debug files.
    /// </summary>
    /// <param name="name">The name; nothing in it is a wildcard.</param>
    /// <returns>All of them by file offset (one name can have several versions, or be local to several files); empty if there is none.</returns>
    public IReadOnlyList<FunctionSymbol> Named(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        (string bare, string? version, bool onlyDefault) = SplitVersion(name);
        if (!_index.IsValueCreated)
        {
            List<FunctionSymbol> quick = new FunctionTableBuilder(_image.SegmentTable, _sources.Own).BuildNamed(Encoding.UTF8.GetBytes(bare));
            quick.RemoveAll(function => function.Name != bare);
            // A size of 0 can only be replaced by looking at the neighbours.
            if (quick.Count > 0 && quick.TrueForAll(function => function.Size != 0))
                return Select(quick, version, onlyDefault);
        }
        List<FunctionSymbol> raw = _index.Value.WithRawName(bare);
        if (raw.Exists(IsOwn))
            raw.RemoveAll(function => !IsOwn(function));
        return raw.Count > 0 ? Select(raw, version, onlyDefault) : _index.Value.WithDisplayName(name);
    }

    /// <summary>The functions of a raw name in the image's own symbol tables, without reading anything else.</summary>
    internal IReadOnlyList<FunctionSymbol> InOwnTables(string rawName) =>
        new FunctionTableBuilder(_image.SegmentTable, _sources.Own).BuildNamed(Encoding.UTF8.GetBytes(rawName));

    /// <summary>The address of what a raw name means in the image's own symbol tables, functions and data; null where there is none.</summary>
    internal LinkAddress? AddressOf(string rawName)
    {
        byte[] name = Encoding.UTF8.GetBytes(rawName);
        foreach (SymbolTable table in _sources.Own)
        {
            for (int i = 1; i < table.Count; i++)
            {
                SymbolEntry entry = table[i];
                if (entry.Section != SHN_UNDEF && entry.Type is STT_NOTYPE or STT_OBJECT or STT_FUNC && table.HasName(entry, name))
                    return new LinkAddress(entry.Value);
            }
        }

        return null;
    }

    /// <summary>
    /// Everything in the code that the image's own symbols name: functions, labels, data; and whether other files can find it by that name. Not
    /// sorted.
    /// </summary>
    internal IEnumerable<(LinkAddress Address, bool IsDynamic)> Labels()
    {
        foreach (SymbolTable table in _sources.Own)
        {
            for (int i = 1; i < table.Count; i++)
            {
                SymbolEntry entry = table[i];
                if (entry.Section != SHN_UNDEF && entry.Type is STT_NOTYPE or STT_OBJECT or STT_FUNC or STT_GNU_IFUNC
                    && _image.TryGetOffset(new LinkAddress(entry.Value), out FileOffset offset) && _image.IsExecutable(offset))
                    yield return (new LinkAddress(entry.Value), table.Origin == FunctionOrigin.DynamicSymbols);
            }
        }
    }

    /// <summary>The bounds of all functions, without the time that their names take.</summary>
    internal FunctionExtents Extents => _extents.Value;

    /// <summary>The functions whose raw or demangled name, with or without parameters, matches a pattern.</summary>
    /// <param name="glob">As of the shell: <c>*</c>, <c>?</c>, <c>[abc]</c>, <c>[a-z]</c>, <c>[!a]</c>.</param>
    /// <returns>All of them by file offset.</returns>
    public IReadOnlyList<FunctionSymbol> Matching(string glob)
    {
        ArgumentException.ThrowIfNullOrEmpty(glob);
        return _index.Value.Matching(glob);
    }

    /// <summary>
    /// The smallest function that holds a byte: its unwind range, or the part of it that a symbol names, or else the
    /// smallest symbol.
    /// </summary>
    public bool TryFind(FileOffset offset, out FunctionBounds bounds) => _index.Value.TryFind(offset.Value, out bounds);

    /// <summary>The preferred raw name of the function that a byte belongs to, and the first byte of what it names.</summary>
    internal bool TryName(FileOffset offset, out string name, out FileOffset start)
    {
        bool found = _index.Value.TryName(offset.Value, out name, out ulong value);
        start = new FileOffset(value);
        return found;
    }

    private static bool IsOwn(FunctionSymbol function) => function.Origin is FunctionOrigin.DynamicSymbols or FunctionOrigin.SymbolTable;

    private static List<FunctionSymbol> Select(List<FunctionSymbol> functions, string? version, bool onlyDefault) => version is null
        ? functions
        : functions.FindAll(function => function.Version == version && (!onlyDefault || function.IsDefaultVersion));

    private static (string Name, string? Version, bool OnlyDefault) SplitVersion(string name)
    {
        int at = name.IndexOf('@', StringComparison.Ordinal);
        if (at <= 0)
            return (name, null, false);
        bool onlyDefault = name.AsSpan(at).StartsWith("@@");
        return (name[..at], name[(at + (onlyDefault ? 2 : 1))..], onlyDefault);
    }

    private (UnwindTable, IReadOnlyList<string>) ReadUnwind()
    {
        var problems = new List<string>();
        return (_sources.ReadUnwind(problems), problems);
    }

    private IEnumerable<(ulong Start, ulong Size)> OwnFunctions()
    {
        foreach (SymbolTable table in _sources.Own)
        {
            for (int i = 1; i < table.Count; i++)
            {
                SymbolEntry entry = table[i];
                if (table.IsFunction(entry) && _image.TryGetOffset(new LinkAddress(entry.Value), out FileOffset offset)
                    && _image.SegmentTable.TryGetCode(offset.Value, out (ulong Start, ulong End) code))
                    yield return (offset.Value, Math.Min(entry.Size, code.End - offset.Value));
            }
        }
    }

    private FunctionIndex Build()
    {
        var problems = new List<string>(_sources.OwnProblems);
        List<SymbolTable> tables = [.. _sources.Own, .. _sources.ReadSeparate(problems)];
        (UnwindTable unwind, IReadOnlyList<string> unwindProblems) = _unwind.Value;
        problems.AddRange(unwindProblems);
        var builder = new FunctionTableBuilder(_image.SegmentTable, tables);
        List<FunctionSymbol> functions = builder.BuildAll(unwind);
        if (builder.Unnamable > 0)
            problems.Add($"{builder.Unnamable} functions are left out: their names are outside the string table or too long");
        return new FunctionIndex(functions, unwind, problems, _sources.DebugFile);
    }
}
