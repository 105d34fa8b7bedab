namespace Uprobes.Arming.Inline.X64;

/// <summary>A branch, call or <c>lea</c> whose target its own bytes say. Link-time addresses.</summary>
/// <param name="Source">Of the instruction.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Target">Where it leads to.</param>
internal readonly record struct DirectBranch(ulong Source, int Length, ulong Target);
