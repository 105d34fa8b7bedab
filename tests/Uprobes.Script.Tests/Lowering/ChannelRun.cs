using Uprobes.Arming;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes.Script.Tests.Lowering;

/// <summary>Programs at work on made-up calls.</summary>
internal sealed class ChannelRun : IQueryRun
{
    private readonly ProgramGroup _group;
    private readonly ChannelMemory _channel;
    private readonly ChannelProgramOutput _output;
    private readonly Interpreter _interpreter = new();
    private readonly RingReader _rings;

    internal ChannelRun(ProgramGroup group, int probes)
    {
        _group = group;
        _channel = ChannelMemory.CreatePrivate(group.LayoutFor(probes));
        _output = new ChannelProgramOutput(new ChannelWriter(_channel, group.Events));
        _rings = new RingReader(_channel, group.Events);
        StandingPoints = probes;
        foreach ((int map, MapKey key, long value) in group.Presets)
            Set(map, key, value);
    }

    internal ChannelMemory Channel => _channel;

    public IReadOnlyList<ProbeRefusal> Refusals => [];

    public bool IsEnabled { get; set; } = true;

    public int StandingPoints { get; }

    public QueryLosses Losses => default;

    public SiteKinds? ArmedWith(int probe) => SiteKinds.Breakpoint;

    public MapSnapshot Snapshot(int map) => MapReader.Read([_channel], map);

    public AggregateValue? Row(int map, MapKey key) => MapReader.ReadKey([_channel], map, key);

    public void Set(int map, MapKey key, long value) => ValueTransfer.Set(_channel, map, key.Stored, value);

    public void Delete(int map, MapKey key) => ValueTransfer.Delete(_channel, map, key.Stored);

    public void Stop() => IsEnabled = false;

    public void Dispose() => _channel.Dispose();

    /// <summary>A call reaches a place, or returns from it.</summary>
    internal void Hit(int probe, FakeCall call, bool isReturn)
    {
        Assert.True(_output.TryBegin((ulong)call.Thread, call.Thread, probe, (ulong)call.Time));
        ProbePrograms programs = _group.OfProbes[probe];
        _interpreter.Run(programs.Entry, call.Entry(probe), _output);
        Assert.Equal(isReturn, _output.FollowsCall);
        if (!isReturn)
            return;
        Assert.True(_output.TryBegin((ulong)call.Thread, call.Thread, probe, (ulong)call.Time + 1000));
        _interpreter.Run(programs.Return!, call.Return(probe), _output);
    }

    internal void Deliver(IQueryEvents events)
    {
        foreach (EventRecord record in _rings.Drain())
            events.Accept(record, (long)record.Ticks, 4242);
    }
}
