using Uprobes.Channels;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.Events;

/// <summary>
/// Turns the events of trace's programs into calls, and puts these into the queue. What a target says is not believed: an event of a probe that
/// there is not is counted as lost. Used by the thread that reads events; the counts may be read by any.
/// </summary>
internal sealed class CallAssembler(EventQueue queue, PayloadLayout layout, TraceQuery query, int probes, long limit = long.MaxValue) : IQueryEvents
{
    // No pointer into the first pages, or beyond the addresses of user space, is a string's.
    private const ulong FirstAddress = 0x1000, EndOfAddresses = 1ul << 47;

    // Calls that never return (longjmp, exit) would stay for ever.
    private const int MostOpenCalls = 1 << 16;

    private readonly byte[] _scratch = new byte[layout.Size];
    private readonly Dictionary<OpenCall, (long Time, byte[] Payload)> _open = [];
    private long _remaining = limit;
    private long _lost;
    private bool _hasForgotten;
    private volatile Exception? _failure;

    /// <summary>Events that made no call.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>What ended the events early, or null.</summary>
    public Exception? Failure => _failure;

    /// <inheritdoc/>
    public void Accept(EventRecord record, long timestamp, int processId)
    {
        if (_remaining == 0)
            return;
        var probe = record.Integer(TraceQuery.ProbeField);
        if (probe >= probes)
            Interlocked.Increment(ref _lost);
        else if (!query.IsSplit)
            TakeWhole(record, (int)probe, timestamp, processId);
        else if (record.Number == TraceQuery.EntryEvent)
            TakeEntry(record, (int)probe, timestamp, processId);
        else
            TakeReturn(record, (int)probe, processId);
    }

    /// <inheritdoc/>
    public void Complete(Exception? error) => _failure = error;

    private void TakeWhole(EventRecord record, int probe, long timestamp, int processId)
    {
        TakeArguments(record, _scratch);
        if (!query.WithReturns)
        {
            Enqueue(new CallRecord(probe, processId, record.ThreadId, timestamp), _scratch);
            return;
        }

        TakeResult(record, _scratch);
        var duration = record.Integer(TraceQuery.DurationField);
        Enqueue(new CallRecord(probe, processId, record.ThreadId, timestamp - duration, duration, (ulong)record.Integer(TraceQuery.ResultField)), _scratch);
    }

    private void TakeEntry(EventRecord record, int probe, long timestamp, int processId)
    {
        if (_open.Count >= MostOpenCalls)
        {
            _open.Clear();
            _hasForgotten = true;
        }

        var payload = new byte[layout.Size];
        TakeArguments(record, payload);
        _open[new OpenCall(probe, processId, record.ThreadId, record.Integer(TraceQuery.EntryKeyField))] = (timestamp, payload);
    }

    private void TakeReturn(EventRecord record, int probe, int processId)
    {
        var isKnown = _open.Remove(new OpenCall(probe, processId, record.ThreadId, record.Integer(query.ReturnKeyField)), out var entry);
        if (record.Integer(query.WantedField) == 0)
            return;
        if (!isKnown)
        {
            if (_hasForgotten)
                Interlocked.Increment(ref _lost); // Otherwise its entry's event found no room, which the ring has counted.
            return;
        }

        TakeResult(record, entry.Payload);
        Enqueue(new CallRecord(probe, processId, record.ThreadId, entry.Time, record.Integer(TraceQuery.DurationField), (ulong)record.Integer(TraceQuery.ResultField)), entry.Payload);
    }

    private void TakeArguments(EventRecord record, byte[] payload)
    {
        var count = layout.Format.Arguments.Count;
        var text = query.FirstArgument + count;
        for (var i = 0; i < count; i++)
        {
            var value = (ulong)record.Integer(query.FirstArgument + i);
            PayloadLayout.SetArgument(payload, i, value);
            if (layout.HasText(i))
                TakeText(record, text++, payload, i, value);
        }
    }

    private void TakeResult(EventRecord record, byte[] payload)
    {
        if (layout.HasText(layout.ResultIndex))
            TakeText(record, TraceQuery.ResultTextField, payload, layout.ResultIndex, (ulong)record.Integer(TraceQuery.ResultField));
    }

    private void TakeText(EventRecord record, int field, byte[] payload, int index, ulong address)
    {
        var bytes = record.Text(field);
        if (address == 0)
        {
            layout.SetText(payload, index, TextState.Null, 0);
        }
        else if (bytes.Length == 0 && address is < FirstAddress or >= EndOfAddresses)
        {
            layout.SetText(payload, index, TextState.Unreadable, 0);
        }
        else if (record.IsCut(field) || bytes.Length > layout.MaximumTextBytes)
        {
            bytes = bytes[..Math.Min(bytes.Length, layout.MaximumTextBytes)];
            bytes.CopyTo(layout.TextBuffer(payload, index));
            layout.SetText(payload, index, TextState.Shortened, WholeCharacters(bytes));
        }
        else
        {
            bytes.CopyTo(layout.TextBuffer(payload, index));
            layout.SetText(payload, index, TextState.Whole, bytes.Length);
        }
    }

    private void Enqueue(in CallRecord record, ReadOnlySpan<byte> payload)
    {
        if (queue.TryEnqueue(record, payload))
            _remaining--;
    }

    // A cut inside a character would show its first bytes as malformed.
    private static int WholeCharacters(ReadOnlySpan<byte> utf8)
    {
        const int LongestCharacter = 4;
        for (var back = 1; back < LongestCharacter && back <= utf8.Length; back++)
        {
            var lead = utf8[^back];
            if ((lead & 0xc0) == 0x80)
                continue;
            var length = lead switch { >= 0xf0 => 4, >= 0xe0 => 3, >= 0xc0 => 2, _ => 1 };
            return length > back ? utf8.Length - back : utf8.Length;
        }
        return utf8.Length;
    }

    private readonly record struct OpenCall(int Probe, int ProcessId, int ThreadId, long Time);
}
