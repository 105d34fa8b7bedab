using System.Diagnostics;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.Commands;

/// <summary>What top is asked for.</summary>
/// <param name="Probing">Where and how.</param>
/// <param name="Query">Which calls count.</param>
internal sealed record TopRequest(ProbingRequest Probing, CallQuery Query)
{
    /// <summary>How often the table is made anew.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How many functions are shown.</summary>
    public int Rows { get; init; } = 20;

    /// <summary>What comes first.</summary>
    public TopOrder Order { get; init; }
}

/// <summary>Shows what functions are doing now, in a table that is made anew each second.</summary>
internal sealed class TopCommand(ToolEnvironment environment, TopRequest request)
    : AggregateCommand(environment, request.Probing, request.Interval, AggregateQueries.Latency(request.Query, steps: null))
{
    private readonly TopMeter _meter = new();
    private long _start, _last;
    private long? _end;
    private ResultOutput? _output;
    private volatile LiveScreen? _screen;

    /// <inheritdoc/>
    protected override IArmedPrograms Arm(IProbeSession session, IReadOnlyList<PlannedProbe> probes, ResultOutput output)
    {
        _output = output;
        var armed = base.Arm(session, probes, output);
        _start = _last = Stopwatch.GetTimestamp();
        return armed;
    }

    /// <inheritdoc/>
    protected override RunEnd Observe(ProbeRun run)
    {
        // A started command writes to the same terminal, and reads from it.
        if (_output is not { } output || !LiveScreen.Suits(output) || StartsCommand || Request.Format == OutputFormat.Json)
            return ObserveToTheEnd(run);
        WatchKeys();
        return ObserveOnScreen(run, output);
    }

    private RunEnd ObserveOnScreen(ProbeRun run, ResultOutput output)
    {
        using var held = Status.Hold();
        using var screen = _screen = new LiveScreen(output);
        try
        {
            return screen.Run(() => ObserveToTheEnd(run));
        }
        finally
        {
            _screen = null; // What is found at the end stays on the terminal.
        }
    }

    /// <summary>The time that taking probes out takes is none in which calls were counted.</summary>
    private RunEnd ObserveToTheEnd(ProbeRun run)
    {
        var end = base.Observe(run);
        _end = Stopwatch.GetTimestamp();
        return end;
    }

    /// <inheritdoc/>
    protected override bool DrawsOver => _screen is not null;

    /// <inheritdoc/>
    protected override void LeaveScreen() => _screen?.Dispose();

    private long Now => _end ?? Stopwatch.GetTimestamp();

    /// <inheritdoc/>
    protected override void WriteText(IArmedPrograms armed, ResultOutput output)
    {
        var (rows, seconds) = Look(armed);
        var elapsed = Stopwatch.GetElapsedTime(_start, Now);
        if (_screen is { } screen)
        {
            var most = TopTable.Sorted(rows, request.Order, Math.Min(request.Rows, screen.Rows - TopTable.HeadLines));
            screen.Show(TopTable.Screen(rows, most, seconds, elapsed, screen.Width, TextStyle.Heading));
            return;
        }
        foreach (var line in TopTable.Lines(rows, TopTable.Sorted(rows, request.Order, request.Rows), seconds, elapsed))
        {
            output.Buffer.WriteText(line);
            output.Buffer.WriteText("\n");
        }
    }

    /// <inheritdoc/>
    protected override void WriteJson(IArmedPrograms armed, ResultOutput output)
    {
        var (rows, seconds) = Look(armed);
        TopTable.WriteJson(output.Buffer, TopTable.Sorted(rows, request.Order, int.MaxValue), seconds, Stopwatch.GetElapsedTime(_start, Now));
    }

    /// <inheritdoc/>
    protected override string Progress(IArmedPrograms armed) => "";

    private (IReadOnlyList<TopRow> Rows, double Seconds) Look(IArmedPrograms armed)
    {
        var now = Now;
        var seconds = Math.Max(1e-3, Stopwatch.GetElapsedTime(_last, now).TotalSeconds);
        _last = now;
        return (_meter.Look(armed), seconds);
    }

    /// <summary>q ends as Ctrl-C does. The thread waits for a key for as long as this program runs.</summary>
    private void WatchKeys()
    {
        if (Console.IsInputRedirected)
            return;
        var keys = new Thread(() =>
        {
            try
            {
                while (Console.ReadKey(intercept: true).KeyChar is not ('q' or 'Q'))
                {
                }
            }
            catch (Exception e) when (e is IOException or InvalidOperationException)
            {
                return; // The terminal has gone, and what it has to say comes as a signal.
            }
            Events.Post(new RunEvent.Interrupted());
        })
        { IsBackground = true, Name = "uprobe keys" };
        keys.Start();
    }
}
