namespace Uprobes.Script.Semantics;

/// <summary>A member of a struct.</summary>
/// <param name="Name">Its name. Members of anonymous structs and unions stand among those of the outer one.</param>
/// <param name="Type">Its type; that of the declared integer for a bit field.</param>
/// <param name="Offset">Bytes from the beginning of the struct; for a bit field those of the integer that holds it.</param>
internal sealed record StructField(string Name, ScriptType Type, int Offset)
{
    /// <summary>Width of a bit field; 0 for none.</summary>
    internal int Bits { get; init; }

    /// <summary>Bits below a bit field in the integer that holds it.</summary>
    internal int BitOffset { get; init; }
}

/// <summary>How a struct or union lies in memory.</summary>
/// <param name="Type">Which one.</param>
/// <param name="Size">Bytes, with the padding at its end.</param>
/// <param name="Alignment">Bytes; a power of two.</param>
/// <param name="Fields">Its members, in order.</param>
internal sealed record StructLayout(StructType Type, int Size, int Alignment, IReadOnlyList<StructField> Fields)
{
    internal StructField? Find(string name) => Fields.FirstOrDefault(field => field.Name == name);
}

/// <summary>A parameter of a probed function.</summary>
/// <param name="Name">As the source calls it.</param>
/// <param name="Type">Its type.</param>
/// <param name="ArgumentIndex">Which <c>argN</c> holds it; null where none does, such as for floating-point numbers and large structs.</param>
internal sealed record FunctionParameter(string Name, ScriptType Type, int? ArgumentIndex)
{
    /// <summary>Whether the argument is the address of the value.</summary>
    internal bool IsAddress { get; init; }

    /// <summary>Where the value lies on the stack: words above the return address; null where it does not.</summary>
    internal int? StackWord { get; init; }

    /// <summary>Why it cannot be read, as in "it …"; null where there is nothing to say.</summary>
    internal string? Reason { get; init; }
}

/// <summary>What a probed function returns.</summary>
/// <param name="Type">Its type.</param>
/// <param name="IsAddress">Whether <c>retval</c> is the address of the value: of structs.</param>
internal sealed record FunctionResult(ScriptType Type, bool IsAddress)
{
    /// <summary>Why it cannot be read, as in "it …"; null where it can be.</summary>
    internal string? Reason { get; init; }
}
