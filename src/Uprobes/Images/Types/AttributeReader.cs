namespace Uprobes.Images.Types;

/// <summary>Reads the values of attributes, form by form (DWARF 5, 7.5.5 and 7.5.6).</summary>
internal static class AttributeReader
{
    /// <summary>Reads a value.</summary>
    /// <param name="reader">At the value, in <c>.debug_info</c>.</param>
    /// <param name="sections">Where texts and addresses of an index are.</param>
    /// <param name="unit">The entry's unit.</param>
    /// <param name="specification">How it is written.</param>
    /// <param name="value">The value.</param>
    /// <returns>False for a form that is not known, and at the end: nothing behind it can be read.</returns>
    internal static bool TryRead(ref SpanReader reader, DebugSections sections, DebugUnit unit, AttributeSpecification specification, out AttributeValue value)
    {
        DwarfForm form = specification.Form;
        if (form == DwarfForm.Indirect)
        {
            value = default;
            // One that leads to another would be no form.
            return reader.TryReadUleb(out ulong actual) && actual is not ((ulong)DwarfForm.Indirect or (ulong)DwarfForm.ImplicitConstant) && actual <= ushort.MaxValue
                && TryRead(ref reader, sections, unit, specification with { Form = (DwarfForm)actual }, out value);
        }

        switch (form)
        {
            case DwarfForm.ImplicitConstant:
                value = new AttributeValue(AttributeClass.SignedConstant, unchecked((ulong)specification.Constant));
                return true;
            case DwarfForm.FlagPresent:
                value = new AttributeValue(AttributeClass.Flag, 1);
                return true;
            case DwarfForm.SignedData:
                bool read = reader.TryReadSleb(out long signed);
                value = new AttributeValue(AttributeClass.SignedConstant, unchecked((ulong)signed));
                return read;
            case DwarfForm.String:
                value = new AttributeValue(AttributeClass.InlineText, (ulong)reader.Position);
                return reader.TryReadString(out _);
            case DwarfForm.Block or DwarfForm.Block1 or DwarfForm.Block2 or DwarfForm.Block4 or DwarfForm.ExpressionLocation:
                value = new AttributeValue(AttributeClass.Block, (ulong)reader.Position);
                return TryReadNumber(ref reader, BytesOf(form, unit), out ulong length) && reader.TrySkip(length);
            case DwarfForm.Data16:
                value = new AttributeValue(AttributeClass.Other, 0);
                return reader.TrySkip(16);
        }

        value = default;
        int bytes = BytesOf(form, unit);
        if (bytes < 0 || !TryReadNumber(ref reader, bytes, out ulong number))
            return false;
        value = ValueOf(form, number, sections, unit);
        return true;
    }

    /// <summary>Passes over a value.</summary>
    /// <returns>False for a form that is not known, and at the end.</returns>
    internal static bool TrySkip(ref SpanReader reader, DebugUnit unit, DwarfForm form)
    {
        switch (form)
        {
            case DwarfForm.ImplicitConstant or DwarfForm.FlagPresent:
                return true;
            case DwarfForm.String:
                return reader.TryReadString(out _);
            case DwarfForm.Block or DwarfForm.Block1 or DwarfForm.Block2 or DwarfForm.Block4 or DwarfForm.ExpressionLocation:
                return TryReadNumber(ref reader, BytesOf(form, unit), out ulong length) && reader.TrySkip(length);
            case DwarfForm.Data16:
                return reader.TrySkip(16);
            case DwarfForm.Indirect:
                return reader.TryReadUleb(out ulong actual) && actual is not ((ulong)DwarfForm.Indirect or (ulong)DwarfForm.ImplicitConstant) && actual <= ushort.MaxValue
                    && TrySkip(ref reader, unit, (DwarfForm)actual);
        }

        if (form == DwarfForm.SignedData)
            return reader.TryReadSleb(out _);
        int bytes = BytesOf(form, unit);
        return bytes > 0 ? reader.TrySkip((ulong)bytes) : bytes == 0 && TryReadNumber(ref reader, 0, out _);
    }

    /// <summary>Bytes of a number, or of a block's length; 0 for LEB128, which says itself; -1 for a form that is not known.</summary>
    private static int BytesOf(DwarfForm form, DebugUnit unit) => form switch
    {
        DwarfForm.Data1 or DwarfForm.Flag or DwarfForm.Reference1 or DwarfForm.StringIndex1 or DwarfForm.AddressIndex1 or DwarfForm.Block1 => 1,
        DwarfForm.Data2 or DwarfForm.Reference2 or DwarfForm.StringIndex2 or DwarfForm.AddressIndex2 or DwarfForm.Block2 => 2,
        DwarfForm.StringIndex3 or DwarfForm.AddressIndex3 => 3,
        DwarfForm.Data4 or DwarfForm.Reference4 or DwarfForm.StringIndex4 or DwarfForm.AddressIndex4 or DwarfForm.ReferenceSupplementary4 or DwarfForm.Block4 => 4,
        DwarfForm.Data8 or DwarfForm.Reference8 or DwarfForm.Address or DwarfForm.ReferenceSignature or DwarfForm.ReferenceSupplementary8 => 8,
        // In version 2 a reference had the size of an address.
        DwarfForm.ReferenceAddress when unit.Version == 2 => 8,
        DwarfForm.StringPointer or DwarfForm.LineStringPointer or DwarfForm.SectionOffset or DwarfForm.ReferenceAddress or DwarfForm.StringSupplementary
            or DwarfForm.GnuReferenceAlternate or DwarfForm.GnuStringAlternate => unit.IsWide ? 8 : 4,
        DwarfForm.UnsignedData or DwarfForm.ReferenceUnsigned or DwarfForm.StringIndex or DwarfForm.AddressIndex or DwarfForm.LocationListIndex or DwarfForm.RangeListIndex
            or DwarfForm.GnuAddressIndex or DwarfForm.GnuStringIndex or DwarfForm.Block or DwarfForm.ExpressionLocation => 0,
        _ => -1,
    };

    private static bool TryReadNumber(ref SpanReader reader, int bytes, out ulong value)
    {
        if (bytes == 0)
            return reader.TryReadUleb(out value);
        value = 0;
        if (!reader.TryReadBytes((ulong)bytes, out ReadOnlySpan<byte> read))
            return false;
        for (int i = read.Length - 1; i >= 0; i--)
            value = (value << 8) | read[i];
        return true;
    }

    private static AttributeValue ValueOf(DwarfForm form, ulong number, DebugSections sections, DebugUnit unit)
    {
        switch (form)
        {
            case DwarfForm.Data1 or DwarfForm.Data2 or DwarfForm.Data4 or DwarfForm.Data8 or DwarfForm.UnsignedData:
                return new AttributeValue(AttributeClass.Constant, number);
            case DwarfForm.Flag:
                return new AttributeValue(AttributeClass.Flag, number);
            case DwarfForm.Address:
                return new AttributeValue(AttributeClass.Address, number);
            case DwarfForm.Reference1 or DwarfForm.Reference2 or DwarfForm.Reference4 or DwarfForm.Reference8 or DwarfForm.ReferenceUnsigned:
                return number < (ulong)(unit.End - unit.Offset) ? new AttributeValue(AttributeClass.Reference, (ulong)unit.Offset + number) : default;
            case DwarfForm.ReferenceAddress:
                return Within(unit.Part.References, number, AttributeClass.Reference);
            case DwarfForm.ReferenceSignature:
                return new AttributeValue(AttributeClass.Signature, number);
            case DwarfForm.StringPointer:
                return Within(unit.Part.Texts, number, AttributeClass.Text);
            case DwarfForm.LineStringPointer:
                return Within(unit.Part.LineTexts, number, AttributeClass.LineText);
            case DwarfForm.StringIndex or DwarfForm.StringIndex1 or DwarfForm.StringIndex2 or DwarfForm.StringIndex3 or DwarfForm.StringIndex4 or DwarfForm.GnuStringIndex:
                return DebugSections.NumberAt(sections.TextOffsets, unit.TextOffsetsBase, number, unit.IsWide) is { } offset
                    ? Within(unit.Part.Texts, offset, AttributeClass.Text) : default;
            case DwarfForm.AddressIndex or DwarfForm.AddressIndex1 or DwarfForm.AddressIndex2 or DwarfForm.AddressIndex3 or DwarfForm.AddressIndex4 or DwarfForm.GnuAddressIndex:
                return DebugSections.NumberAt(sections.Addresses, unit.AddressBase, number, isWide: true) is { } address ? new AttributeValue(AttributeClass.Address, address) : default;
            case DwarfForm.SectionOffset:
                return new AttributeValue(AttributeClass.SectionOffset, number);
            case DwarfForm.RangeListIndex:
                return new AttributeValue(AttributeClass.RangeListIndex, number);
            case DwarfForm.ReferenceSupplementary4 or DwarfForm.ReferenceSupplementary8 or DwarfForm.GnuReferenceAlternate:
                return unit.Part.Shared is { } others ? Within(others.References, number, AttributeClass.Reference) : new AttributeValue(AttributeClass.Shared, number);
            case DwarfForm.StringSupplementary or DwarfForm.GnuStringAlternate:
                return unit.Part.Shared is { } texts ? Within(texts.Texts, number, AttributeClass.Text) : new AttributeValue(AttributeClass.Shared, number);
            default:
                return new AttributeValue(AttributeClass.Other, number);
        }
    }

    private static AttributeValue Within(Range range, ulong offset, AttributeClass kind) =>
        DebugPart.Within(range, offset) is { } place ? new AttributeValue(kind, place) : default;
}
