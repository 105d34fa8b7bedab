using Spectre.Console.Rendering;

namespace Uprobes.Tool.Output;

/// <summary>Text that stays in one line: what has no room is cut off, not put below, and an ellipsis stands for it.</summary>
internal sealed class OneLine(string text) : Renderable
{
    private readonly Segment _whole = new(text);

    /// <inheritdoc/>
    protected override Measurement Measure(RenderOptions options, int maxWidth) => new(1, Math.Min(_whole.CellCount(), maxWidth));

    /// <inheritdoc/>
    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        if (_whole.CellCount() <= maxWidth)
            return [_whole];
        return Segment.Truncate(_whole, maxWidth - 1) is { } start ? [start, new Segment("…")] : [new Segment("…")];
    }
}
