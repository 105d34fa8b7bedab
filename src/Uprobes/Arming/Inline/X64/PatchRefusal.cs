namespace Uprobes.Arming.Inline.X64;

/// <summary>A site cannot be patched with a jump.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Message">The same for the user: a sentence without a full stop, with the offsets that matter.</param>
internal sealed record PatchRefusal(PatchRefusalReason Reason, string Message);
