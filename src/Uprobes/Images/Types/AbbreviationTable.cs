namespace Uprobes.Images.Types;

/// <summary>An attribute of an abbreviation.</summary>
/// <param name="Attribute">Which.</param>
/// <param name="Form">How it is written.</param>
/// <param name="Constant">Its value, where <paramref name="Form"/> is DW_FORM_implicit_const.</param>
internal readonly record struct AttributeSpecification(DwarfAttribute Attribute, DwarfForm Form, long Constant);

/// <summary>What entries of one kind consist of (DWARF 5, 7.5.3).</summary>
/// <param name="Tag">What they are.</param>
/// <param name="HasChildren">Whether entries that belong to them follow.</param>
/// <param name="Attributes">Their attributes, in order.</param>
internal sealed record Abbreviation(DwarfTag Tag, bool HasChildren, AttributeSpecification[] Attributes);

/// <summary>The abbreviations of a unit. Immutable.</summary>
internal sealed class AbbreviationTable
{
    // Compilers write twenty at most. Some forms take no bytes, so that without a limit a few entries could say as much as one likes.
    private const int MostAttributes = 256;
    private readonly Dictionary<ulong, Abbreviation> _byCode = [];

    private AbbreviationTable()
    {
    }

    /// <summary>Reads the table at an offset, up to its end or to what is not valid.</summary>
    /// <param name="section"><c>.debug_abbrev</c>.</param>
    /// <param name="offset">Where it starts.</param>
    /// <param name="bytes">How many bytes it takes.</param>
    internal static AbbreviationTable Read(ReadOnlySpan<byte> section, ulong offset, out int bytes)
    {
        var table = new AbbreviationTable();
        var reader = new SpanReader(section);
        bytes = 0;
        if (offset > (ulong)section.Length || !reader.TrySeek((long)offset))
            return table;
        while (reader.TryReadUleb(out ulong code) && code != 0 && TryReadOne(ref reader, out Abbreviation? abbreviation))
            table._byCode.TryAdd(code, abbreviation);
        bytes = reader.Position - (int)offset;
        return table;
    }

    /// <summary>The abbreviation of a code.</summary>
    internal bool TryGet(ulong code, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Abbreviation? abbreviation) => _byCode.TryGetValue(code, out abbreviation);

    private static bool TryReadOne(ref SpanReader reader, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Abbreviation? abbreviation)
    {
        abbreviation = null;
        if (!reader.TryReadUleb(out ulong tag) || !reader.TryReadByte(out byte hasChildren))
            return false;
        List<AttributeSpecification> attributes = [];
        while (true)
        {
            if (!reader.TryReadUleb(out ulong attribute) || !reader.TryReadUleb(out ulong form) || attributes.Count == MostAttributes)
                return false;
            long constant = 0;
            if (form == (ulong)DwarfForm.ImplicitConstant && !reader.TryReadSleb(out constant))
                return false;
            if (attribute == 0 && form == 0)
                break;
            attributes.Add(new AttributeSpecification((DwarfAttribute)Math.Min(attribute, ushort.MaxValue), (DwarfForm)Math.Min(form, ushort.MaxValue), constant));
        }

        abbreviation = new Abbreviation((DwarfTag)Math.Min(tag, ushort.MaxValue), hasChildren != 0, [.. attributes]);
        return true;
    }
}
