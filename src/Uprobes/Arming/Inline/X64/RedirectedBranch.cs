using System.Collections.Immutable;
using Uprobes.Images;

namespace Uprobes.Arming.Inline.X64;

/// <summary>A branch that leads to a site, and has to lead to its trampoline. It lies in one page.</summary>
/// <param name="Offset">Its place in the file.</param>
/// <param name="Address">Its link-time address.</param>
/// <param name="Original">Its bytes; the last four are the distance from its end to the site.</param>
internal readonly record struct RedirectedBranch(FileOffset Offset, LinkAddress Address, ImmutableArray<byte> Original);
