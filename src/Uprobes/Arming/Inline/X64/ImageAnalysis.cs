using Uprobes.Images;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// What the planner asks about the code of one image. Cheap to make; everything is read on first need and kept. Thread-safe.
/// </summary>
internal sealed class ImageAnalysis(ElfImage image)
{
    /// <summary>The image, lent.</summary>
    public ElfImage Image => image;
}
