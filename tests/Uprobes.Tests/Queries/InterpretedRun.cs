using Uprobes.Arming;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Registry;
using Uprobes.Tests.Programs;

namespace Uprobes.Tests.Queries;

/// <summary>A run of a query on made-up hits.</summary>
internal sealed class InterpretedRun : IQueryRun
{
    private readonly ProgramGroup _group;
    private readonly ChannelMemory _channel;
    private readonly ChannelWriter _writer;
    private readonly IQueryEvents? _events;
    private readonly Interpreter _interpreter = new();
    private readonly RingReader _rings;

    internal InterpretedRun(ProgramGroup group, IReadOnlyList<ProbePoint> points, HashSet<ProbePoint> refused, IQueryEvents? events)
    {
        (_group, _events) = (group with { ThreadSlots = 16, RingBytes = 1 << 16 }, events);
        Assert.Empty(ProgramChecker.Check(_group));
        _channel = ChannelMemory.CreatePrivate(_group.LayoutFor(points.Count));
        _writer = new ChannelWriter(_channel, _group.Events);
        _rings = new RingReader(_channel, _group.Events);
        Refusals = [.. points.Where(refused.Contains).Select(p => new ProbeRefusal(ProbeRefusalReason.NoSuchSymbol, p.ToString(), "made up"))];
        StandingPoints = points.Count - Refusals.Count;
    }

    public IReadOnlyList<ProbeRefusal> Refusals { get; }

    public int StandingPoints { get; }

    public QueryLosses Losses { get; set; }

    public bool IsEnabled { get; set; } = true;

    internal bool IsDisposed { get; private set; }

    internal bool IsStopped { get; private set; }

    public MapSnapshot Snapshot(int map)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return MapReader.Read([_channel], map);
    }

    public AggregateValue? Row(int map, MapKey key) => MapReader.ReadKey([_channel], map, key);

    public void Set(int map, MapKey key, long value) => ValueTransfer.Set(_channel, map, key.Stored, value);

    public void Delete(int map, MapKey key) => ValueTransfer.Delete(_channel, map, key.Stored);

    public SiteKinds? ArmedWith(int probe) => SiteKinds.Breakpoint;

    public void Stop() => IsStopped = true;

    public void Dispose()
    {
        IsDisposed = true;
        _channel.Dispose();
    }

    /// <summary>A hit, or an entry; its events are delivered at once.</summary>
    internal void Hit(Hit hit)
    {
        if (!IsEnabled)
            return;
        ChannelOutput output = new(_writer, hit);
        _interpreter.Run(_group.Entry, hit.Context, output);
        if (output.Followed is { } words)
            _interpreter.Run(_group.Return!, hit.ReturnContext(words), output);
        foreach (EventRecord record in _rings.Drain())
            _events!.Accept(record, (long)record.Ticks, 99);
    }

    internal void End(Exception? error = null) => _events!.Complete(error);

    private sealed class ChannelOutput(ChannelWriter writer, Hit hit) : IProgramOutput
    {
        private readonly int _slot = writer.SlotOf((ulong)hit.ThreadId + 1, hit.ThreadId);

        internal ulong[]? Followed { get; private set; }

        public void Aggregate(int map, ReadOnlySpan<ulong> key, long value) => writer.AddToCell(_slot, map, hit.Probe, key, value);

        public bool TryGetValue(int map, ReadOnlySpan<ulong> key, out long value) => writer.TryRead(_slot, map, hit.Probe, key, out value);

        public ulong CellWord(int map, ReadOnlySpan<ulong> key, int word) => writer.ReadWord(_slot, map, key, word);

        public void DeleteKey(int map, ReadOnlySpan<ulong> key) => writer.Delete(_slot, map, hit.Probe, key);

        public void Emit(int @event, ReadOnlySpan<ulong> fields) => Assert.True(writer.Emit(_slot, @event, hit.ThreadId, (ulong)hit.Time, fields));

        public void FollowCall(ReadOnlySpan<ulong> words) => Followed = words.ToArray();

        public void CountFailedRead() => writer.CountFailedRead(_slot);
    }
}
