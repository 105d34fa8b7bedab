using System.Diagnostics;
using Uprobes.Tool.Events;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Recording;

namespace Uprobes.Tool.Commands;

/// <summary>Shows every call of some functions.</summary>
internal sealed class TraceCommand(ToolEnvironment environment, TraceRequest request) : ProbingCommand(environment, request.Probing, request.Query.Group)
{
    private const long NanosecondsPerSecond = 1_000_000_000;
    private ResultOutput? _output;
    private ICallFormatter? _formatter;
    private EventQueue? _queue;
    private CallAssembler? _calls;
    private CallPrinter? _printer;

    /// <inheritdoc/>
    protected override IArmedPrograms Arm(IProbeSession session, IReadOnlyList<PlannedProbe> probes, ResultOutput output)
    {
        var layout = new PayloadLayout(request.Format, request.Query.WithReturns, request.TextBytes);
        if ((long)layout.Size * request.BufferedEvents > Array.MaxLength)
            throw ToolException.Usage("the buffer is too large for calls with such strings", "take a smaller --buffer or --string-size");
        _output = output;
        _queue = new EventQueue(request.BufferedEvents, layout.Size);
        _calls = new CallAssembler(_queue, layout, request.Query, probes.Count, request.Limit);
        var armed = session.Run(Group, probes, _calls);
        _formatter = request.Probing.Format switch
        {
            OutputFormat.Json => new JsonCallFormatter(probes, layout, request.Query.WithReturns),
            OutputFormat.Perfetto => new PerfettoCallFormatter(probes, layout, request.Query.WithReturns),
            _ => new TextCallFormatter(probes, layout, request.Query.WithReturns, Now(), TextStyle.For(output)),
        };
        _printer = new CallPrinter(
            _queue, layout.Size, _formatter, output, request.Limit, PrinterEnded, () => Lost(armed.Losses), lost => Events.Post(new RunEvent.Lost(lost)));
        return armed;
    }

    /// <inheritdoc/>
    protected override RunEnd Observe(ProbeRun run)
    {
        _printer!.Start();
        return run.Wait(request.Probing.Duration, interval: null, tick: static () => { });
    }

    /// <inheritdoc/>
    protected override void FinishResults(IArmedPrograms armed)
    {
        _queue!.Complete();
        _printer!.Join();
        if (_printer.Failure is { } failure)
            throw failure;
        if (_calls!.Failure is { } broken)
            throw new ToolException($"reading calls failed and ended early: {broken.Message}", "the results are not complete", inner: broken);
        var lostReturns = armed.Losses.Returns;
        if (lostReturns > 0)
        {
            Status.Write($"{lostReturns} calls are missing: their return could not be followed");
            if (_formatter!.WriteLost(_output!.Buffer, lostReturns))
                _output.Flush();
        }
        if (_formatter is PerfettoCallFormatter recorded)
            FinishRecording(recorded);
    }

    private void FinishRecording(PerfettoCallFormatter recorded)
    {
        recorded.WriteBeginning(_output!.Buffer);
        _output.Flush();
        Status.Write($"{Amount.Of(recorded.Calls, "call")} of {Amount.Of(recorded.Threads, "thread")} are in {request.Probing.OutputPath ?? "the output"}: open it at https://ui.perfetto.dev");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _queue?.Dispose();
            (_formatter as IDisposable)?.Dispose();
        }
        base.Dispose(disposing);
    }

    private long Lost(QueryLosses losses) => _queue!.Dropped + _calls!.Lost + losses.Missing - losses.Returns;

    private void PrinterEnded(PrinterEnd end) =>
        Events.Post(end == PrinterEnd.LimitReached ? new RunEvent.LimitReached() : new RunEvent.OutputEnded());

    // .NET's stopwatch reads CLOCK_MONOTONIC, the clock of the hits.
    private static long Now() => Stopwatch.GetTimestamp() * (NanosecondsPerSecond / Stopwatch.Frequency);
}
