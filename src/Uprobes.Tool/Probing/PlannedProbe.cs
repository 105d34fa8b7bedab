using Uprobes.Images.StaticProbes;

namespace Uprobes.Tool.Probing;

/// <summary>A probe that the user's specifications came down to.</summary>
/// <param name="Image">The image as the user wrote it, by which the session knows it.</param>
/// <param name="ImagePath">The path of the file.</param>
/// <param name="Function">The function's name, with <c>+0xN</c> for an instruction inside it; a file offset where no name is known.</param>
/// <param name="Offset">The file offset.</param>
/// <param name="IsNamed">Whether the user asked for this very probe, not for a pattern.</param>
/// <param name="Source">Which of several images of that name it is in; null where the name means one, and it is no static probe.</param>
/// <param name="IsEntry">Whether it is at the first instruction of a function.</param>
/// <param name="Mark">The static probe that it is, or null.</param>
internal sealed record PlannedProbe(
    string Image, string ImagePath, string Function, ulong Offset, bool IsNamed, IFunctionSource? Source = null, bool IsEntry = true, StaticProbeNote? Mark = null);

/// <summary>A probe that cannot be.</summary>
/// <param name="Probe">Which.</param>
/// <param name="Reason">The kind of reason, in a few words, the same for all probes that share it.</param>
/// <param name="Detail">A sentence about this one.</param>
/// <param name="Hint">What to do instead, or null.</param>
internal sealed record RefusedProbe(PlannedProbe Probe, string Reason, string Detail, string? Hint = null);

/// <summary>What the user's specifications came down to.</summary>
/// <param name="Probes">Those to arm, one for each instruction.</param>
/// <param name="Refused">Those refused already.</param>
internal sealed record ProbeSelection(IReadOnlyList<PlannedProbe> Probes, IReadOnlyList<RefusedProbe> Refused)
{
    /// <summary>What the user is to know of them, a sentence each.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}
