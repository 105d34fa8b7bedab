using Uprobes.Registry;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>Tells which probes cannot be and why: grouped by reason, or one by one.</summary>
internal static class RefusalReport
{
    private const int ShownNames = 3;

    /// <summary>
    /// Tells about refusals. When a probe that was asked for by name is among them, or none is left, that is an error.
    /// </summary>
    /// <param name="status">Where to tell.</param>
    /// <param name="refused">The refused probes.</param>
    /// <param name="total">How many were asked for.</param>
    /// <param name="verbose">Whether every probe of a pattern is told.</param>
    /// <returns>Whether the run can go on.</returns>
    public static bool Tell(StatusLines status, IReadOnlyList<RefusedProbe> refused, int total, bool verbose)
    {
        if (refused.Count == 0)
            return true;
        if (refused.Count == total && refused.All(r => r.Reason == ReasonText.Of(ProbeRefusalReason.SessionEnded)))
        {
            status.WriteError("the process ended before the probes were in place", "to see all of a program, start it with the probes: -c 'PROGRAM ARGUMENT...'");
            return false;
        }
        foreach (var named in refused.Where(r => r.Probe.IsNamed))
            status.WriteError($"cannot probe {named.Probe.Function}: {named.Detail}", named.Hint);
        var others = refused.Where(r => !r.Probe.IsNamed).ToList();
        if (others.Count > 0)
            TellOfPatterns(status, others, total, verbose);
        if (refused.Count == total && others.Count > 0)
            status.WriteError("none of the functions can be probed", null);
        return refused.Count < total && others.Count == refused.Count;
    }

    private static void TellOfPatterns(StatusLines status, List<RefusedProbe> refused, int total, bool verbose)
    {
        status.Write($"{refused.Count} of {total} functions cannot be probed:");
        foreach (var group in refused.GroupBy(r => r.Reason).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal))
        {
            var names = string.Join(", ", group.Take(ShownNames).Select(r => r.Probe.Function));
            status.Write($"  {group.Count()}  {group.Key} ({names}{(group.Count() > ShownNames ? ", ..." : "")})");
            if (!verbose)
                continue;
            foreach (var one in group)
                status.Write($"     {one.Probe.Function}: {one.Detail}");
        }
        if (!verbose)
            status.Write("  (-v tells all of them)");
    }
}
