using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Stacks;

namespace Uprobes.Tool.Commands;

/// <summary>Draws from where functions are called as a flame graph.</summary>
internal sealed class FlameCommand(ToolEnvironment environment, FlameRequest request)
    : CollectingCommand(environment, request.Probing, request.Query, request.Depth)
{
    private FileReplacement? _file;
    private ResultOutput? _output;

    /// <inheritdoc/>
    protected override void Prepare() => _file = request.Path is { } path ? FileReplacement.Of(path) : null;

    /// <inheritdoc/>
    protected override IArmedPrograms Arm(IProbeSession session, IReadOnlyList<PlannedProbe> probes, ResultOutput output)
    {
        _output = output;
        return base.Arm(session, probes, output);
    }

    /// <inheritdoc/>
    protected override RunEnd Observe(ProbeRun run) => WaitWithProgress(run);

    /// <inheritdoc/>
    protected override void FinishResults(IArmedPrograms armed)
    {
        var missing = TellLosses(armed);
        var results = Read(armed);
        if (results.Stacks.Any(s => s.Sum < 0))
            Status.Write("stacks whose sum is negative are left out: they have no width");
        var note = Note(results, missing);
        if (request.IsFolded)
        {
            FoldedStacks.Write(_output!.Buffer, results);
        }
        else
        {
            using var graph = new MemoryStream();
            using var work = Status.ShowWork("drawing");
            FlameGraph.Write(graph, results, request.Title, note, request.IsInverted);
            System.Buffers.BuffersExtensions.Write(_output!.Buffer, graph.GetBuffer().AsSpan(0, (int)graph.Length));
        }

        try
        {
            if (_file is null)
            {
                _output.Flush();
                return;
            }
            _file.Write(_output.Buffer.WrittenSpan);
            Status.Write($"{request.Path}: {note}");
        }
        catch (OutputClosedException)
        {
            Status.Write("the results were not read: the reader of the results has gone");
        }
        finally
        {
            _output.Buffer.ResetWrittenCount();
        }
    }

    private static string Note(StackResults results, long missing)
    {
        var seen = results.Stacks.Sum(s => s.Count);
        var stacks = Amount.Of(results.Stacks.Count, "stack");
        var value = results.Value is { } of ? $"; widths are {of}" : "";
        var part = (results.OneOf != 1 ? $", one of {results.OneOf} looked at" : "") + (missing > 0 ? $", the stacks of {missing} lost" : "");
        return $"{Amount.Of(results.Calls, "call")}{part}; {seen} in {stacks}{value}";
    }
}
