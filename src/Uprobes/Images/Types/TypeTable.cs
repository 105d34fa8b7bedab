using System.Globalization;
using Uprobes.Images.Types.X64;

namespace Uprobes.Images.Types;

/// <summary>
/// The types and the functions' parameters of an image, where debug information says them: in the image itself or in a separate debug file. Read when it is first
/// needed, and of that only what a question needs. Thread-safe.
/// </summary>
internal sealed class TypeTable
{
    private const int MostOfFunction = 4096, MostOrigins = 8, ParameterBytes = 64;
    private readonly Lock _gate = new();
    private readonly Lazy<Contents?> _contents;
    private readonly List<string> _problems = [];
    private DebugMemory? _memory;
    private bool _hasNoRoom;

    /// <summary>Reads nothing yet.</summary>
    internal TypeTable(ElfImage image) => _contents = new Lazy<Contents?>(() => Read(image));

    /// <summary>Why nothing of it was read although there is some, a sentence; null for no reason.</summary>
    internal string? UnreadProblem { get; private set; }

    /// <summary>Has what is read count to a memory that other images share. To be called before anything is asked.</summary>
    internal void ShareMemory(DebugMemory memory) => _memory = memory;

    /// <summary>Whether there is any debug information that types are in.</summary>
    internal bool IsPresent => _contents.Value is { Units.All.Count: > 0 };

    /// <summary>What could not be read of it, a sentence each.</summary>
    internal IReadOnlyList<string> Problems
    {
        get
        {
            if (_contents.Value is not { } contents)
                return _problems;
            lock (_gate)
            {
                List<string> all = [.. _problems, .. contents.Units.Problems];
                if (contents.Units.Budget.Problem is { } given)
                    all.Add(given);
                if (contents.Units.HasShared)
                    all.Add("types are in a file that several debug files share (dwz), which was not found");
                if (contents.IsBroken)
                    all.Add("entries of the debug information cannot be read: it is damaged, or has forms that are not known");
                return all;
            }
        }
    }

    /// <summary>What is known of the function whose first instruction is at an address; null for nothing.</summary>
    internal FunctionSignature? FindFunction(LinkAddress address)
    {
        if (_contents.Value is not { } contents)
            return null;
        lock (_gate)
        {
            contents.Units.Budget.Begin();
            foreach (DebugUnit unit in contents.UnitsAt(address.Value))
            {
                if (contents.IndexOf(unit).TryFindFunction(address, out DebugEntry entry))
                    return Function(contents, entry);
            }

            return contents.Everything.TryFindFunction(address, out DebugEntry other) ? Function(contents, other) : null;
        }
    }

    /// <summary>A type by its name, alone or with namespaces: of a function's own source file, or else of any; null where there is none.</summary>
    /// <param name="name">Without a keyword.</param>
    /// <param name="kind">Which kind.</param>
    /// <param name="near">The function.</param>
    internal TypeId? Find(string name, NamedKind kind, FunctionSignature? near)
    {
        if (_contents.Value is not { } contents)
            return null;
        lock (_gate)
        {
            contents.Units.Budget.Begin();
            foreach (DebugEntry entry in contents.Find(name, kind, near))
                return new TypeId(entry.Offset);
            return null;
        }
    }

    /// <summary>A constant of an enum; null where there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="near">A function of the source file that is asked first.</param>
    internal (TypeId Enum, long Value)? FindConstant(string name, FunctionSignature? near)
    {
        if (_contents.Value is not { } contents)
            return null;
        lock (_gate)
        {
            contents.Units.Budget.Begin();
            string own = name[(name.LastIndexOf(':') + 1)..];
            foreach (DebugEntry entry in contents.Find(name, NamedKind.Constant, near))
            {
                if (contents.Types.Describe(new TypeId(entry.Offset)) is not EnumTypeDescription description)
                    continue;
                foreach ((string constant, long value) in description.Constants)
                {
                    if (constant == own)
                        return (new TypeId(entry.Offset), value);
                }
            }

            return null;
        }
    }

    /// <summary>
    /// For each of some addresses the innermost function that it is in, inlined ones included: a number that is the same for the same copy. Those that nothing is known
    /// of are left out.
    /// </summary>
    internal IReadOnlyDictionary<ulong, int> BlocksOf(IReadOnlyCollection<ulong> addresses)
    {
        if (_contents.Value is not { } contents)
            return new Dictionary<ulong, int>();
        lock (_gate)
        {
            contents.Units.Budget.Begin();
            BlockFinder finder = new(contents.Units, addresses);
            foreach (DebugUnit unit in addresses.SelectMany(contents.UnitsAt).Distinct())
                finder.Add(unit);
            return finder.Found;
        }
    }

    /// <summary>The units that say that an address is theirs, and all others; null where there is no debug information.</summary>
    internal (DebugUnits All, IReadOnlyList<DebugUnit> Here)? UnitsAt(LinkAddress address)
    {
        if (_contents.Value is not { } contents)
            return null;
        lock (_gate)
            return (contents.Units, [.. contents.UnitsAt(address.Value)]);
    }

    /// <summary>What a type is.</summary>
    internal TypeDescription Describe(TypeId type)
    {
        if (_contents.Value is not { } contents)
            return new UnknownTypeDescription("not in the debug information", 0);
        lock (_gate)
        {
            contents.Units.Budget.Begin();
            return contents.Types.Describe(type);
        }
    }

    /// <summary>A type behind its typedefs and qualifiers.</summary>
    internal TypeId Resolve(TypeId type)
    {
        if (_contents.Value is not { } contents)
            return type;
        lock (_gate)
            return contents.Types.Resolve(type);
    }

    /// <summary>Of a struct or an enum that is only declared, the one that is defined somewhere in the image; any other type as it is.</summary>
    internal TypeId DefinitionOf(TypeId type)
    {
        if (_contents.Value is not { } contents)
            return type;
        lock (_gate)
        {
            contents.Units.Budget.Begin();
            (string? name, NamedKind kind) = contents.Types.Describe(type) switch
            {
                StructTypeDescription { IsDeclaration: true, Name: { } declared } => (declared, NamedKind.Struct),
                EnumTypeDescription { IsDeclaration: true, Name: { } declared } => (declared, NamedKind.Enum),
                _ => (null, default),
            };
            return name is not null && contents.Everything.Find(name, kind).Select(entry => (TypeId?)new TypeId(entry.Offset)).FirstOrDefault() is { } definition ? definition : type;
        }
    }

    /// <summary>Bytes of a value; null where that is not known.</summary>
    internal long? SizeOf(TypeId type)
    {
        if (_contents.Value is not { } contents)
            return null;
        lock (_gate)
        {
            contents.Units.Budget.Begin();
            return contents.Types.SizeOf(type);
        }
    }

    /// <summary>A type as C writes it.</summary>
    internal string TextOf(TypeId type)
    {
        if (_contents.Value is not { } contents)
            return "?";
        lock (_gate)
        {
            contents.Units.Budget.Begin();
            return new TypeText(contents.Types).Of(type);
        }
    }

    /// <summary>Describes a function; null where there is no memory left for it.</summary>
    private static FunctionSignature? Function(Contents contents, DebugEntry entry)
    {
        DebugUnits units = contents.Units;
        List<DebugEntry> parameters = ParametersOf(units, entry);
        // What the compiler leaves out of a copy of a function stands in the original.
        DebugEntry origin = entry;
        for (int i = 0; i < MostOrigins && parameters.Count == 0 && units.TryGetOrigin(origin, out origin); i++)
            parameters = ParametersOf(units, origin);
        TypeId result = contents.Types.TargetOf(entry);
        ArgumentPassing passing = new(contents.Types, entry.Unit.Language, result);
        List<ParameterDescription> described = [];
        foreach (DebugEntry parameter in parameters)
        {
            TypeId type = contents.Types.TargetOf(parameter);
            string? name = units.NameOf(parameter);
            if (!units.Budget.TryKeep(ParameterBytes + ((name?.Length ?? 0) * sizeof(char))))
                return null;
            described.Add(new ParameterDescription(name, type, passing.Next(type)));
        }

        return new FunctionSignature(units.NameOf(entry) ?? "", described, result, passing.ResultPlace) { Offset = entry.Offset };
    }

    private static List<DebugEntry> ParametersOf(DebugUnits units, DebugEntry function)
    {
        int budget = MostOfFunction;
        List<DebugEntry> children = units.ChildrenOf(function, ref budget);
        children.RemoveAll(child => child.Tag != DwarfTag.FormalParameter);
        return children;
    }

    private Contents? Read(ElfImage image)
    {
        try
        {
            if (ReadFrom(image.File, image) is { } own)
                return own;
            using SeparateDebugFile? separate = SeparateDebugFile.Find(image, _problems);
            return separate is null ? null : ReadFrom(separate.File, image);
        }
        catch (ImageException error)
        {
            // Types are an addition: scripts that do without them run all the same.
            _problems.Add(error.Problem);
            UnreadProblem = _hasNoRoom ? error.Problem : $"its debug information cannot be read: {error.Problem}";
            return null;
        }
    }

    private Contents? ReadFrom(ElfFile file, ElfImage image)
    {
        using SeparateDebugFile? shared = SharedDebugFile.Find(file, image.Path, _problems);
        return (_memory is null ? DebugSections.Read(file, shared?.File) : _memory.Take(left => ReadInto(left, _memory.Most))) is { } sections ? new Contents(new DebugUnits(sections)) : null;

        // What is damaged says so when it is read: it must not be taken for something that is too large.
        DebugSections? ReadInto(ulong left, ulong most)
        {
            ulong size = DebugSections.SizeOf(file, shared?.File);
            _hasNoRoom = size > left;
            return _hasNoRoom
                ? throw file.Source.Malformed(string.Create(CultureInfo.InvariantCulture, $"its debug information has {size >> 20} MiB, and that of all images together is kept up to {most >> 20} MiB, of which {left >> 20} are left"))
                : DebugSections.Read(file, shared?.File, left);
        }
    }

    /// <summary>What was read; used under the lock.</summary>
    private sealed class Contents(DebugUnits units)
    {
        private readonly Dictionary<DebugUnit, EntryIndex> _indexes = [];
        private UnitRanges? _ranges;
        private EntryIndex? _everything;

        internal DebugUnits Units => units;

        /// <summary>Whether some of the units that were asked for cannot be read to their end.</summary>
        internal bool IsBroken => _everything is { IsBroken: true } || _indexes.Values.Any(index => index.IsBroken);

        internal TypeReader Types { get; } = new(units);

        /// <summary>The index of all units.</summary>
        internal EntryIndex Everything => _everything ??= new EntryIndex(units, units.All);

        internal EntryIndex IndexOf(DebugUnit unit)
        {
            if (!_indexes.TryGetValue(unit, out EntryIndex? index))
                _indexes.Add(unit, index = new EntryIndex(units, [unit]));
            return index;
        }

        /// <summary>The units that say that an address is theirs.</summary>
        internal IEnumerable<DebugUnit> UnitsAt(ulong address)
        {
            _ranges ??= new UnitRanges(units);
            return _ranges.At(address);
        }

        internal IEnumerable<DebugEntry> Find(string name, NamedKind kind, FunctionSignature? near)
        {
            DebugUnit? own = near is not null && units.TryGet(near.Offset, out DebugEntry function) ? function.Unit : null;
            return own is null ? Everything.Find(name, kind) : IndexOf(own).Find(name, kind).Concat(Lazily(() => Everything.Find(name, kind)));
        }

        private static IEnumerable<DebugEntry> Lazily(Func<IEnumerable<DebugEntry>> find)
        {
            foreach (DebugEntry entry in find())
                yield return entry;
        }
    }
}
