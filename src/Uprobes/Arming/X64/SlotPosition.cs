namespace Uprobes.Arming.X64;

/// <summary>
/// What it means that a thread's RIP is at an instruction boundary inside a slot. Such a thread is moved out by
/// RIP = <see cref="OriginalRip"/>, RSP += <see cref="StackAdjust"/> and, with <see cref="FixRcx"/>, RCX = OriginalRip.
/// </summary>
/// <param name="Offset">Bytes from the start of the slot.</param>
/// <param name="OriginalRip">Where the thread would be, or can go on, without the probe.</param>
/// <param name="StackAdjust">Bytes to add to RSP: what the slot pushed and the restart at the site will push again.</param>
/// <param name="Executed">
/// Whether the displaced instruction has completed and its effects are visible. If not, it runs (again) from OriginalRip.
/// </param>
/// <param name="FixRcx">Whether RCX still holds the slot's address that <c>syscall</c> left there.</param>
internal readonly record struct SlotPosition(int Offset, ulong OriginalRip, int StackAdjust, bool Executed, bool FixRcx);
