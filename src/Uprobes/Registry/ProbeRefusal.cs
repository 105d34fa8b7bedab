namespace Uprobes.Registry;

/// <summary>Why a probe cannot be: every case has its own value.</summary>
public enum ProbeRefusalReason
{
    /// <summary>No file of that name, path or library was found.</summary>
    NoSuchFile,

    /// <summary>The file may not be read.</summary>
    FileNotReadable,

    /// <summary>The file is not ELF, or not for this machine.</summary>
    NotElf,

    /// <summary>The ELF file is damaged.</summary>
    MalformedImage,

    /// <summary>The image has no function of that name.</summary>
    NoSuchSymbol,

    /// <summary>The image has no static probe of that name.</summary>
    NoSuchStaticProbe,

    /// <summary>The offset is past the end of the file, or not in executable text.</summary>
    OffsetOutsideText,

    /// <summary>The offset is inside an instruction.</summary>
    NotInstructionBoundary,

    /// <summary>The instruction cannot be displaced.</summary>
    UnsupportedInstruction,

    /// <summary>The site lies in a region that must not be interrupted or changed (restartable sequence, signal return).</summary>
    UnsafeLocation,

    /// <summary>The file changed since it was read, or memory differs from it (another tool's breakpoint).</summary>
    ImageChanged,

    /// <summary>The text is mapped shared, so a write would change the file for everyone.</summary>
    SharedMapping,

    /// <summary>No memory could be had near the image for the displaced instruction.</summary>
    NoMemoryNearImage,

    /// <summary>A seccomp filter of the process forbids the system calls that arming needs.</summary>
    Seccomp,

    /// <summary>The process refused a write to its text.</summary>
    TextNotWritable,

    /// <summary>The return of the function cannot be followed.</summary>
    ReturnNotTraceable,

    /// <summary>No thread of the process could be stopped within <see cref="SessionOptions.StopTimeout"/>: all wait in the kernel.</summary>
    ThreadsDidNotStop,

    /// <summary>A jump cannot be put there, and <see cref="ProbeEngine.Inline"/> wants nothing else.</summary>
    NotPatchable,

    /// <summary>The tracer, which had let go of the process, cannot come back to it: another one has it, or the process may not be traced any more.</summary>
    OutOfReach,

    /// <summary>The session was disposed, or its process is gone.</summary>
    SessionEnded,
}

/// <summary>One refused probe: the reason, what it concerns, and what could be done about it.</summary>
/// <param name="Reason">Which error it was.</param>
/// <param name="Point">The probe point as the user would recognise it.</param>
/// <param name="Detail">A sentence with the values involved.</param>
public sealed record ProbeRefusal(ProbeRefusalReason Reason, string Point, string Detail)
{
    /// <summary>As <c>point: detail</c>.</summary>
    public override string ToString() => $"{Point}: {Detail}";
}
