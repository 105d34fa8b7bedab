using Uprobes.Images;

namespace Uprobes.Arming.Inline.X64;

/// <summary>A place in an image that is to be patched.</summary>
/// <param name="Offset">File offset of an instruction; that it is one is the caller's word.</param>
/// <param name="IsFunctionEntry">
/// Whether a function starts there. Only then may several instructions be displaced: no thread, signal frame or saved context is
/// expected between the first instructions of a function for long, and whoever arms the site can look for them.
/// </param>
/// <param name="IsMark">
/// Whether it is the nop of a static probe. Behind it is code of a compiler that runs straight on, in which the same holds: what
/// a thread waits in, a call or a system call, is not displaced together with other instructions.
/// </param>
internal readonly record struct PatchSite(FileOffset Offset, bool IsFunctionEntry, bool IsMark = false);
