namespace Uprobes.Arming.Inline.X64;

/// <summary>Bytes that nothing runs, reads or names, between two pieces of code.</summary>
/// <param name="Start">Link-time address of the first.</param>
/// <param name="End">Link-time address behind the last.</param>
internal readonly record struct PaddingRun(ulong Start, ulong End);
