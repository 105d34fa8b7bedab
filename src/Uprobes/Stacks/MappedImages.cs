using Uprobes.Images;
using Uprobes.Images.CallFrames;
using Uprobes.Stacks.X64;

namespace Uprobes.Stacks;

/// <summary>Reads a process's memory now: how many bytes could be read. What it reads is hostile.</summary>
internal delegate int MemoryReader(ulong address, Span<byte> destination);

/// <summary>
/// The code that a process has, or had, mapped at one time; what was mapped before is still there as long as nothing else took its
/// place. What is found out about places of the code is kept. Used by one thread at a time.
/// </summary>
internal sealed class MappedImages
{
    private const int Places = 1 << 13;
    private readonly MappedCode[] _code;
    private readonly ulong[] _starts;
    private readonly MemoryReader? _memory;
    private readonly (ulong Address, FrameStep? Step)[] _steps = new (ulong, FrameStep?)[Places];

    /// <summary>Takes code that does not overlap.</summary>
    /// <param name="generation">A number that is higher the later it was looked at.</param>
    /// <param name="code">The code, in any order.</param>
    /// <param name="memory">The process's memory, for code that is in no file; null where it cannot be read.</param>
    internal MappedImages(int generation, IEnumerable<MappedCode> code, MemoryReader? memory = null)
    {
        Generation = generation;
        _code = [.. code.OrderBy(c => c.Start)];
        _starts = [.. _code.Select(c => c.Start)];
        _memory = memory;
    }

    /// <summary>Which of the process's it is: more code, or other code, is in one with a higher number.</summary>
    internal int Generation { get; }

    /// <summary>All code, ascending.</summary>
    internal IReadOnlyList<MappedCode> Code => _code;

    /// <summary>The code at an address, or null.</summary>
    internal MappedCode? Find(ulong address)
    {
        int index = Array.BinarySearch(_starts, address);
        index = index < 0 ? ~index - 1 : index;
        return index >= 0 && _code[index].Contains(address) ? _code[index] : null;
    }

    /// <summary>Whether code is mapped at an address.</summary>
    internal bool IsCode(ulong address) => Find(address) is not null;

    /// <summary>How to get from a frame at an address to its caller's.</summary>
    internal FrameStep StepAt(ulong address)
    {
        // One place for each address, which forgets what it knew: the memory is bounded, and nothing has to be thrown out.
        ref (ulong Address, FrameStep? Step) place = ref _steps[(int)((address * 0x9E37_79B9_7F4A_7C15) >> (64 - 13))];
        if (place.Step is not { } step || place.Address != address)
            place = (address, step = MakeStep(address));
        return step;
    }

    /// <summary>Whether signal handlers return to this address.</summary>
    internal bool IsTrampoline(ulong address)
    {
        Span<byte> bytes = stackalloc byte[SignalFrame.TrampolineBytes];
        if (Find(address) is not { } code)
            return false;
        int read = code.Image is not null ? ReadImage(code.Image, code.OffsetOf(address), bytes) : _memory?.Invoke(address, bytes) ?? 0;
        return SignalFrame.IsTrampoline(bytes[..read]);
    }

    private FrameStep MakeStep(ulong address)
    {
        if (Find(address) is not { } code)
            return FrameStep.Unmapped;
        if (!code.TryGetLinkAddress(address, out LinkAddress link))
            return IsTrampoline(address) ? FrameStep.Trampoline : FrameStep.FramePointer;
        if (code.Image!.CallFrames.Find(link) is { } row)
            return new FrameStep(FrameStepKind.Row, row, unchecked(address - link.Value));
        FileOffset offset = code.OffsetOf(address);
        foreach (ElfSection section in code.Image.Sections)
        {
            if (section.IsExecutable && LinkageStub.IsStubSection(section.Name) && section.Contains(offset))
                return new FrameStep(FrameStepKind.Stub, Pushed: LinkageStub.Pushed(section.Name, offset.Value - section.FileOffset.Value));
        }

        return IsTrampoline(address) ? FrameStep.Trampoline : FrameStep.FramePointerOrStart;
    }

    private static int ReadImage(ElfImage image, FileOffset offset, Span<byte> bytes)
    {
        try
        {
            return image.Read(offset, bytes);
        }
        catch (ImageException)
        {
            // A file that cannot be read any more says nothing of its code.
            return 0;
        }
    }
}
