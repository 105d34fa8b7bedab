namespace Uprobes.Tests.Arming.X64;

/// <summary>What insn_runner found.</summary>
/// <param name="Differences">Each with the name of its case.</param>
/// <param name="Counts">By how the originals ended: completed, segv, ill, fpe, bus; and cases, differing, inside (ended in the slot).</param>
internal sealed record RunnerReport(IReadOnlyList<string> Differences, IReadOnlyDictionary<string, int> Counts);
