using Uprobes.Images.CallFrames;

namespace Uprobes.Stacks;

/// <summary>How to get from a frame whose code is at one address to its caller's.</summary>
internal enum FrameStepKind
{
    /// <summary>No code is mapped there.</summary>
    Unmapped,

    /// <summary>By call frame information.</summary>
    Row,

    /// <summary>It is where signal handlers return to, and no call frame information says more.</summary>
    Trampoline,

    /// <summary>In a stub of the linker: the return address is a known number of bytes above the stack pointer.</summary>
    Stub,

    /// <summary>Nothing is known: it may keep a frame pointer.</summary>
    FramePointer,
}

/// <summary>How to get from a frame whose code is at one address to its caller's. Immutable.</summary>
/// <param name="Kind">The way.</param>
/// <param name="Row">The call frame information where it is that.</param>
/// <param name="Bias">What is added to link-time addresses.</param>
/// <param name="Pushed">The bytes between the stack pointer and the return address of a stub.</param>
internal sealed record FrameStep(FrameStepKind Kind, FrameRow? Row = null, ulong Bias = 0, ulong Pushed = 0)
{
    internal static readonly FrameStep Unmapped = new(FrameStepKind.Unmapped), Trampoline = new(FrameStepKind.Trampoline);

    /// <summary>Code without a file, as compilers at run time make it: no thread begins there.</summary>
    internal static readonly FrameStep FramePointer = new(FrameStepKind.FramePointer);

    /// <summary>Code of a file that says nothing of its frames; the start of a program may be there, which clears the frame pointer.</summary>
    internal static readonly FrameStep FramePointerOrStart = new(FrameStepKind.FramePointer) { MayBeStart = true };

    /// <summary>Whether a frame pointer of 0 marks the outermost frame.</summary>
    internal bool MayBeStart { get; private init; }

    /// <summary>Whether the frame interrupted what comes above it instead of being called by it.</summary>
    internal bool IsSignalFrame => Kind == FrameStepKind.Trampoline || Row is { IsSignalFrame: true };
}
