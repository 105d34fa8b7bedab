namespace Uprobes.Images;

/// <summary>
/// The tables that an image's functions are taken from. One that cannot be read is a problem to tell, not the end:
/// the others are used.
/// </summary>
internal sealed class FunctionSources
{
    private readonly ElfImage _image;
    private readonly Lazy<(IReadOnlyList<SymbolTable> Tables, IReadOnlyList<string> Problems)> _own;

    /// <summary>Reads nothing yet.</summary>
    public FunctionSources(ElfImage image)
    {
        _image = image;
        _own = new(ReadOwn);
    }

    /// <summary>The image's own symbol tables: <c>.dynsym</c>, then <c>.symtab</c>.</summary>
    public IReadOnlyList<SymbolTable> Own => _own.Value.Tables;

    /// <summary>What could not be read of the image's own tables.</summary>
    public IReadOnlyList<string> OwnProblems => _own.Value.Problems;

    /// <summary>The separate debug file that <see cref="ReadSeparate"/> took names from, or null.</summary>
    public string? DebugFile { get; private set; }

    /// <summary>The symbol tables of a separate debug file and of <c>.gnu_debugdata</c>, for an image without <c>.symtab</c>.</summary>
    public List<SymbolTable> ReadSeparate(List<string> problems)
    {
        var tables = new List<SymbolTable>();
        if (Own.Any(table => table.Origin == FunctionOrigin.SymbolTable))
            return tables;
        Attempt(problems, () =>
        {
            if (SeparateDebugFile.Find(_image, problems) is not { } debug)
                return;
            using (debug)
            {
                if (SymbolTableReader.ReadStatic(debug.File, FunctionOrigin.DebugFile) is not { } table)
                    return;
                tables.Add(table);
                DebugFile = debug.Path;
            }
        });
        if (tables.Count == 0)
        {
            Attempt(problems, () =>
            {
                if (MiniDebugInfo.Unpack(_image.File) is { } file && SymbolTableReader.ReadStatic(file, FunctionOrigin.MiniDebugInfo) is { } table)
                    tables.Add(table);
            });
        }
        return tables;
    }

    /// <summary>The unwind table, empty where it cannot be read at all.</summary>
    public UnwindTable ReadUnwind(List<string> problems)
    {
        UnwindTable unwind = UnwindTable.Empty;
        Attempt(problems, () => unwind = UnwindTable.Read(_image, problems));
        return unwind;
    }

    private (IReadOnlyList<SymbolTable>, IReadOnlyList<string>) ReadOwn()
    {
        var tables = new List<SymbolTable>();
        var problems = new List<string>();
        if (_image.SectionTableProblem is { } problem)
            problems.Add(problem);
        Attempt(problems, () => Add(SymbolTableReader.ReadDynamic(_image.File, _image.Dynamic)));
        Attempt(problems, () => Add(SymbolTableReader.ReadStatic(_image.File, FunctionOrigin.SymbolTable)));
        return (tables, problems);

        void Add(SymbolTable? table)
        {
            if (table is not null)
                tables.Add(table);
        }
    }

    private static void Attempt(List<string> problems, Action read)
    {
        try
        {
            read();
        }
        catch (ImageException error)
        {
            problems.Add(error.Message);
        }
    }
}
