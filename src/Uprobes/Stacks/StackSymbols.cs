using Uprobes.Images;

namespace Uprobes.Stacks;

/// <summary>Names the frames of one process's stacks. Used by one thread at a time.</summary>
internal sealed class StackSymbols(ProcessImages process)
{
    private const int MostKept = 1 << 16;
    private readonly Dictionary<(ulong Address, bool IsExact), StackFrame> _kept = [];
    private MappedImages? _images;

    /// <summary>Names the frames of a stack.</summary>
    /// <param name="images">What was mapped when the stack was unwound.</param>
    /// <param name="frames">As <see cref="StackUnwinder"/> gives them.</param>
    /// <param name="named">Takes as many.</param>
    internal void Symbolize(MappedImages images, ReadOnlySpan<ulong> frames, Span<StackFrame> named)
    {
        bool isExact = true;
        for (int i = 0; i < frames.Length; i++)
        {
            named[i] = Symbolize(images, frames[i], isExact);
            isExact = named[i].IsSignal;
        }
    }

    /// <summary>Names one address.</summary>
    /// <param name="images">What was mapped.</param>
    /// <param name="address">The address.</param>
    /// <param name="isExact">False for a return address: the call before it counts.</param>
    internal StackFrame Symbolize(MappedImages images, ulong address, bool isExact)
    {
        if (!ReferenceEquals(images, _images))
        {
            _kept.Clear();
            _images = images;
        }

        if (_kept.TryGetValue((address, isExact), out StackFrame known))
            return known;
        StackFrame made = Make(images, address, isExact, out bool isFinal);
        if (isFinal && _kept.Count < MostKept)
            _kept.Add((address, isExact), made);
        return made;
    }

    private StackFrame Make(MappedImages images, ulong address, bool isExact, out bool isFinal)
    {
        // The code that handlers return to was not called: what is before it is another function.
        bool isSignal = images.StepAt(isExact ? address : address - 1).IsSignalFrame || (!isExact && images.IsTrampoline(address));
        ulong place = isExact || isSignal ? address : address - 1;
        isFinal = false;
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
