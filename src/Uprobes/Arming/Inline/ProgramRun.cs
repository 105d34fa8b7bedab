using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Arming.Inline;

/// <summary>
/// A program group at work in a session: a channel in each process that it is armed in, which stays readable when the process has
/// ended. Channels are added on the tracer thread; any thread may read.
/// </summary>
/// <param name="group">Checked.</param>
/// <param name="probes">How many probes share it.</param>
internal sealed class ProgramRun(ProgramGroup group, int probes) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<ProcessChannel> _channels = [];
    private readonly Dictionary<int, InterpretedChannel> _interpreted = [];
    private readonly Dictionary<(int Map, MapKey Key), long> _presets = group.Presets.ToDictionary(p => (p.Map, p.Key), p => p.Value);
    private readonly Dictionary<ProbePrograms, ProgramGroup> _groups = GroupsOf(group);
    private Interpreter? _interpreter;
    private bool _isDisposed;

    internal ProgramGroup Group { get; } = group;

    internal int Probes { get; } = probes;

    internal ChannelLayout Layout { get; } = group.LayoutFor(probes);

    /// <summary>Runs the programs where they are interpreted; one at a time. On the tracer thread.</summary>
    internal Interpreter Interpreter => _interpreter ??= new Interpreter();

    /// <summary>The channels so far; those of one process that executed another program are several.</summary>
    internal IReadOnlyList<ProcessChannel> Channels
    {
        get
        {
            lock (_lock)
                return [.. _channels];
        }
    }

    /// <summary>The group as a probe sees it: one object for all probes that do the same.</summary>
    internal ProgramGroup GroupOf(int probe) => Group.OfProbes.Count == 0 ? Group : _groups[Group.OfProbes[probe]];

    /// <summary>
    /// Adds a process's channel. Where programs read values back, it takes over those of the process's former one, which nobody writes from now on.
    /// On the tracer thread, before code that writes the channel is armed.
    /// </summary>
    internal void Add(ProcessChannel channel)
    {
        lock (_lock)
        {
            if (Group.SharesValues && _channels.FindLast(c => c.ProcessId == channel.ProcessId) is { } former)
                ValueTransfer.Move(former.Memory, channel.Memory);
            else
                WritePresets(channel.Memory);
            _channels.Add(channel);
        }
    }

    /// <summary>
    /// The channel of what is interpreted of a process: where programs read values back, the one that its code writes too, if there is one. On
    /// the tracer thread.
    /// </summary>
    internal InterpretedChannel InterpretedIn(int processId)
    {
        ChannelMemory? shared = Group.SharesValues ? Newest(processId) : null;
        if (_interpreted.TryGetValue(processId, out InterpretedChannel? known) && (shared is null || known.Memory == shared))
            return known;
        ChannelMemory memory = shared ?? ChannelMemory.CreatePrivate(Layout);
        InterpretedChannel made = new(memory, Group, isShared: shared is not null);
        _interpreted[processId] = made;
        if (shared is null)
            Add(new ProcessChannel(processId, memory));
        return made;
    }

    /// <summary>Gives a key of a map of kind <see cref="AggregateKind.Value"/> a value, in all processes, those that come later included. On any thread.</summary>
    internal void Set(int map, MapKey key, long value)
    {
        lock (_lock)
        {
            _presets[(map, key)] = value;
            foreach (ChannelMemory memory in Newest())
                ValueTransfer.Set(memory, map, key.Stored, value);
        }
    }

    /// <summary>Takes what a shared map has for a key out, in all processes. On any thread.</summary>
    internal void Delete(int map, MapKey key)
    {
        lock (_lock)
        {
            _presets.Remove((map, key));
            foreach (ChannelMemory memory in Newest())
                ValueTransfer.Delete(memory, map, key.Stored);
        }
    }

    /// <summary>Whether it has maps from which keys can be deleted.</summary>
    internal bool HasKeysToSweep => Group.Maps.Any(m => m is { IsShared: true, IsKeyed: true });

    /// <summary>Whether a channel's maps have many keys that programs have deleted.</summary>
    internal bool IsSweepDue(ChannelMemory memory) => IfAlive(memory, () => Enumerable.Range(0, Group.Maps.Count).Any(map => TableSweep.IsDue(memory, map)));

    /// <summary>Takes deleted keys out of a channel's maps where they are many; no thread is in a program that writes them. On the tracer thread.</summary>
    internal void Sweep(ChannelMemory memory) => IfAlive(memory, () =>
    {
        foreach (int map in Enumerable.Range(0, Group.Maps.Count).Where(map => TableSweep.IsDue(memory, map)))
            TableSweep.Sweep(memory, map);
        return true;
    });

    private bool IfAlive(ChannelMemory memory, Func<bool> function)
    {
        lock (_lock)
        {
            if (_isDisposed || !Group.SharesValues)
                return false;
            using ChannelHold hold = memory.Hold();
            return function();
        }
    }

    /// <summary>The channel that each process writes now.</summary>
    private IEnumerable<ChannelMemory> Newest() => _channels.GroupBy(c => c.ProcessId).Select(c => c.Last().Memory);

    private ChannelMemory? Newest(int processId)
    {
        lock (_lock)
            return _channels.FindLast(c => c.ProcessId == processId)?.Memory;
    }

    private void WritePresets(ChannelMemory memory)
    {
        foreach (((int map, MapKey key), long value) in _presets)
            ValueTransfer.Set(memory, map, key.Stored, value);
    }

    /// <summary>Lets go of the channels. The programs are no longer armed anywhere.</summary>
    public void Dispose()
    {
        lock (_lock)
            _isDisposed = true;
        foreach (ProcessChannel channel in Channels)
            channel.Memory.Dispose();
    }

    private static Dictionary<ProbePrograms, ProgramGroup> GroupsOf(ProgramGroup group)
    {
        Dictionary<ProbePrograms, ProgramGroup> groups = new(ReferenceEqualityComparer.Instance);
        foreach (ProbePrograms programs in group.OfProbes)
            groups.TryAdd(programs, group.Of(programs));
        return groups;
    }
}

/// <summary>What one process has written.</summary>
/// <param name="ProcessId">In the tracer's pid namespace.</param>
/// <param name="Memory">The channel.</param>
internal sealed record ProcessChannel(int ProcessId, ChannelMemory Memory);
