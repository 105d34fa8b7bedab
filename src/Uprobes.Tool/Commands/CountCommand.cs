using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>Counts the calls of some functions.</summary>
internal sealed class CountCommand(ToolEnvironment environment, CountRequest request) : ProbingCommand(environment, request.Probing)
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);
    private ResultOutput? _output;
    private ArmedProbes? _armed;

    /// <inheritdoc/>
    protected override ArmedProbes Arm(IProbeSession session, IReadOnlyList<PlannedProbe> probes, ResultOutput output)
    {
        _output = output;
        return _armed = session.Count(probes);
    }

    /// <inheritdoc/>
    protected override RunEnd Observe(ProbeRun run)
    {
        try
        {
            if (request.Interval is { } interval)
                return run.Wait(request.Probing.Duration, interval, () => Write(_armed!));
            // A started command writes to the same terminal: a live line would stand in its output.
            if (Status.CanShowProgress && !StartsCommand)
                return run.Wait(request.Probing.Duration, ProgressInterval, ShowProgress);
            return run.Wait(request.Probing.Duration, interval: null, tick: static () => { });
        }
        catch (OutputClosedException)
        {
            return RunEnd.OutputEnded;
        }
        finally
        {
            Status.EndProgress();
        }
    }

    /// <inheritdoc/>
    protected override void StopRecording()
    {
        // Counts go on until the probes are removed: what was counted is what was hit.
    }

    /// <inheritdoc/>
    protected override void FinishResults(ArmedProbes armed)
    {
        try
        {
            Write(armed);
        }
        catch (OutputClosedException)
        {
            Status.Write("the counts were not read: the reader of the results has gone");
        }
    }

    private void Write(ArmedProbes armed)
    {
        var rows = CountTable.Rows(armed, request.All);
        if (request.Probing.Format == OutputFormat.Json)
            CountTable.WriteJson(_output!.Buffer, rows);
        else
            CountTable.WriteText(_output!.Buffer, rows, TextStyle.For(_output));
        _output.Flush();
    }

    private void ShowProgress()
    {
        long calls = 0;
        var functions = 0;
        foreach (var (_, armed) in _armed!.Armed)
        {
            var hits = armed.Hits;
            calls += hits;
            functions += hits > 0 ? 1 : 0;
        }
        Status.ShowProgress($"{calls} calls of {functions} functions");
    }
}
