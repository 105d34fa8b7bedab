using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Where the C library makes the system call rt_sigaction (see <see cref="ActionHooks"/>).</summary>
internal sealed partial class SpaceArming
{
    private static readonly byte[] SystemCall = [0x0F, 0x05];

    /// <summary>Addresses right behind the call.</summary>
    private readonly HashSet<ulong> _actionCalls = [];

    /// <summary>Remembers where a mapping makes the call, and arms the way to it.</summary>
    internal void AddActionCalls(TracedProcess process, in Mapping mapping, IReadOnlyCollection<ulong> addresses)
    {
        if (addresses.Count == 0)
            return;
        _actionCalls.UnionWith(addresses);
        _services.Actions.Arm(this, process, mapping);
    }

    /// <summary>A call for SIGTRAP's action begins: its end is to be seen.</summary>
    internal void AwaitActionCall(TracedProcess process)
    {
        byte[] call = new byte[SystemCall.Length];
        foreach (ulong address in _actionCalls)
        {
            if (TryFindExecutable(address, out Mapping mapping) && TryReadOriginal(address - (ulong)call.Length, call)
                && call.AsSpan().SequenceEqual(SystemCall) && ArmInternal(process, mapping, address) is { } site)
                site.Hook = MappingHookKind.SignalAction;
        }
    }

    /// <summary>The call was seen.</summary>
    internal void EndActionCall()
    {
        foreach (ulong address in _actionCalls)
        {
            if (!TryFindSite(address, out Site? site) || site!.Hook != MappingHookKind.SignalAction)
                continue;
            site.Hook = MappingHookKind.None;
            if (!site.IsWanted)
                Disarm(site);
        }
    }
}
