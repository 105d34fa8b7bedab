using System.Globalization;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Output;

/// <summary>Writes plans: file offset, tactic, number of displaced bytes, name, and the reason where there is none; then how many there are of each.</summary>
internal sealed class PlanListing(ResultOutput output, OutputFormat format, bool nameImages) : IDisposable
{
    private const int OffsetWidth = 10, TacticWidth = 11, CountWidth = 3;
    private readonly JsonLines _lines = new();
    private readonly Dictionary<string, int> _tactics = [];
    private readonly Dictionary<string, int> _reasons = [];
    private int _functions;

    /// <summary>Writes the plans of one image, by offset; several names of one function count once.</summary>
    public void Write(IFunctionSource image, IReadOnlyList<FunctionPlan> plans)
    {
        ulong? last = null;
        foreach (var plan in plans)
        {
            if (format == OutputFormat.Json)
                WriteJson(image, plan);
            else
                WriteText(image, plan);
            if (plan.Function.Offset != last)
                Count(plan);
            last = plan.Function.Offset;
            output.FlushIfLarge();
        }
    }

    /// <summary>Writes the sums.</summary>
    public void WriteSummary()
    {
        if (format == OutputFormat.Json)
            WriteJsonSummary();
        else
            output.Buffer.WriteText($"{SummaryText()}\n");
    }

    /// <inheritdoc/>
    public void Dispose() => _lines.Dispose();

    private void Count(FunctionPlan plan)
    {
        _functions++;
        _tactics[plan.Tactic] = _tactics.GetValueOrDefault(plan.Tactic) + 1;
        if (plan.Reason is { } reason)
            _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;
    }

    private void WriteText(IFunctionSource image, FunctionPlan plan)
    {
        output.Buffer.WriteText($"0x{plan.Function.Offset:x}".PadLeft(OffsetWidth));
        output.Buffer.WriteText($"  {plan.Tactic.PadRight(TacticWidth)} ");
        output.Buffer.WriteText((plan.Displaced.Count == 0 ? "-" : plan.Displaced.Count.ToString(CultureInfo.InvariantCulture)).PadLeft(CountWidth));
        output.Buffer.WriteText("  ");
        Escaping.WriteText(output.Buffer, nameImages ? $"{image.Path}:{plan.Function.Name}" : plan.Function.Name);
        output.Buffer.WriteText(plan.Explanation is { } explanation ? $"  ({explanation})\n" : "\n");
    }

    private void WriteJson(IFunctionSource image, FunctionPlan plan)
    {
        var writer = _lines.Begin("plan");
        writer.WriteText("image", image.Path);
        writer.WriteText("function", plan.Function.Name);
        writer.WriteNumber("offset", plan.Function.Offset);
        writer.WriteText("tactic", plan.Tactic);
        writer.WriteText("displaced", Convert.ToHexStringLower([.. plan.Displaced]));
        if (plan.Reason is { } reason)
        {
            writer.WriteText("reason", reason);
            writer.WriteText("explanation", plan.Explanation ?? reason);
        }

        _lines.End(output.Buffer);
    }

    private void WriteJsonSummary()
    {
        var writer = _lines.Begin("coverage");
        writer.WriteNumber("functions", _functions);
        foreach (var tactic in FunctionPlan.Tactics)
            writer.WriteNumber(tactic, _tactics.GetValueOrDefault(tactic));
        _lines.End(output.Buffer);
    }

    private string SummaryText()
    {
        var tactics = string.Join(", ", FunctionPlan.Tactics.Select(tactic => $"{_tactics.GetValueOrDefault(tactic)} {tactic}"));
        var reasons = string.Join(", ", _reasons.OrderByDescending(r => r.Value).ThenBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Value} {r.Key}"));
        var trap = _tactics.GetValueOrDefault(FunctionPlan.Trap);
        // Rounded down: 100.0 % means all.
        var percent = Math.Floor(1000.0 * (_functions - trap) / Math.Max(_functions, 1)) / 10;
        return string.Create(CultureInfo.InvariantCulture,
            $"{_functions} function{(_functions == 1 ? "" : "s")}: {tactics}{(reasons.Length > 0 ? $" ({reasons})" : "")}; {percent:0.0} % inline");
    }
}
