using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>Shows how values of calls, or their durations, are distributed, for each function by itself.</summary>
internal sealed class DistributionCommand(ToolEnvironment environment, DistributionRequest request)
    : AggregateCommand(environment, request.Probing, request.Interval, request.Group)
{
    /// <inheritdoc/>
    protected override void WriteText(IArmedPrograms armed, ResultOutput output) =>
        new DistributionText(output.Buffer, request.Value, TextStyle.For(output)).Write(Read(armed), request.Top);

    /// <inheritdoc/>
    protected override void WriteJson(IArmedPrograms armed, ResultOutput output) =>
        DistributionJson.Write(output.Buffer, Read(armed), request.Value);

    /// <inheritdoc/>
    protected override string Progress(IArmedPrograms armed)
    {
        var found = Read(armed);
        return $"{Amount.Of(found.Sum(d => d.Count), "call")} of {Amount.Of(found.Count, "function")}";
    }

    /// <summary>What takes the most time comes first, or what is called most.</summary>
    private IReadOnlyList<Distribution> Read(IArmedPrograms armed) =>
        Distribution.Read(armed, request.Value is DistributionValue.Durations ? d => d.Statistics.Sum : d => d.Count);
}
