namespace Uprobes.Arming.Inline.X64;

/// <summary>A branch or call whose target its own bytes say, or another instruction that names an address. Link-time addresses.</summary>
/// <param name="Source">Of the instruction.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Target">Where it leads to.</param>
internal readonly record struct DirectBranch(ulong Source, int Length, ulong Target);
