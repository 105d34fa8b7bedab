namespace Uprobes.Programs.X64;

/// <summary>A map's cell that code is about to use.</summary>
/// <param name="Base">The register with an address.</param>
/// <param name="Offset">Of the cell from that address.</param>
/// <param name="Map">The map.</param>
/// <param name="IsShared">Whether other threads write it too. One that is the thread's own has an offset that depends on the probe.</param>
internal readonly record struct CellPlace(Gpr Base, int Offset, int Map, bool IsShared);
