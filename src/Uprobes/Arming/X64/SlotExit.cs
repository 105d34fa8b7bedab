namespace Uprobes.Arming.X64;

/// <summary>An int3 that ends a slot's code, where a post handler wants the thread.</summary>
/// <param name="Offset">Bytes from the start of the slot to the int3; a thread that ran it reports the byte after, where nothing else can bring it.</param>
/// <param name="OriginalRip">Where the thread goes on.</param>
internal readonly record struct SlotExit(int Offset, ulong OriginalRip);
