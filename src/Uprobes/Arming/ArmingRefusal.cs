namespace Uprobes.Arming;

/// <summary>Why a site could not be armed.</summary>
internal enum ArmingRefusalReason
{
    /// <summary>The instruction cannot be displaced.</summary>
    UnsupportedInstruction,

    /// <summary>Memory differs from the file.</summary>
    MemoryDiffers,

    /// <summary>The file has been written to since the point was found in it.</summary>
    ImageChanged,

    /// <summary>The mapping is shared: a write would reach the file.</summary>
    SharedMapping,

    /// <summary>No memory near the image.</summary>
    NoMemoryNearImage,

    /// <summary>A seccomp filter forbids the calls that arming needs.</summary>
    Seccomp,

    /// <summary>The text could not be written.</summary>
    TextNotWritable,

    /// <summary>The site is in a restartable sequence.</summary>
    RestartableSequence,

    /// <summary>The process has a shadow stack, which the displaced instruction would not keep.</summary>
    ShadowStack,

    /// <summary>No thread of the process could be stopped in time.</summary>
    ThreadsDidNotStop,

    /// <summary>A jump cannot be put there, and nothing else was wanted.</summary>
    NotPatchable,

    /// <summary>Another tracer has the process, or it may not be traced any more.</summary>
    OutOfReach,

    /// <summary>The process is gone.</summary>
    ProcessGone,
}

/// <summary>A refusal with its sentence for the user.</summary>
/// <param name="Reason">Which it was.</param>
/// <param name="Message">One sentence.</param>
internal sealed record ArmingRefusal(ArmingRefusalReason Reason, string Message);
