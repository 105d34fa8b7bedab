namespace Uprobes.Stacks;

/// <summary>
/// Where a frame is: what has to be asked while its process is as it was. Names can be found from it at any later time. Two are equal where they have the same names.
/// </summary>
/// <param name="Address">The address in the process.</param>
/// <param name="Cause">Why a thread is there.</param>
/// <param name="IsSignal">Whether it is the code that signal handlers return to.</param>
/// <param name="Code">The code that it is in; null where none was mapped.</param>
internal readonly record struct FramePlace(ulong Address, FrameCause Cause, bool IsSignal, MappedCode? Code)
{
    /// <summary>The name that the process's own compiler gives the function, or null.</summary>
    internal string? OwnName { get; private init; }

    /// <summary>How far behind the start of that function <see cref="Instruction"/> is.</summary>
    internal ulong OwnOffset { get; private init; }

    /// <summary>The address of the instruction, or of the last byte of the one that called.</summary>
    internal ulong Instruction => Cause is not FrameCause.Called || IsSignal ? Address : Address - 1;

    /// <summary>Looks at one address.</summary>
    /// <param name="images">What was mapped.</param>
    /// <param name="ownNames">The names that the process's own compiler gives its code; null for none.</param>
    /// <param name="address">The address.</param>
    /// <param name="cause">Why a thread is there.</param>
    internal static FramePlace Of(MappedImages images, PerfMap? ownNames, ulong address, FrameCause cause)
    {
        // The code that handlers return to was not called: what is before it is another function.
        bool isCalled = cause is FrameCause.Called;
        FrameStep step = images.StepAt(isCalled ? address - 1 : address);
        bool isSignal = step.IsSignalFrame || (isCalled && step.Kind == FrameStepKind.FramePointer && images.IsTrampoline(address));
        FramePlace place = new(address, cause, isSignal, null);
        place = place with { Code = images.Find(place.Instruction) };
        return place.Code is { Image: null } && ownNames?.TryFind(place.Instruction, out string name, out ulong within) == true ? place with { OwnName = name, OwnOffset = within } : place;
    }

    /// <summary>Looks at the frames of a stack.</summary>
    /// <param name="images">What was mapped.</param>
    /// <param name="ownNames">The names that the process's own compiler gives its code; null for none.</param>
    /// <param name="frames">As <see cref="StackUnwinder"/> gives them.</param>
    internal static FramePlace[] Of(MappedImages images, PerfMap? ownNames, ReadOnlySpan<ulong> frames)
    {
        FramePlace[] places = new FramePlace[frames.Length];
        FrameCause cause = FrameCause.Stopped;
        for (int i = 0; i < frames.Length; i++)
        {
            places[i] = Of(images, ownNames, frames[i], cause);
            cause = places[i].IsSignal ? FrameCause.Interrupted : FrameCause.Called;
        }

        return places;
    }

    /// <summary>Whether names are the same: the same bytes of the same file are at the same address, in whichever process.</summary>
    public bool Equals(FramePlace other) =>
        Address == other.Address && Cause == other.Cause && IsSignal == other.IsSignal && OwnOffset == other.OwnOffset && OwnName == other.OwnName
        && (ReferenceEquals(Code, other.Code)
            || (Code is { } own && other.Code is { } another && ReferenceEquals(own.Image, another.Image) && own.Path == another.Path && own.OffsetOf(Address) == another.OffsetOf(Address)));

    /// <inheritdoc/>
    public override int GetHashCode() => Address.GetHashCode();
}
