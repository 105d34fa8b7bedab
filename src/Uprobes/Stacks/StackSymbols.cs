using Uprobes.Images;
using Uprobes.Images.Inlining;
using Uprobes.Images.SourceLines;

namespace Uprobes.Stacks;

/// <summary>Names the frames of one process's stacks. Used by one thread at a time.</summary>
internal sealed class StackSymbols(ProcessImages process)
{
    private const int MostKept = 1 << 16;
    private readonly Dictionary<(ulong Address, FrameCause Cause, bool IsExpanded), StackFrame[]> _kept = [];
    private int _framesKept;
    private MappedImages? _images;

    /// <summary>Names the frames of a stack.</summary>
    /// <param name="images">What was mapped when the stack was unwound.</param>
    /// <param name="frames">As <see cref="StackUnwinder"/> gives them.</param>
    /// <param name="named">Takes a frame for each, and before it those that were inlined there, innermost first.</param>
    /// <param name="isExpanded">Whether inlined calls are wanted.</param>
    internal void Symbolize(MappedImages images, ReadOnlySpan<ulong> frames, List<StackFrame> named, bool isExpanded)
    {
        FrameCause cause = FrameCause.Stopped;
        foreach (ulong frame in frames)
        {
            StackFrame[] all = Symbolize(images, frame, cause, isExpanded);
            named.AddRange(all);
            cause = all[^1].IsSignal ? FrameCause.Interrupted : FrameCause.Called;
        }
    }

    /// <summary>Names one address.</summary>
    /// <param name="images">What was mapped.</param>
    /// <param name="address">The address.</param>
    /// <param name="cause">Why the process is there: of a return address the call before it counts.</param>
    /// <param name="isExpanded">Whether inlined calls are wanted; they come before the function that the address is in.</param>
    internal StackFrame[] Symbolize(MappedImages images, ulong address, FrameCause cause, bool isExpanded)
    {
        if (!ReferenceEquals(images, _images))
        {
            _kept.Clear();
            (_images, _framesKept) = (images, 0);
        }

        if (_kept.TryGetValue((address, cause, isExpanded), out StackFrame[]? known))
            return known;
        StackFrame frame = Make(images, address, cause is not FrameCause.Called, out bool isFinal, out (ElfImage Image, LinkAddress Link)? place);
        StackFrame[] made = isExpanded && !frame.IsSignal && place is { } code ? Expand(frame, InlinedAt(code.Image, code.Link)) : [frame];
        // Where a thread stops at the beginning of a function, none of the calls has begun that the code begins with; the line is that of the first of them. So does gdb.
        if (cause is FrameCause.Stopped && made.Length > 1 && place is { } start && start.Image.Inlined.IsEntry(start.Link))
            made = [made[^1]];
        if (isFinal && _framesKept + made.Length <= MostKept)
        {
            _kept.Add((address, cause, isExpanded), made);
            _framesKept += made.Length;
        }

        return made;
    }

    private IReadOnlyList<InlinedCall> InlinedAt(ElfImage image, LinkAddress address)
    {
        IReadOnlyList<InlinedCall> calls = image.Inlined.Find(address);
        process.Store.TellOf(image);
        return calls;
    }

    /// <summary>The frames of inlined calls and of the function they are in: what the line table says is where the innermost of them is.</summary>
    private static StackFrame[] Expand(StackFrame function, IReadOnlyList<InlinedCall> calls)
    {
        StackFrame[] all = new StackFrame[calls.Count + 1];
        SourceLine? source = function.Source;
        for (int i = 0; i < calls.Count; i++)
        {
            all[i] = function with { Function = Demangler.Demangle(calls[i].RawFunction), RawFunction = calls[i].RawFunction, Offset = 0, Source = source, IsInlined = true };
            source = calls[i].CalledFrom;
        }

        all[^1] = function with { Source = source };
        return all;
    }

    private StackFrame Make(MappedImages images, ulong address, bool isExact, out bool isFinal, out (ElfImage, LinkAddress)? linked)
    {
        // The code that handlers return to was not called: what is before it is another function.
        bool isSignal = images.StepAt(isExact ? address : address - 1).IsSignalFrame || (!isExact && images.IsTrampoline(address));
        ulong place = isExact || isSignal ? address : address - 1;
        (isFinal, linked) = (false, null);
        if (images.Find(place) is not { } code)
            return new StackFrame(address, null, 0, null, 0);
        isFinal = code.Image is not null;
        string? module = code.Path.Length > 0 ? code.Path : null;
        if (code.Image is null)
        {
            ulong fileOffset = module is null ? 0 : code.OffsetOf(place).Value + (address - place);
            return process.PerfMap?.TryFind(place, out string name, out ulong within) == true
                ? new StackFrame(address, name, within + (address - place), module, fileOffset) { RawFunction = name }
                : new StackFrame(address, null, 0, module, fileOffset);
        }

        FileOffset offset = code.OffsetOf(place);
        bool isLinked = code.Image.TryGetAddress(offset, out LinkAddress link);
        linked = isLinked ? (code.Image, link) : null;
        var frame = new StackFrame(address, null, 0, module, (isLinked ? link.Value : offset.Value) + (address - place))
        {
            IsSignal = isSignal,
            Source = isLinked ? code.Image.Lines.Find(link) : null,
        };
        return code.Image.Functions.TryName(offset, out string raw, out FileOffset start)
            ? frame with { Function = Demangler.Demangle(raw), Offset = offset.Value - start.Value + (address - place), RawFunction = raw }
            : frame;
    }
}
