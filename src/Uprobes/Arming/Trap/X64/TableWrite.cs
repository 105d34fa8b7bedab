namespace Uprobes.Arming.Trap.X64;

/// <summary>One write that brings the table in the target up to date with its mirror.</summary>
/// <param name="Offset">Byte offset from the start of the table, a multiple of 16.</param>
/// <param name="Bytes">What to write there: a view of the mirror, to be written before the mirror changes again.</param>
internal readonly record struct TableWrite(int Offset, ReadOnlyMemory<byte> Bytes);
