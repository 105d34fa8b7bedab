namespace Uprobes.Images.Types;

/// <summary>
/// Finds which classes of C++ are not copied as bytes, where the compiler does not say it: those that are destroyed or copied by functions of their own, and those
/// that have such a base or member (Itanium C++ ABI, 1.1, "non-trivial for the purposes of calls").
/// </summary>
/// <param name="units">The units.</param>
/// <param name="types">The types.</param>
internal sealed class ClassCopies(DebugUnits units, TypeReader types)
{
    private const int MostEntries = 1 << 16, DeepestNesting = 16;
    private const ulong DefaultedInClass = 1; // DW_DEFAULTED_in_class
    private readonly DebugSections _sections = units.Sections;

    /// <summary>Whether values of a class are handed over by address.</summary>
    internal bool IsNeeded(DebugEntry entry)
    {
        int budget = MostEntries;
        return IsNeeded(entry, 0, ref budget);
    }

    private bool IsNeeded(DebugEntry entry, int depth, ref int budget)
    {
        if (depth > DeepestNesting)
            return false;
        ReadOnlySpan<byte> name = _sections.TextBytes(entry.Find(_sections, DwarfAttribute.Name));
        foreach (DebugEntry child in units.ChildrenOf(entry, ref budget))
        {
            if (child.Tag == DwarfTag.Subprogram ? IsSpecial(entry, name, child, ref budget) : child.Tag is DwarfTag.Inheritance or DwarfTag.Member && IsPartNeeded(child, depth, ref budget))
                return true;
        }

        return false;
    }

    private bool IsPartNeeded(DebugEntry part, int depth, ref int budget)
    {
        // What holds the addresses of virtual functions is not copied, and what is static is no part.
        if (part.Has(_sections, DwarfAttribute.Artificial))
            return true;
        return !part.Has(_sections, DwarfAttribute.External) && !part.Has(_sections, DwarfAttribute.Declaration)
            && units.TryGet(types.Resolve(types.TargetOf(part)).Offset, out DebugEntry inner)
            && inner.Tag is DwarfTag.StructureType or DwarfTag.ClassType or DwarfTag.UnionType && IsNeeded(inner, depth + 1, ref budget);
    }

    /// <summary>Whether a method destroys or copies, and was written by someone.</summary>
    private bool IsSpecial(DebugEntry owner, ReadOnlySpan<byte> ownerName, DebugEntry method, ref int budget)
    {
        ReadOnlySpan<byte> name = _sections.TextBytes(method.Find(_sections, DwarfAttribute.Name));
        if (method.Find(_sections, DwarfAttribute.Defaulted).Unsigned == DefaultedInClass)
            return false;
        if (name.StartsWith("~"u8))
            return true;
        if (name.IsEmpty || !name.SequenceEqual(ownerName))
            return false;
        List<DebugEntry> parameters = units.ChildrenOf(method, ref budget);
        parameters.RemoveAll(parameter => parameter.Tag != DwarfTag.FormalParameter || parameter.Has(_sections, DwarfAttribute.Artificial));
        return parameters is [var only] && units.TryGet(types.TargetOf(only).Offset, out DebugEntry reference)
            && reference.Tag is DwarfTag.ReferenceType or DwarfTag.RvalueReferenceType && types.Resolve(types.TargetOf(reference)).Offset == owner.Offset;
    }
}
