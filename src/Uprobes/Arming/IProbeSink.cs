using Uprobes.Arming.Inline;
using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;

namespace Uprobes.Arming;

/// <summary>What an engine calls when a probe point is hit; on the tracer thread.</summary>
internal interface IProbeSink
{
    /// <summary>Whether anyone wants to be called after the instruction.</summary>
    bool WantsPost { get; }

    /// <summary>The programs that are all that is wanted on a hit, in order; null where a handler in the tracer is wanted too.</summary>
    IReadOnlyList<ProgramBinding>? Programs { get; }

    /// <summary>Counters of the program that are above 0 while the point is armed; none but at static probes.</summary>
    IReadOnlyList<SemaphorePlace> Semaphores { get; }

    /// <summary>Whether the return address of a call that begins here may be replaced.</summary>
    bool MayFollowCalls { get; }

    /// <summary>How the site can be patched; null where it cannot be.</summary>
    PatchPlan? Plan { get; }

    /// <summary>Why it cannot be; null where it can be or was not asked.</summary>
    PatchRefusal? PlanRefusal { get; }

    /// <summary>A site of the point was armed in some process.</summary>
    void OnArmed(SiteKinds kind);

    /// <summary>The instruction is about to run.</summary>
    void OnHit(HitContext hit);

    /// <summary>The instruction has run.</summary>
    void OnPost(HitContext hit);

    /// <summary>The instruction raised a signal. Returns whether the program gets it.</summary>
    bool OnFault(HitContext hit, int signal);
}

/// <summary>What an engine calls when a call that was asked to be followed returns; on the tracer thread.</summary>
internal interface IReturnSink
{
    /// <summary>The call has returned to its caller.</summary>
    void OnReturn(ReturnContext context);

    /// <summary>The return cannot be followed.</summary>
    void OnReturnLost(string reason, int processId);
}
