using System.Globalization;
using Uprobes.Images;
using Uprobes.Processes;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;
using Uprobes.Stacks.X64;

namespace Uprobes.Script.Running;

/// <summary>Names and addresses of code from the symbol tables of the files that processes map.</summary>
/// <param name="config">What of the names is wanted.</param>
internal sealed class SessionSymbols(ScriptConfig config) : IScriptSymbols, IDisposable
{
    private readonly TargetStacks _stacks = new(config);
    private readonly Lock _gate = new();
    private readonly Dictionary<int, List<Mapping>> _mappings = [];
    private readonly Dictionary<(string Path, ulong Inode), ElfImage?> _images = [];
    private readonly Dictionary<(ImageId Image, string Symbol), ulong?> _values = [];

    /// <inheritdoc/>
    public string? NameOf(int processId, ulong address)
    {
        lock (_gate)
        {
            if (Find(processId, address) is not { } mapping || Open(processId, mapping) is not { } image)
                return null;
            FileOffset offset = new(address - mapping.Start + mapping.FileOffset);
            return image.Functions.TryFind(offset, out FunctionBounds bounds) && bounds.Name is { } name ? Demangler.Demangle(name) : null;
        }
    }

    /// <inheritdoc/>
    public ulong? AddressOf(ActionOccasion occasion, string symbol)
    {
        if (occasion is not { Site: { } site, Hit: { } hit } || !site.Image.TryGetAddress(site.Offset, out LinkAddress linked))
            return null;
        ulong bias = hit.SiteAddress - linked.Value;
        lock (_gate)
        {
            if (!_values.TryGetValue((site.Image.Id, symbol), out ulong? value))
                _values.Add((site.Image.Id, symbol), value = SymbolValue(site.Image, symbol));
            return bias + value;
        }
    }

    /// <inheritdoc/>
    public ScriptStack StackOf(ActionOccasion occasion, StackType type)
    {
        if (occasion is not { Hit: { } hit, Thread: { } thread })
            return new ScriptStack(type.Mode, []) { UnwindFailed = true };
        lock (_gate)
            return _stacks.Of(hit, thread, occasion is { Site: { IsEntry: true, AttachPoint.IsReturn: false } }, type);
    }

    /// <inheritdoc/>
    public ScriptStack StackOf(int processId, in StackRegisters registers, ReadOnlySpan<byte> bytes, bool isAtEntry, StackType type)
    {
        lock (_gate)
            return _stacks.Of(processId, registers, bytes, isAtEntry, type);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _stacks.Dispose();
            foreach (ElfImage? image in _images.Values)
                image?.Dispose();
            _images.Clear();
        }
    }

    /// <summary>What the file's symbol tables have for a name of a function or a variable.</summary>
    private static ulong? SymbolValue(ElfImage image, string symbol)
    {
        byte[] name = System.Text.Encoding.UTF8.GetBytes(symbol);
        foreach (SymbolTable? table in (SymbolTable?[])[SymbolTableReader.ReadStatic(image.File, FunctionOrigin.SymbolTable), SymbolTableReader.ReadDynamic(image.File, image.Dynamic)])
        {
            for (int i = 0; i < (table?.Count ?? 0); i++)
            {
                SymbolEntry entry = table![i];
                if (entry.Section != 0 && table.HasName(entry, name))
                    return entry.Value;
            }
        }

        return null;
    }

    /// <summary>The mapping that holds an address; mappings are read again where none does.</summary>
    private Mapping? Find(int processId, ulong address)
    {
        if (_mappings.TryGetValue(processId, out List<Mapping>? known) && known.FindIndex(mapping => mapping.Contains(address)) is >= 0 and int index)
            return known[index];
        List<Mapping> read = _mappings[processId] = MappingParser.ReadProcess(processId);
        int found = read.FindIndex(mapping => mapping.Contains(address));
        return found < 0 ? null : read[found];
    }

    private ElfImage? Open(int processId, Mapping mapping)
    {
        if (!mapping.HasFile || !mapping.Path.StartsWith('/'))
            return null;
        if (_images.TryGetValue((mapping.Path, mapping.Inode), out ElfImage? image))
            return image;
        try
        {
            image = ElfImage.Open(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/root{mapping.Path}"));
        }
        catch (ImageException)
        {
            image = null; // What cannot be read has no names; its addresses are shown.
        }

        _images.Add((mapping.Path, mapping.Inode), image);
        return image;
    }
}
