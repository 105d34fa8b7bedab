namespace Uprobes.Arming.X64;

/// <summary>What a function's code says about an address in it.</summary>
internal enum BoundaryVerdict
{
    /// <summary>An instruction starts there.</summary>
    Boundary,

    /// <summary>The address is inside an instruction.</summary>
    InsideInstruction,

    /// <summary>The address is behind bytes that are no instruction (data in text), or outside the function: nothing can be said.</summary>
    Unknown,
}
