using Uprobes.Programs;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.Commands;

/// <summary>What the commands share whose results are in maps: they are read at the end, and at intervals on request.</summary>
internal abstract class AggregateCommand(ToolEnvironment environment, ProbingRequest request, TimeSpan? interval, ProgramGroup group)
    : ProbingCommand(environment, request, group)
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);
    private ResultOutput? _output;
    private IArmedPrograms? _armed;
    private bool _written;

    /// <inheritdoc/>
    protected override IArmedPrograms Arm(IProbeSession session, IReadOnlyList<PlannedProbe> probes, ResultOutput output)
    {
        _output = output;
        return _armed = session.Run(AggregateQueries.Fitted(Group, probes.Count), probes, null);
    }

    /// <inheritdoc/>
    protected override RunEnd Observe(ProbeRun run)
    {
        try
        {
            if (interval is { } every)
                return run.Wait(Request.Duration, every, () => Write(_armed!));
            // A started command writes to the same terminal: a live line would stand in its output.
            if (Status.CanShowProgress && !StartsCommand)
                return run.Wait(Request.Duration, ProgressInterval, () => Status.ShowProgress(Progress(_armed!)));
            return run.Wait(Request.Duration, interval: null, tick: static () => { });
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
    protected override void FinishResults(IArmedPrograms armed)
    {
        try
        {
            Write(armed);
            TellLosses(armed.Losses);
        }
        catch (OutputClosedException)
        {
            Status.Write("the results were not read: the reader of the results has gone");
        }
    }

    /// <summary>Whether results stand in place of the former ones now, not below them.</summary>
    protected virtual bool DrawsOver => false;

    /// <summary>Writes what was found so far as text.</summary>
    protected abstract void WriteText(IArmedPrograms armed, ResultOutput output);

    /// <summary>The same as JSON.</summary>
    protected abstract void WriteJson(IArmedPrograms armed, ResultOutput output);

    /// <summary>What was found so far in one line.</summary>
    protected abstract string Progress(IArmedPrograms armed);

    private void Write(IArmedPrograms armed)
    {
        if (Request.Format == OutputFormat.Json)
            WriteJson(armed, _output!);
        else
        {
            if (_written && !DrawsOver)
                _output!.Buffer.WriteText("\n");
            WriteText(armed, _output!);
        }
        _written |= !DrawsOver;
        _output!.Flush();
    }

    private void TellLosses(QueryLosses losses)
    {
        if (losses.FailedReads > 0)
            Status.Write($"{Amount.Of(losses.FailedReads, "read")} of memory that was not there: the value was taken for 0");
        if (losses.Missing <= 0)
            return;
        Status.Write(losses.Returns == losses.Missing
            ? $"{Amount.Of(losses.Returns, "call")} missing: the return could not be followed"
            : $"lost {Amount.Of(losses.Missing, "call")}: of more threads than there is room for, or whose return could not be followed");
        if (Request.Format != OutputFormat.Json)
            return;
        using var lines = new JsonLines();
        lines.WriteLost(_output!.Buffer, losses.Missing);
        _output.Flush();
    }
}
