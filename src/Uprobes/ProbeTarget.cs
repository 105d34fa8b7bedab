using Uprobes.Images;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>Where in a file a probe point is.</summary>
/// <param name="Offset">Position in the file.</param>
/// <param name="IsFunctionEntry">Whether a function is known to begin there.</param>
internal readonly record struct ProbeTarget(FileOffset Offset, bool IsFunctionEntry)
{
    /// <summary>Finds a point in its image.</summary>
    /// <exception cref="ProbeRefusedException">There is no such function, or several, or the point is outside it.</exception>
    internal static ProbeTarget Find(ProbePoint point, ElfImage elf)
    {
        if (point.Offset is { } offset)
            return new ProbeTarget(offset, IsEntry(elf, offset, point.Function));
        IReadOnlyList<FunctionSymbol> named = elf.Functions.Named(point.Function!);
        if (named.Count == 0)
            throw Refused(ProbeRefusalReason.NoSuchSymbol, point, $"{elf.Path} has no function {point.Function}");
        FunctionSymbol symbol = named.FirstOrDefault(s => s.IsDefaultVersion) ?? named[0];
        if (named.Any(s => s.Offset != symbol.Offset && s.Version == symbol.Version))
            throw Refused(ProbeRefusalReason.NoSuchSymbol, point,
                $"{elf.Path} has {named.Count} functions {point.Function}, at offsets {string.Join(", ", named.Select(s => s.Offset).Distinct())}; give one of the offsets");
        if (point.FunctionOffset != 0 && point.FunctionOffset >= symbol.Size)
            throw Refused(ProbeRefusalReason.OffsetOutsideText, point, $"{point.Function} has {symbol.Size} bytes");
        return new ProbeTarget(symbol.Offset + point.FunctionOffset, point.FunctionOffset == 0);
    }

    private static bool IsEntry(ElfImage elf, FileOffset offset, string? function)
    {
        // By its name it is found without reading the whole symbol table.
        if (function is not null && elf.Functions.Named(function).Any(s => s.Offset == offset))
            return true;
        return elf.IsExecutable(offset) && elf.Functions.TryFind(offset, out FunctionBounds bounds) && bounds.Start == offset;
    }

    private static ProbeRefusedException Refused(ProbeRefusalReason reason, ProbePoint point, string detail) =>
        new(new ProbeRefusal(reason, point.ToString(), detail));
}
