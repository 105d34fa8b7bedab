using System.Diagnostics;
using Uprobes.Arming;
using Uprobes.Arming.Inline;
using Uprobes.Channels;
using Uprobes.Linux;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>
/// Programs at work in a session. Where they have events, a thread of the tracer's own reads them: the target never waits for
/// it, and writes to a ring that is full are counted as lost.
/// </summary>
internal sealed class QueryRun : IQueryRun
{
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(1);
    private readonly UprobeSession _session;
    private readonly ProgramRun _run;
    private readonly TickClock? _clock;
    private readonly IQueryEvents? _events;
    private readonly Dictionary<ProcessChannel, RingReader> _readers = [];
    private readonly ManualResetEventSlim _stopped = new();
    private readonly Thread? _thread;
    private readonly Lock _gate = new();
    private readonly EventOrder? _order;
    private IReadOnlyList<ProbeRegistration> _registrations = [];
    private Dictionary<int, Uprobe> _uprobes = [];
    private QueryLosses _lostByReaders;
    private bool _disposed;
    private volatile bool _isEnabled = true;

    internal QueryRun(UprobeSession session, ProgramRun run, TickClock? clock, IQueryEvents? events)
    {
        (_session, _run, _clock, _events) = (session, run, clock, events);
        _order = events is null ? null : new EventOrder(events);
        if (events is not null)
            _thread = new Thread(ReadEvents) { IsBackground = true, Name = "uprobes events" };
    }

    public IReadOnlyList<ProbeRefusal> Refusals { get; private set; } = [];

    public int StandingPoints => _registrations.Count(r => r.IsActive);

    public bool IsEnabled
    {
        get => _isEnabled;
        set
        {
            _isEnabled = value;
            _session.SetEnabled(_registrations, value);
        }
    }

    public QueryLosses Losses
    {
        get
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                ChannelLosses lost = default;
                foreach (ProcessChannel channel in _run.Channels)
                    lost += ChannelLosses.Read(channel.Memory);
                QueryLosses sum = _lostByReaders;
                return new QueryLosses(sum.Events + Count(lost.Events), Count(lost.Keys), Count(lost.Threads),
                    Count(lost.Returns) + _registrations.Sum(r => r.LostReturns), Count(lost.FailedReads), sum.Other + Count(lost.Other));
            }

            // What a target claims may be any number at all.
            static long Count(ulong number) => (long)Math.Min(number, long.MaxValue / 16);
        }
    }

    public MapSnapshot Snapshot(int map)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            IReadOnlyList<ProcessChannel> channels = _run.Channels;
            return channels.Count > 0 ? MapReader.Read([.. channels.Select(c => c.Memory)], map)
                : new MapSnapshot(_run.Group.Maps[map], new Dictionary<MapKey, AggregateValue>(), 0);
        }
    }

    public AggregateValue? Row(int map, MapKey key)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            IReadOnlyList<ProcessChannel> channels = _run.Channels;
            return channels.Count > 0 ? MapReader.ReadKey([.. channels.Select(c => c.Memory)], map, key) : null;
        }
    }

    public void Set(int map, MapKey key, long value)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _run.Set(map, key, value);
        }
    }

    public void Delete(int map, MapKey key)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _run.Delete(map, key);
        }
    }

    /// <summary>The registrations are made; events are read from now on.</summary>
    internal void Begin(RegistrationResult result)
    {
        _registrations = result.Registrations;
        _uprobes = result.Registrations.ToDictionary(r => r.Consumer.Program!.Probe, r => r.Consumer.Uprobe);
        Refusals = result.Refusals;
        _thread?.Start();
    }

    public SiteKinds? ArmedWith(int probe) => _uprobes.TryGetValue(probe, out Uprobe? uprobe) ? uprobe.ArmedWith : null;

    public void Stop()
    {
        _session.UnregisterAll(_registrations);
        _stopped.Set();
        if (_thread is { IsAlive: true } && _thread != Thread.CurrentThread)
            _thread.Join();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
        }

        Stop();
        lock (_gate)
        {
            _disposed = true;
            _run.Dispose();
        }
    }

    private void ReadEvents()
    {
        Exception? error = null;
        try
        {
            bool isLast;
            do
            {
                // Looked at before the last events are read: what came until then is among them.
                isLast = _stopped.IsSet || _session.Completion.IsCompleted;
                _clock?.Refine();
                long start = Stopwatch.GetTimestamp();
                long read = Drain(isLast);
                if (!isLast && (read == 0 || Stopwatch.GetElapsedTime(start) < Rest / 4))
                    _stopped.Wait(Rest);
            }
            while (!isLast);
        }
        catch (Exception e) // Any: a receiver is the user's code.
        {
            error = e;
        }

        _events!.Complete(error);
    }

    private long Drain(bool isLast)
    {
        long read = 0, start = MonotonicClock.Nanoseconds;
        foreach (ProcessChannel channel in _run.Channels)
        {
            if (!_readers.TryGetValue(channel, out RingReader? reader))
                _readers.Add(channel, reader = new RingReader(channel.Memory, _run.Group.Events));
            Receiver receiver = new(_order!, _clock!, channel.ProcessId);
            read += reader.Drain(ref receiver);
        }

        _order!.Deliver(isLast ? long.MaxValue : start);

        RingReader[] readers = [.. _readers.Values];
        lock (_gate)
        {
            _lostByReaders = new QueryLosses(
                readers.Sum(r => r.Unfinished), 0, 0, 0, 0, readers.Sum(r => r.Corrupt + r.Faults.Count));
        }

        return read;
    }

    private readonly struct Receiver(EventOrder order, TickClock clock, int processId) : IEventVisitor
    {
        public void Visit(in EventView view) => order.Add(view, clock.ToNanoseconds(view.Ticks), processId);
    }
}
