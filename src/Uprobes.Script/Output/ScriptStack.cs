namespace Uprobes.Script.Output;

/// <summary>A stack whose frames are symbolised, perhaps when they are looked at. Immutable when its list is.</summary>
/// <param name="Mode">How it prints.</param>
/// <param name="Frames">The frames, innermost first; an inlined call comes before the frame it was inlined into.</param>
public sealed record ScriptStack(StackMode Mode, IReadOnlyList<ScriptFrame> Frames)
{
    /// <summary>The stack could not be unwound to its end, or at all: a line that says so follows the frames.</summary>
    public bool UnwindFailed { get; init; }

    /// <summary>How many frames there are on the thread's stack: inlined calls have none.</summary>
    internal int Depth => Frames is DeferredFrames deferred ? deferred.Depth : Frames.Count(frame => !frame.IsInlined);

    /// <summary>Stacks are equal when they print the same way and hold the same frames.</summary>
    /// <param name="other">The other stack.</param>
    public bool Equals(ScriptStack? other) =>
        other is not null && Mode == other.Mode && UnwindFailed == other.UnwindFailed
        && ((Frames, other.Frames) is (DeferredFrames own, DeferredFrames another) ? own.Equals(another) : Frames.SequenceEqual(other.Frames));

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        if (Frames is DeferredFrames deferred)
            return deferred.GetHashCode();
        HashCode hash = new();
        foreach (ScriptFrame frame in Frames)
            hash.Add(frame.Address);
        return hash.ToHashCode();
    }

    /// <summary>Orders by the frames' addresses, outer frames last; equal addresses by their functions.</summary>
    internal int CompareTo(ScriptStack other)
    {
        if ((Frames, other.Frames) is (DeferredFrames own, DeferredFrames another))
        {
            for (int i = 0; i < Math.Min(own.Depth, another.Depth); i++)
            {
                if (own.AddressOf(i).CompareTo(another.AddressOf(i)) is not 0 and var order)
                    return order;
            }

            if (own.Depth != another.Depth || own.Equals(another))
                return own.Depth.CompareTo(another.Depth);
        }

        for (int i = 0; i < Math.Min(Frames.Count, other.Frames.Count); i++)
        {
            int order = Frames[i].Address.CompareTo(other.Frames[i].Address);
            if (order == 0)
                order = string.CompareOrdinal(Frames[i].Function, other.Frames[i].Function);
            if (order != 0)
                return order;
        }

        return Frames.Count.CompareTo(other.Frames.Count);
    }
}
