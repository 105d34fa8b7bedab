namespace Uprobes.Tool.Events;

/// <summary>
/// Turns hits into records while the thread that hit the probe waits: reads arguments and strings and puts them into the
/// queue, nothing else. Called on the session's tracer thread only. Stops by itself after a given number of calls.
/// </summary>
internal sealed class CallRecorder(EventQueue queue, PayloadLayout layout, long limit = long.MaxValue)
{
    private readonly byte[] _scratch = new byte[layout.Size];
    private readonly Stack<PendingCall> _spare = new();
    private long _remaining = limit;
    private volatile bool _stopped;

    /// <summary>Ignores hits from now on. Any thread.</summary>
    public void Stop() => _stopped = true;

    /// <summary>Records a call at its entry.</summary>
    public void Record<THit>(int probe, THit hit) where THit : struct, IHit
    {
        if (_stopped || _remaining == 0)
            return;
        CaptureArguments(hit, _scratch);
        Enqueue(new CallRecord(probe, hit.ProcessId, hit.ThreadId, hit.TimeNanoseconds), _scratch);
    }

    /// <summary>Keeps what is known at a call's entry until its return. Returns null when the return is not wanted.</summary>
    public object? Begin<THit>(THit hit) where THit : struct, IHit
    {
        if (_stopped || _remaining == 0)
            return null;
        // Calls that never return (longjmp, exit, end of the thread) do not come back here; they are garbage then.
        if (!_spare.TryPop(out var pending))
            pending = new PendingCall(layout.Size);
        CaptureArguments(hit, pending.Payload);
        return pending;
    }

    /// <summary>Records a call at its return; <paramref name="state"/> is what <see cref="Begin"/> gave.</summary>
    public void End<TReturn>(int probe, TReturn hit, object? state) where TReturn : struct, IReturn
    {
        if (state is not PendingCall pending)
            return;
        if (!_stopped && _remaining != 0)
        {
            if (layout.HasText(layout.ResultIndex))
                CaptureText(hit, pending.Payload, layout.ResultIndex, hit.Result);
            var duration = hit.TimeNanoseconds - hit.EntryTimeNanoseconds;
            Enqueue(new CallRecord(probe, hit.ProcessId, hit.ThreadId, hit.EntryTimeNanoseconds, duration, hit.Result), pending.Payload);
        }
        _spare.Push(pending);
    }

    private void Enqueue(in CallRecord record, ReadOnlySpan<byte> payload)
    {
        if (queue.TryEnqueue(record, payload))
            _remaining--;
    }

    private void CaptureArguments<THit>(THit hit, Span<byte> payload) where THit : struct, IHit
    {
        for (var i = 0; i < layout.Format.Arguments.Count; i++)
        {
            var value = hit.Argument(i);
            PayloadLayout.SetArgument(payload, i, value);
            if (layout.HasText(i))
                CaptureText(hit, payload, i, value);
        }
    }

    private void CaptureText<THit>(THit hit, Span<byte> payload, int index, ulong address) where THit : struct, IHit
    {
        if (address == 0)
        {
            layout.SetText(payload, index, TextState.Null, 0);
            return;
        }
        var buffer = layout.TextBuffer(payload, index);
        var read = hit.Read(address, buffer);
        if (read <= 0)
        {
            layout.SetText(payload, index, TextState.Unreadable, 0);
            return;
        }
        var end = buffer[..read].IndexOf((byte)0);
        if (end >= 0)
            layout.SetText(payload, index, TextState.Whole, end);
        else
            layout.SetText(payload, index, TextState.Shortened, WholeCharacters(buffer[..read]));
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

    private sealed class PendingCall(int payloadSize)
    {
        public byte[] Payload { get; } = new byte[payloadSize];
    }
}
