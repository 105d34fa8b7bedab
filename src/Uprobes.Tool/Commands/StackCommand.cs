using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>Shows from where functions are called, the hottest stacks first.</summary>
internal sealed class StackCommand(ToolEnvironment environment, StackRequest request)
    : CollectingCommand(environment, request.Probing, request.Query, request.Depth)
{
    private ResultOutput? _output;
    private IArmedPrograms? _armed;
    private bool _written;

    /// <inheritdoc/>
    protected override IArmedPrograms Arm(IProbeSession session, IReadOnlyList<PlannedProbe> probes, ResultOutput output)
    {
        _output = output;
        return _armed = base.Arm(session, probes, output);
    }

    /// <inheritdoc/>
    protected override RunEnd Observe(ProbeRun run)
    {
        try
        {
            return request.Interval is { } every ? run.Wait(Request.Duration, every, () => Write(_armed!)) : WaitWithProgress(run);
        }
        catch (OutputClosedException)
        {
            return RunEnd.OutputEnded;
        }
    }

    /// <inheritdoc/>
    protected override void FinishResults(IArmedPrograms armed)
    {
        try
        {
            Write(armed);
            var missing = TellLosses(armed);
            if (missing == 0 || Request.Format != OutputFormat.Json)
                return;
            using var lines = new JsonLines();
            lines.WriteLost(_output!.Buffer, missing);
            _output.Flush();
        }
        catch (OutputClosedException)
        {
            Status.Write("the results were not read: the reader of the results has gone");
        }
    }

    private void Write(IArmedPrograms armed)
    {
        var results = Read(armed);
        if (Request.Format == OutputFormat.Json)
            StackListing.WriteJson(_output!.Buffer, results);
        else
        {
            if (_written)
                _output!.Buffer.WriteText("\n");
            new StackListing(_output!.Buffer, TextStyle.For(_output)).Write(results, request.Top);
        }
        _written = true;
        _output.Flush();
    }
}
