namespace Uprobes.Arming.Inline.X64;

/// <summary>A byte that control may come to from elsewhere.</summary>
/// <param name="Target">Its link-time address.</param>
/// <param name="Source">Of the branch that leads there, or null where data or a name does.</param>
internal readonly record struct Landing(ulong Target, ulong? Source)
{
    /// <summary>As the beginning of a sentence.</summary>
    public string Describe() => Source is { } source
        ? $"the branch at 0x{source:x} leads to 0x{Target:x}"
        : $"a symbol, a pointer or a jump table leads to 0x{Target:x}";
}
