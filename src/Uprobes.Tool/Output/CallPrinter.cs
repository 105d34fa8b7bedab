using Uprobes.Tool.Events;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Output;

/// <summary>How a printer came to its end before the queue did.</summary>
internal enum PrinterEnd
{
    /// <summary>As many calls as asked for were printed.</summary>
    LimitReached,

    /// <summary>The reader of the results has gone.</summary>
    OutputClosed,

    /// <summary>The results cannot be written: <see cref="CallPrinter.Failure"/>.</summary>
    OutputFailed,
}

/// <summary>
/// The one thread that formats and writes calls. It may wait for a terminal or a pipe as long as it likes: the probed
/// threads do not wait for it, they only fill the queue.
/// </summary>
internal sealed class CallPrinter
{
    private static readonly TimeSpan LossInterval = TimeSpan.FromSeconds(1);
    private readonly EventQueue _queue;
    private readonly ICallFormatter _formatter;
    private readonly ResultOutput _output;
    private readonly Action<PrinterEnd> _ended;
    private readonly Func<long> _lostSoFar;
    private readonly Action<long> _lost;
    private readonly byte[] _payload;
    private readonly Thread _thread;
    private long _remaining;
    private long _reportedLosses;
    private long _nextLossReport = Environment.TickCount64;

    /// <summary>A printer; <see cref="Start"/> starts its thread.</summary>
    /// <param name="queue">Where calls come from.</param>
    /// <param name="payloadSize">The size of a payload.</param>
    /// <param name="formatter">How they are written.</param>
    /// <param name="output">Where to. Owned by the printer's thread until <see cref="Join"/> returns.</param>
    /// <param name="limit">How many calls to print.</param>
    /// <param name="ended">Called on the printer's thread when it stops for a reason of its own.</param>
    /// <param name="lostSoFar">How many calls were lost so far; any thread may ask.</param>
    /// <param name="lost">Called on the printer's thread with the number of calls newly lost, where the format has no place for it.</param>
    public CallPrinter(
        EventQueue queue, int payloadSize, ICallFormatter formatter, ResultOutput output, long limit, Action<PrinterEnd> ended, Func<long> lostSoFar, Action<long> lost)
    {
        _queue = queue;
        _formatter = formatter;
        _output = output;
        _remaining = limit;
        _ended = ended;
        _lostSoFar = lostSoFar;
        _lost = lost;
        _payload = new byte[payloadSize];
        _thread = new Thread(Run) { Name = "printer", IsBackground = true };
    }

    /// <summary>Why results could not be written, or null.</summary>
    public ToolException? Failure { get; private set; }

    /// <summary>Starts printing.</summary>
    public void Start() => _thread.Start();

    /// <summary>Waits until everything in the completed queue has been written.</summary>
    public void Join() => _thread.Join();

    private void Run()
    {
        try
        {
            while (_remaining > 0)
            {
                var completed = _queue.IsCompleted; // read first: what came before completion is printed
                Drain();
                if (_remaining > 0) // What was lost behind the calls that were asked for is no loss.
                    ReportLosses(atEnd: completed);
                _output.Flush();
                if (completed)
                    return;
                if (_remaining > 0)
                    _queue.Wait(LossInterval);
            }
            _ended(PrinterEnd.LimitReached);
        }
        catch (OutputClosedException)
        {
            _ended(PrinterEnd.OutputClosed);
        }
        catch (ToolException e)
        {
            Failure = e;
            _ended(PrinterEnd.OutputFailed);
        }
    }

    private void Drain()
    {
        while (_remaining > 0 && _queue.TryDequeue(out var record, _payload))
        {
            _formatter.Write(_output.Buffer, record, _payload);
            _output.FlushIfLarge();
            _remaining--;
        }
    }

    private void ReportLosses(bool atEnd)
    {
        var now = Environment.TickCount64;
        if (!atEnd && now < _nextLossReport)
            return;
        var lost = _lostSoFar() - _reportedLosses;
        if (lost <= 0)
            return;
        _reportedLosses += lost;
        _nextLossReport = now + (long)LossInterval.TotalMilliseconds;
        if (!_formatter.WriteLost(_output.Buffer, lost))
            _lost(lost);
    }
}
