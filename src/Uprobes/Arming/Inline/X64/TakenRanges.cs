namespace Uprobes.Arming.Inline.X64;

/// <summary>The bytes that plans of one image have to themselves: patched, displaced, springboards, redirected branches. Link-time addresses.</summary>
internal sealed class TakenRanges
{
    /// <summary>Ascending. Those that were given back have no plan, and are taken out together when somebody asks: thousands go at once.</summary>
    private readonly List<(ulong Start, ulong End, PatchPlan? Plan)> _ranges = [];
    private bool _hasFree;

    /// <summary>Takes what a plan needs; the caller has asked before whether it is free.</summary>
    public void Add(PatchPlan plan)
    {
        if (plan.Tactic == PatchTactic.JoinsNeighbour)
            return;
        Insert(plan.Address.Value, plan.Address.Value + (ulong)Math.Max(plan.Displaced.Length, plan.Overwritten.Length), plan);
        if (plan.SpringboardAddress is { } springboard)
            Insert(springboard.Value, springboard.Value + PatchPlan.JumpLength, plan);
        foreach (RedirectedBranch branch in plan.Redirected)
            Insert(branch.Address.Value, branch.Address.Value + (ulong)branch.Original.Length, plan);
    }

    /// <summary>Gives back what a plan took.</summary>
    public void Remove(PatchPlan plan)
    {
        if (plan.Tactic == PatchTactic.JoinsNeighbour)
            return;
        Free(plan.Address.Value);
        if (plan.SpringboardAddress is { } springboard)
            Free(springboard.Value);
        foreach (RedirectedBranch branch in plan.Redirected)
            Free(branch.Address.Value);
    }

    /// <summary>The plan that has any byte of a range, or null.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="end">The byte behind the last.</param>
    /// <param name="takenEnd">The byte behind those that the plan has there.</param>
    public PatchPlan? Find(ulong start, ulong end, out ulong takenEnd)
    {
        TakeOutFree();
        // The ranges do not overlap, so the last that starts before the end is the only one that can reach the start first.
        int index = IndexBehind(end - 1) - 1;
        takenEnd = 0;
        if (index < 0 || _ranges[index].End <= start)
            return null;
        takenEnd = _ranges[index].End;
        return _ranges[index].Plan;
    }

    private void Insert(ulong start, ulong end, PatchPlan plan)
    {
        TakeOutFree();
        _ranges.Insert(IndexBehind(start), (start, end, plan));
    }

    private void Free(ulong start)
    {
        int index = IndexBehind(start) - 1;
        _ranges[index] = _ranges[index] with { Plan = null };
        _hasFree = true;
    }

    private void TakeOutFree()
    {
        if (_hasFree)
            _ranges.RemoveAll(static range => range.Plan is null);
        _hasFree = false;
    }

    private int IndexBehind(ulong address)
    {
        int low = 0, high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_ranges[middle].Start <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
