namespace Uprobes.Programs.X64;

/// <summary>
/// A program as machine code that can be copied anywhere: it refers to itself by relative, to everything else by absolute addresses.
/// It begins at its first byte and ends by falling off its last one. What it finds and must leave:
/// <code>
///   rsp + 0                 rcx of the probed thread, saved; rcx itself is free
///   rsp + OriginalStack     rsp of the probed thread
///   all other registers, the flags and x87/SSE state as the probed thread has them; the direction flag may be set
/// </code>
/// It may push at most 56 bytes, calls nothing of the target, and makes no system call but gettid at a thread's first hit and
/// process_vm_readv to read memory that may not be there.
/// </summary>
/// <param name="Code">The bytes.</param>
/// <param name="Patches">What differs from probe to probe: to be written into a copy.</param>
internal sealed record ProgramCode(byte[] Code, IReadOnlyList<CodePatch> Patches)
{
    /// <summary><see cref="OriginalStackAtEntry"/>: the trampoline skips the red zone and pushes rcx.</summary>
    internal const int OriginalStackAtEntry = 136;

    /// <summary>
    /// The thunk's common code skips what would be the caller's red zone, and pushes the thunk's index and rcx: rsp of the caller, as it is after the return.
    /// </summary>
    internal const int OriginalStackAtReturn = 144;
}

/// <summary>A value in the code that differs from probe to probe.</summary>
/// <param name="Offset">Of the value in the code.</param>
/// <param name="Kind">What is written there.</param>
/// <param name="Map">For <see cref="CodePatchKind.CellOffset"/>.</param>
internal readonly record struct CodePatch(int Offset, CodePatchKind Kind, int Map = 0);

/// <summary>What a <see cref="CodePatch"/> is.</summary>
internal enum CodePatchKind
{
    /// <summary>32 bits, added to: 8 x CellWords of the map, times the probe's index.</summary>
    CellOffset,

    /// <summary>32 bits: the probe's index in the group.</summary>
    ProbeIndex,

    /// <summary>64 bits: the site's address.</summary>
    SiteAddress,

    /// <summary>64 bits: address of the return program's code for the probe.</summary>
    ReturnCode,
}
