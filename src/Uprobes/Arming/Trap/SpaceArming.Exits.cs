using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>What is known of the ways out of followed calls.</summary>
internal sealed partial class SpaceArming
{
    private bool _hasExitHooks;

    /// <summary>The stacks that are known.</summary>
    internal StackMap Stacks { get; private set; } = new();

    /// <summary>By return address: whether a breakpoint stands at the instruction that makes the call.</summary>
    internal Dictionary<ulong, bool> CallWatches { get; } = [];

    /// <summary>Whether the program's longjmp is known, so that a jump up a stack does not go unseen.</summary>
    internal bool KnowsJumps { get; private set; }

    /// <summary>Arms the hooks on exits in all mappings, and from now on in new ones.</summary>
    internal void EnsureExitHooks(TracedProcess process)
    {
        if (_hasExitHooks)
            return;
        _hasExitHooks = true;
        foreach (Mapping mapping in _executable.ToArray())
            ArmExitHooks(process, mapping);
    }

    internal void ForgetExitHooks()
    {
        _hasExitHooks = false;
        KnowsJumps = false;
        CallWatches.Clear();
        Stacks = new StackMap();
    }

    private void ArmExitHooks(TracedProcess process, in Mapping mapping)
    {
        if (_hasExitHooks)
            KnowsJumps |= _services.Exits.Arm(this, process, mapping);
    }

    private ForkedExits SnapshotExits() => new(_hasExitHooks, KnowsJumps, Stacks.Copy(), [.. CallWatches]);

    private void TakeExits(ForkedExits parent)
    {
        _hasExitHooks = parent.HasHooks;
        KnowsJumps = parent.KnowsJumps;
        Stacks = parent.Stacks;
        foreach ((ulong address, bool armed) in parent.CallWatches)
            CallWatches.Add(address, armed);
    }
}
