using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.Commands;

/// <summary>Counts the calls of some functions.</summary>
internal sealed class CountCommand(ToolEnvironment environment, CountRequest request)
    : AggregateCommand(environment, request.Probing, request.Interval, AggregateQueries.Count(request.Query))
{
    /// <inheritdoc/>
    protected override void WriteText(IArmedPrograms armed, ResultOutput output) =>
        CountTable.WriteText(output.Buffer, CountTable.Rows(armed, request.All), TextStyle.For(output));

    /// <inheritdoc/>
    protected override void WriteJson(IArmedPrograms armed, ResultOutput output) =>
        CountTable.WriteJson(output.Buffer, CountTable.Rows(armed, request.All));

    /// <inheritdoc/>
    protected override string Progress(IArmedPrograms armed)
    {
        var rows = CountTable.Rows(armed, all: false);
        return $"{Amount.Of(rows.Sum(r => r.Count), "call")} of {Amount.Of(rows.Count, "function")}";
    }
}
