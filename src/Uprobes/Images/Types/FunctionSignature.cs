using Uprobes.Images.Types.X64;

namespace Uprobes.Images.Types;

/// <summary>What debug information says of a function.</summary>
/// <param name="Name">As the source calls it.</param>
/// <param name="Parameters">In order; of a method of C++, <c>this</c> comes first.</param>
/// <param name="Result">What it returns.</param>
/// <param name="ResultPlace">Where that is when it returns.</param>
internal sealed record FunctionSignature(string Name, IReadOnlyList<ParameterDescription> Parameters, TypeId Result, ValuePlace ResultPlace)
{
    /// <summary>The entry's offset.</summary>
    internal required int Offset { get; init; }
}

/// <summary>A parameter.</summary>
/// <param name="Name">As the source calls it; null where it has no name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Place">Where it is at the function's first instruction.</param>
internal sealed record ParameterDescription(string? Name, TypeId Type, ValuePlace Place);
