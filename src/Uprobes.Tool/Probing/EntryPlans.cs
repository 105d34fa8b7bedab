using Uprobes.Arming.Inline.X64;
using Uprobes.Images;

namespace Uprobes.Tool.Probing;

/// <summary>Asks the library's planner about the entries of functions, as if all of them were probed at once.</summary>
internal static class EntryPlans
{
    /// <summary>Plans functions of an image, in their order.</summary>
    public static IReadOnlyList<FunctionPlan> Of(ElfImage image, IReadOnlyList<FunctionInfo> functions)
    {
        var sites = functions.Select(function => new PatchSite(new FileOffset(function.Offset), IsFunctionEntry: true));
        var decisions = new PatchPlanner(new ImageAnalysis(image)).Plan([.. sites]);
        return [.. functions.Zip(decisions, Convert)];
    }

    private static FunctionPlan Convert(FunctionInfo function, PatchDecision decision) => decision.IsInline
        ? new FunctionPlan(function, Word(decision.Plan.Tactic), decision.Plan.Displaced)
        : new FunctionPlan(function, FunctionPlan.Trap, [], Words(decision.Refusal.Reason), decision.Refusal.Message);

    private static string Word(PatchTactic tactic) => tactic switch
    {
        PatchTactic.SingleInstruction => "single",
        PatchTactic.WholeInstructions => "whole",
        PatchTactic.Padding => "padding",
        PatchTactic.Springboard => "springboard",
        PatchTactic.Redirect => "redirect",
        _ => throw new InvalidOperationException($"An entry was planned as {tactic}, which is for instructions inside of functions."),
    };

    private static string Words(PatchRefusalReason reason) => reason switch
    {
        PatchRefusalReason.NotCode => "no code",
        PatchRefusalReason.Instruction => "immovable instruction",
        PatchRefusalReason.SignalReturn => "signal return",
        PatchRefusalReason.RestartableSequence => "restartable sequence",
        PatchRefusalReason.ProcessStart => "process start",
        PatchRefusalReason.LazyBinding => "lazy binding",
        PatchRefusalReason.CloneChild => "clone child",
        PatchRefusalReason.InsideFunction => "several instructions",
        PatchRefusalReason.LandingInside => "landing inside",
        PatchRefusalReason.UnknownJump => "unknown jump",
        PatchRefusalReason.CallInside => "call inside",
        PatchRefusalReason.SyscallInside => "syscall inside",
        PatchRefusalReason.EndsEarly => "too short",
        PatchRefusalReason.NoPadding => "no padding",
        PatchRefusalReason.LoopToSite => "loop to site",
        PatchRefusalReason.CanFault => "can fault",
        PatchRefusalReason.PageCrossing => "page crossing",
        PatchRefusalReason.OverlapsPlan or PatchRefusalReason.InsideDisplaced => "overlap",
        _ => throw new InvalidOperationException($"{reason} has no words."),
    };
}
