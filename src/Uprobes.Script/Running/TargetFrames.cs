using Uprobes.Script.Output;
using Uprobes.Script.Semantics;
using Uprobes.Stacks;

namespace Uprobes.Script.Running;

/// <summary>Frames of a target's thread, named by the files that its process had mapped.</summary>
/// <param name="stacks">Names them; lent.</param>
/// <param name="config">What of the names is wanted.</param>
/// <param name="places">Where they are.</param>
/// <param name="isExpanded">Whether inlined calls are wanted.</param>
internal sealed class TargetFrames(SessionStacks stacks, ScriptConfig config, FramePlace[] places, bool isExpanded) : DeferredFrames
{
    /// <inheritdoc/>
    internal override int Depth => places.Length;

    /// <inheritdoc/>
    public override bool Equals(DeferredFrames? other) => ReferenceEquals(this, other) || (other is TargetFrames another && another.HasPlaces(places, isExpanded));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as DeferredFrames);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = new();
        foreach (FramePlace place in places)
            hash.Add(place.Address);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    internal override ulong AddressOf(int index) => places[index].Address;

    /// <inheritdoc/>
    protected override IReadOnlyList<ScriptFrame> Name()
    {
        List<StackFrame> named = [];
        List<ScriptFrame> frames = [];
        foreach (FramePlace place in places)
        {
            named.Clear();
            stacks.Name([place], named, isExpanded);
            frames.AddRange(named.Select(frame => Frame(frame, place.Code)));
        }

        return frames;
    }

    private bool HasPlaces(FramePlace[] others, bool areExpanded) => areExpanded == isExpanded && places.AsSpan().SequenceEqual(others);

    private ScriptFrame Frame(StackFrame frame, MappedCode? code) => new(frame.Address)
    {
        Function = config.Demangles ? frame.Function : frame.RawFunction,
        Offset = frame.Offset,
        IsInlined = frame.IsInlined,
        SourceFile = config.ShowsDebugInformation ? frame.Source?.File : null,
        SourceLine = (int)(frame.Source?.Line ?? 0),
        Module = frame.Module,
        BuildId = code?.Image?.BuildId?.ToString(),
        FileOffset = code?.OffsetOf(frame.Address).Value ?? 0,
    };
}
