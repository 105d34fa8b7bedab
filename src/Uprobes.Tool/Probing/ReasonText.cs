using Uprobes.Registry;

namespace Uprobes.Tool.Probing;

/// <summary>The reasons of refusals in a few words, for summaries.</summary>
internal static class ReasonText
{
    /// <summary>The words for a reason.</summary>
    public static string Of(ProbeRefusalReason reason) => reason switch
    {
        ProbeRefusalReason.NoSuchFile => "no such file",
        ProbeRefusalReason.FileNotReadable => "file not readable",
        ProbeRefusalReason.NotElf => "not an ELF file of this machine",
        ProbeRefusalReason.MalformedImage => "damaged ELF file",
        ProbeRefusalReason.NoSuchSymbol => "no such function",
        ProbeRefusalReason.NoSuchStaticProbe => "no such static probe",
        ProbeRefusalReason.OffsetOutsideText => "outside of the program text",
        ProbeRefusalReason.NotInstructionBoundary => "not at the start of an instruction",
        ProbeRefusalReason.UnsupportedInstruction => "instruction that cannot be moved",
        ProbeRefusalReason.UnsafeLocation => "code that must not be interrupted",
        ProbeRefusalReason.ImageChanged => "memory differs from the file",
        ProbeRefusalReason.SharedMapping => "text is mapped shared",
        ProbeRefusalReason.NoMemoryNearImage => "no memory near the image",
        ProbeRefusalReason.Seccomp => "forbidden by the process's seccomp filter",
        ProbeRefusalReason.TextNotWritable => "text cannot be written",
        ProbeRefusalReason.ReturnNotTraceable => "return cannot be followed",
        ProbeRefusalReason.ThreadsDidNotStop => "no thread could be stopped in time",
        ProbeRefusalReason.NotPatchable => "cannot be patched with a jump",
        ProbeRefusalReason.OutOfReach => "the process is out of reach",
        ProbeRefusalReason.SessionEnded => "the process has ended",
        _ => reason.ToString(),
    };

    /// <summary>What can be done about it, or null.</summary>
    public static string? Hint(ProbeRefusalReason reason) => reason switch
    {
        ProbeRefusalReason.NotPatchable => "leave out --engine inline or --detach: a breakpoint serves it",
        ProbeRefusalReason.OutOfReach => "end the debugger or tracer that has the process first",
        ProbeRefusalReason.ImageChanged => "start the process anew, so that it runs what is in the file",
        ProbeRefusalReason.NotInstructionBoundary => "objdump -d shows where instructions begin",
        _ => null,
    };
}
