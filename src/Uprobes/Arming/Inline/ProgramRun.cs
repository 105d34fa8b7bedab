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

    internal ProgramGroup Group { get; } = group;

    internal int Probes { get; } = probes;

    internal ChannelLayout Layout { get; } = group.LayoutFor(probes);

    /// <summary>The channels so far; those of one process that executed another program are several.</summary>
    internal IReadOnlyList<ProcessChannel> Channels
    {
        get
        {
            lock (_lock)
                return [.. _channels];
        }
    }

    internal void Add(ProcessChannel channel)
    {
        lock (_lock)
            _channels.Add(channel);
    }

    /// <summary>The channel of what is interpreted of a process. On the tracer thread.</summary>
    internal InterpretedChannel InterpretedIn(int processId)
    {
        if (_interpreted.TryGetValue(processId, out InterpretedChannel? known))
            return known;
        ChannelMemory memory = ChannelMemory.CreatePrivate(Layout);
        InterpretedChannel made = new(memory, Group);
        _interpreted.Add(processId, made);
        Add(new ProcessChannel(processId, memory));
        return made;
    }

    /// <summary>Lets go of the channels. The programs are no longer armed anywhere.</summary>
    public void Dispose()
    {
        foreach (ProcessChannel channel in Channels)
            channel.Memory.Dispose();
    }
}

/// <summary>What one process has written.</summary>
/// <param name="ProcessId">In the tracer's pid namespace.</param>
/// <param name="Memory">The channel.</param>
internal sealed record ProcessChannel(int ProcessId, ChannelMemory Memory);
