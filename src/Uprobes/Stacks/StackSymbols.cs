using Uprobes.Images;
using Uprobes.Images.Inlining;
using Uprobes.Images.SourceLines;

namespace Uprobes.Stacks;

/// <summary>
/// Names frames. The first one of an image has its symbols and its debug information read, which takes seconds for the largest: no thread of a target should wait for it.
/// Thread-safe.
/// </summary>
/// <param name="store">Is told of images whose inlined calls are left out.</param>
internal sealed class StackSymbols(ImageStore store)
{
    private const int MostKept = 1 << 16;
    private readonly Lock _gate = new();
    private readonly Dictionary<(FramePlace Place, bool IsExpanded), StackFrame[]> _kept = [];
    private int _framesKept;

    /// <summary>Names the frames of a stack.</summary>
    /// <param name="places">Where they are.</param>
    /// <param name="named">Takes a frame for each, and before it those that were inlined there, innermost first.</param>
    /// <param name="isExpanded">Whether inlined calls are wanted.</param>
    internal void Name(ReadOnlySpan<FramePlace> places, List<StackFrame> named, bool isExpanded)
    {
        foreach (FramePlace place in places)
            named.AddRange(Name(place, isExpanded));
    }

    /// <summary>Names one place.</summary>
    /// <param name="place">The place.</param>
    /// <param name="isExpanded">Whether inlined calls are wanted; they come before the function that the address is in.</param>
    internal StackFrame[] Name(FramePlace place, bool isExpanded)
    {
        lock (_gate)
        {
            if (_kept.TryGetValue((place, isExpanded), out StackFrame[]? known))
                return known;
        }

        StackFrame[] made = Make(place, isExpanded);
        lock (_gate)
        {
            if (place.Code?.Image is null)
                return made;
            if (_framesKept + made.Length > MostKept)
            {
                // Processes that have ended are in it, and where things are is different in each.
                _kept.Clear();
                _framesKept = 0;
            }

            if (_kept.TryAdd((place, isExpanded), made))
                _framesKept += made.Length;
        }

        return made;
    }

    /// <summary>The function of a place, without a line of source: no debug information is read for it.</summary>
    internal static StackFrame FunctionAt(FramePlace place) => Function(place, out _);

    private StackFrame[] Make(FramePlace place, bool isExpanded)
    {
        StackFrame frame = Function(place, out LinkAddress? linked);
        if (linked is not { } link || place.Code?.Image is not { } image)
            return [frame];
        frame = frame with { Source = image.Lines.Find(link) };
        if (!isExpanded || frame.IsSignal)
            return [frame];
        StackFrame[] all = Expand(frame, image.Inlined.Find(link));
        store.TellOf(image);
        // Where a thread stops at the beginning of a function, none of the calls has begun that the code begins with; the line is that of the first of them. So does gdb.
        return place.Cause is FrameCause.Stopped && all.Length > 1 && image.Inlined.IsEntry(link) ? [all[^1]] : all;
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

    private static StackFrame Function(FramePlace place, out LinkAddress? linked)
    {
        linked = null;
        ulong address = place.Address, back = address - place.Instruction;
        if (place.Code is not { } code)
            return new StackFrame(address, null, 0, null, 0);
        string? module = code.Path.Length > 0 ? code.Path : null;
        FileOffset offset = code.OffsetOf(place.Instruction);
        if (code.Image is null)
        {
            ulong fileOffset = module is null ? 0 : offset.Value + back;
            return place.OwnName is { } own
                ? new StackFrame(address, own, place.OwnOffset + back, module, fileOffset) { RawFunction = own }
                : new StackFrame(address, null, 0, module, fileOffset);
        }

        if (code.Image.TryGetAddress(offset, out LinkAddress link))
            linked = link;
        var frame = new StackFrame(address, null, 0, module, (linked?.Value ?? offset.Value) + back) { IsSignal = place.IsSignal };
        return code.Image.Functions.TryName(offset, out string raw, out FileOffset start)
            ? frame with { Function = Demangler.Demangle(raw), Offset = offset.Value - start.Value + back, RawFunction = raw }
            : frame;
    }
}
