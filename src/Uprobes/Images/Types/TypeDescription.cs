namespace Uprobes.Images.Types;

/// <summary>A type in an image's debug information: where its entry is. 0 is <c>void</c>.</summary>
/// <param name="Offset">Its entry's offset in <c>.debug_info</c>.</param>
internal readonly record struct TypeId(int Offset)
{
    /// <summary>No type: what a function without a result returns, and what <c>void *</c> points to.</summary>
    internal static TypeId Void => default;

    /// <summary>Whether it is <see cref="Void"/>.</summary>
    internal bool IsVoid => Offset == 0;
}

/// <summary>What a type is, down to the types that it consists of, which are asked for by their own ids.</summary>
internal abstract record TypeDescription;

/// <summary>No value.</summary>
internal sealed record VoidTypeDescription : TypeDescription;

/// <summary>How the bits of a base type are read.</summary>
internal enum BaseEncoding
{
    Signed,
    Unsigned,
    Boolean,
    Float,
    Other,
}

/// <summary>A number, a character or a truth value.</summary>
/// <param name="Name">As the source has it.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Encoding">What the bits mean.</param>
internal sealed record BaseTypeDescription(string Name, int Size, BaseEncoding Encoding) : TypeDescription;

/// <summary>A pointer, or a reference of C++, which is one.</summary>
/// <param name="Target">What it points to.</param>
/// <param name="Symbol">How the source writes it: <c>*</c>, <c>&amp;</c> or <c>&amp;&amp;</c>.</param>
internal sealed record PointerTypeDescription(TypeId Target, string Symbol) : TypeDescription;

/// <summary>A function, which only pointers lead to.</summary>
internal sealed record FunctionTypeDescription : TypeDescription;

/// <summary>Another name of a type.</summary>
internal sealed record TypedefDescription(string Name, TypeId Target) : TypeDescription;

/// <summary>A type with a qualifier: <c>const</c>, <c>volatile</c>, <c>restrict</c> or <c>_Atomic</c>.</summary>
internal sealed record QualifiedTypeDescription(string Qualifier, TypeId Target) : TypeDescription;

/// <summary>Elements side by side.</summary>
/// <param name="Element">Their type.</param>
/// <param name="Counts">How many, of each dimension; null where that is not known.</param>
internal sealed record ArrayTypeDescription(TypeId Element, IReadOnlyList<long?> Counts) : TypeDescription;

/// <summary>An integer whose values have names.</summary>
/// <param name="Name">Null for one without.</param>
/// <param name="Size">Bytes; 0 where only its name is known.</param>
/// <param name="IsDeclaration">Whether only its name is known.</param>
/// <param name="Constants">Its values, in the source's order, with their sign.</param>
internal sealed record EnumTypeDescription(string? Name, int Size, bool IsDeclaration, IReadOnlyList<(string Name, long Value)> Constants) : TypeDescription;

/// <summary>A struct, union or class.</summary>
/// <param name="Name">Null for one without.</param>
/// <param name="Keyword"><c>struct</c>, <c>union</c> or <c>class</c>.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Members">Its members, in order; those of bases, and of members without a name, stand among them.</param>
internal sealed record StructTypeDescription(string? Name, string Keyword, long Size, IReadOnlyList<MemberDescription> Members) : TypeDescription
{
    /// <summary>Whether only its name is known.</summary>
    internal bool IsDeclaration { get; init; }

    /// <summary>The alignment that the source asks for; 0 where it does not.</summary>
    internal int Alignment { get; init; }

    /// <summary>Whether the compiler says that values of it are handed over by their address (DW_AT_calling_convention), or its members make that likely.</summary>
    internal bool IsPassedByReference { get; init; }

    internal bool IsUnion => Keyword == "union";
}

/// <summary>A type that cannot be described.</summary>
/// <param name="Reason">Why, as in "its type is …".</param>
/// <param name="Size">Bytes; 0 where that is not known.</param>
internal sealed record UnknownTypeDescription(string Reason, int Size) : TypeDescription;

/// <summary>A member of a struct.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type; of a bit field, the one that was declared.</param>
/// <param name="BitPosition">Bits from the struct's beginning; the lowest bit of a byte comes first.</param>
/// <param name="BitSize">Width of a bit field; 0 for none.</param>
internal readonly record struct MemberDescription(string Name, TypeId Type, long BitPosition, int BitSize)
{
    /// <summary>Bytes from the struct's beginning.</summary>
    internal long Offset => BitPosition / 8;
}
