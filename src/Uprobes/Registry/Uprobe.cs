using Uprobes.Arming;
using Uprobes.Arming.Inline;
using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Images;

namespace Uprobes.Registry;

/// <summary>The one object of a probe point: its saved bytes and its consumers, called in the order of registration. On the tracer thread only.</summary>
internal sealed class Uprobe : IProbeSink
{
    private Consumer[] _consumers = [];
    private ProbeRefusal? _lastRefusal;
    private int _armedWith;

    internal Uprobe(ProbedImage image, FileOffset offset, byte[] original, string name)
    {
        Image = image;
        Offset = offset;
        Point = new ArmedPoint(offset, this, original, name);
    }

    internal ProbedImage Image { get; }

    internal FileOffset Offset { get; }

    /// <summary>Whether the offset is known to be a function's first instruction.</summary>
    internal bool IsFunctionEntry { get; init; }

    /// <summary>Whether it is the instruction of a static probe.</summary>
    internal bool IsMark { get; private set; }

    internal ArmedPoint Point { get; }

    internal IReadOnlyList<Consumer> Consumers => _consumers;

    internal bool HasConsumers => _consumers.Length > 0;

    public bool WantsPost { get; private set; }

    public IReadOnlyList<ProgramBinding>? Programs { get; private set; }

    public IReadOnlyList<SemaphorePlace> Semaphores { get; private set; } = [];

    public bool MayFollowCalls { get; internal set; }

    public PatchPlan? Plan { get; internal set; }

    public PatchRefusal? PlanRefusal { get; internal set; }

    /// <summary>What its sites were armed with so far, in all processes. Any thread may read it.</summary>
    internal SiteKinds ArmedWith => (SiteKinds)Volatile.Read(ref _armedWith);

    /// <summary>Whether the planner has been asked.</summary>
    internal bool IsPlanned { get; set; }

    /// <summary>It has turned out to be the instruction of a static probe, for which the planner allows more.</summary>
    internal void NoteMark()
    {
        IsPlanned &= IsMark || Plan is not null;
        IsMark = true;
    }

    internal void Add(Consumer consumer)
    {
        _consumers = [.. _consumers, consumer];
        WantsPost |= consumer.WantsPost;
        FindPrograms();
        FindSemaphores();
    }

    /// <summary>Where every consumer is a program, the site needs no tracer.</summary>
    private void FindPrograms() => Programs = _consumers.Length > 0 && Array.TrueForAll(_consumers, c => c.Program is not null)
        ? [.. _consumers.Select(c => c.Program!)]
        : null;

    private void FindSemaphores() => Semaphores = Array.TrueForAll(_consumers, c => c.Semaphore is null)
        ? []
        : [.. _consumers.Select(c => c.Semaphore).OfType<SemaphorePlace>().Distinct()];

    internal void Remove(Consumer consumer)
    {
        consumer.Deactivate();
        _consumers = [.. _consumers.Where(c => c != consumer)];
        WantsPost = _consumers.Any(c => c.WantsPost);
        FindPrograms();
        FindSemaphores();
    }

    /// <summary>Remembers a refusal. False for the one that was remembered: every registration tries it again, which is told once.</summary>
    internal bool NoteRefusal(ProbeRefusal refusal)
    {
        if (refusal == _lastRefusal)
            return false;
        _lastRefusal = refusal;
        return true;
    }

    public void OnArmed(SiteKinds kind) => Volatile.Write(ref _armedWith, _armedWith | (int)kind);

    public void OnHit(HitContext hit)
    {
        // A handler may register or remove consumers: those that were there when the probe was hit are called.
        foreach (Consumer consumer in _consumers)
            consumer.OnHit(hit);
    }

    public void OnPost(HitContext hit)
    {
        foreach (Consumer consumer in _consumers)
            consumer.OnPost(hit);
    }

    public bool OnFault(HitContext hit, int signal)
    {
        bool deliver = true;
        foreach (Consumer consumer in _consumers)
            deliver &= consumer.OnFault(hit, signal);
        return deliver;
    }
}
