using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>Programs on hits of the test's own: they are interpreted, and what is behind them is real.</summary>
internal sealed class FakePrograms : IArmedPrograms
{
    private readonly ProgramGroup _group;
    private readonly ChannelMemory _channel;
    private readonly ChannelProgramOutput _output;
    private readonly RingReader _rings;
    private readonly IQueryEvents? _events;
    private readonly Interpreter _interpreter = new();

    public FakePrograms(ProgramGroup group, IReadOnlyList<PlannedProbe> probes, IQueryEvents? events, IReadOnlySet<string>? refused = null)
    {
        Assert.Empty(ProgramChecker.Check(group));
        (_group, _events) = (group with { ThreadSlots = 4 }, events);
        _channel = ChannelMemory.CreatePrivate(_group.LayoutFor(probes.Count));
        _output = new ChannelProgramOutput(new ChannelWriter(_channel, group.Events));
        _rings = new RingReader(_channel, group.Events);
        var isRefused = probes.ToLookup(p => refused?.Contains(p.Function) == true);
        Armed = [.. probes.Index().Where(p => !isRefused[true].Contains(p.Item)).Select(p => new ArmedProbe(p.Index, p.Item))];
        Refused = [.. isRefused[true].Select(p => new RefusedProbe(p, "for the test", $"{p.Function} is refused"))];
    }

    public IReadOnlyList<ArmedProbe> Armed { get; }

    public IReadOnlyList<RefusedProbe> Refused { get; }

    public QueryLosses Losses { get; set; }

    public Action? Stopped { get; init; }

    public Action? Read { get; init; }

    public string EngineOf(ArmedProbe probe) => "trap";

    public MapSnapshot Snapshot(int map)
    {
        Read?.Invoke();
        return MapReader.Read([_channel], map);
    }

    /// <summary>A hit, or a call's entry.</summary>
    /// <returns>The words that were kept if the call is to be followed.</returns>
    public ulong[]? Hit(FakeHit hit) => Run(_group.Entry, hit) && _output.FollowsCall ? _output.KeptWords.ToArray() : null;

    /// <summary>A call from its entry to its return.</summary>
    public void Call(FakeHit entry, FakeHit atReturn)
    {
        if (Hit(entry) is { } words)
            Return(atReturn with { Words = words });
    }

    /// <summary>The return of a call that is followed.</summary>
    public void Return(FakeHit hit) => Run(_group.Return!, hit);

    public void Stop() => Stopped?.Invoke();

    public void Dispose() => _channel.Dispose();

    private bool Run(ProbeProgram program, FakeHit hit)
    {
        Assert.True(_output.TryBegin((ulong)hit.ThreadId, hit.ThreadId, hit.Probe, (ulong)hit.Time));
        _interpreter.Run(program, hit, _output);
        if (_events is null)
            return true;
        foreach (var record in _rings.Drain())
            _events.Accept(record, (long)record.Ticks, hit.ProcessId);
        return true;
    }
}
