using Uprobes.Arming.Inline.X64;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Why points are left to the trap engine: for users who want no breakpoints.</summary>
internal sealed partial class InlineSpace
{
    /// <summary>Why a point that was not armed here was not.</summary>
    /// <param name="process">A process of this address space.</param>
    /// <param name="mapping">The mapping that the point is in.</param>
    /// <param name="point">The point.</param>
    internal ArmingRefusal WhyNotArmed(TracedProcess process, in Mapping mapping, ArmedPoint point)
    {
        if (mapping.IsShared)
            return new ArmingRefusal(ArmingRefusalReason.SharedMapping, $"process {process.ProcessId} maps the text shared: a jump would change the file for everyone");
        if (WhyNotPatchable(point.Sink, services.Detaches) is { } reason)
            return new ArmingRefusal(ArmingRefusalReason.NotPatchable, reason);
        if (Obstacle(process) is { Length: > 0 } obstacle)
            return new ArmingRefusal(ArmingRefusalReason.NotPatchable, $"no program can run in process {process.ProcessId}: {obstacle}");
        if (_hasTicks == false && NeedsTicks(point))
            return new ArmingRefusal(ArmingRefusalReason.NotPatchable, $"process {process.ProcessId} may not read the time stamp counter (PR_SET_TSC), which the program needs");
        if (_mayNotFollow && Follows(point.Sink.Programs!))
            return new ArmingRefusal(ArmingRefusalReason.NotPatchable, $"process {process.ProcessId} unwinds its stacks in a way that needs true return addresses");
        if (WhyOtherwiseNumbered(process, point.Sink.Programs!) is { } numbers)
            return new ArmingRefusal(ArmingRefusalReason.NotPatchable, numbers);
        ulong address = mapping.Start + (point.Offset.Value - mapping.FileOffset);
        if (MayNotFault(process, point.Sink.Plan!, address))
            return new ArmingRefusal(ArmingRefusalReason.NotPatchable, $"process {process.ProcessId} handles faults itself, and a displaced instruction can raise one: that needs an attached tracer");
        Span<byte> now = stackalloc byte[LongestPatch];
        return Holds(address, [.. point.Sink.Plan!.Displaced], now)
            ? new ArmingRefusal(ArmingRefusalReason.NotPatchable, "the process could not be patched now: no memory near the image, or a thread in the way")
            : new ArmingRefusal(ArmingRefusalReason.MemoryDiffers, $"memory at 0x{address:x} differs from the file");
    }

    /// <summary>Why no process can have a jump at a point; null where nothing is known against it.</summary>
    /// <param name="sink">The point's.</param>
    /// <param name="detaches">Whether the tracer is to let go of processes.</param>
    internal static string? WhyNotPatchable(IProbeSink sink, bool detaches = false) =>
        sink.Programs is not { Count: > 0 } programs ? "a handler in the tracer needs a breakpoint"
        : detaches && Follows(programs) ? "returns can be followed only while the tracer is attached, which teaches unwinders that are loaded later"
        : Follows(programs) && !sink.MayFollowCalls ? "its return address has to stay what it is: its calls are followed by breakpoints"
        : sink.Plan is null ? sink.PlanRefusal?.Message ?? "no patch was planned"
        : null;

    private static bool Follows(IReadOnlyList<ProgramBinding> programs) => programs.Any(p => p.Group.Return is not null);
}
