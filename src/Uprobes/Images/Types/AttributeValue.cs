namespace Uprobes.Images.Types;

/// <summary>What kind of value an attribute has, whatever form it was written in.</summary>
internal enum AttributeClass : byte
{
    /// <summary>The entry has no such attribute.</summary>
    None,

    /// <summary>A number; where it was written without a sign in fewer than eight bytes, it may have been meant with one.</summary>
    Constant,

    /// <summary>A number with a sign.</summary>
    SignedConstant,

    /// <summary>A link-time address.</summary>
    Address,

    /// <summary>An entry: its offset in <c>.debug_info</c>.</summary>
    Reference,

    /// <summary>A type unit by its signature.</summary>
    Signature,

    /// <summary>A text in <c>.debug_info</c> itself.</summary>
    InlineText,

    /// <summary>A text in <c>.debug_str</c>.</summary>
    Text,

    /// <summary>A text in <c>.debug_line_str</c>.</summary>
    LineText,

    /// <summary>An expression or other bytes: their offset in <c>.debug_info</c>.</summary>
    Block,

    /// <summary>Yes or no.</summary>
    Flag,

    /// <summary>An offset in another section.</summary>
    SectionOffset,

    /// <summary>An index of the unit's range lists.</summary>
    RangeListIndex,

    /// <summary>Something in a file that several debug files share (dwz).</summary>
    Shared,

    /// <summary>Something that is of no use here.</summary>
    Other,
}

/// <summary>The value of an attribute.</summary>
/// <param name="Class">Its kind.</param>
/// <param name="Number">The number, offset or address.</param>
internal readonly record struct AttributeValue(AttributeClass Class, ulong Number)
{
    /// <summary>Whether there is none.</summary>
    internal bool IsNone => Class == AttributeClass.None;

    /// <summary>Whether it is a flag that is set.</summary>
    internal bool IsSet => Class is AttributeClass.Flag or AttributeClass.Constant && Number != 0;

    /// <summary>The number without sign; null for what is none.</summary>
    internal ulong? Unsigned => Class is AttributeClass.Constant or AttributeClass.SignedConstant ? Number : null;

    /// <summary>A number that counts something: null for what is none, and for one that does not fit.</summary>
    internal int? Count => Unsigned is { } number && number <= int.MaxValue ? (int)number : null;
}
