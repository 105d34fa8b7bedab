using System.Globalization;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Probing;

/// <summary>
/// The processes that this one depends on: itself and its ancestors (shell, terminal). While a thread of theirs waits in a
/// handler, what the tool prints may wait for them: a deadlock.
/// </summary>
internal sealed class Ancestry(string procDirectory = "/proc")
{
    /// <summary>Refuses to probe one of them.</summary>
    /// <exception cref="ToolException">One of the processes is this one or an ancestor.</exception>
    public void Refuse(IEnumerable<int> processIds)
    {
        var chain = Chain(Environment.ProcessId);
        foreach (var processId in processIds)
        {
            var distance = chain.IndexOf(processId);
            if (distance < 0)
                continue;
            var role = distance == 0 ? "this very command" : "an ancestor of this command (its shell or terminal)";
            throw new ToolException(
                $"process {processId}{Name(processId)} is {role}: probing it could stop both of them for ever",
                distance == 0 ? "give the id of another process" : "run uprobe from another terminal, or use --force if you know that it does not wait for uprobe's output");
        }
    }

    /// <summary>A process, its parent and so on, up to the first whose parent is outside of this pid namespace.</summary>
    public List<int> Chain(int processId)
    {
        var chain = new List<int>();
        while (processId > 0 && !chain.Contains(processId))
        {
            chain.Add(processId);
            processId = Parent(processId);
        }
        return chain;
    }

    private int Parent(int processId)
    {
        if (ReadStat(processId) is not { } stat)
            return 0;
        // pid (comm) state ppid ...: comm may hold blanks and parentheses, so count from the last one.
        var fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 1 && int.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var parent) ? parent : 0;
    }

    private string Name(int processId)
    {
        var stat = ReadStat(processId);
        var (open, close) = (stat?.IndexOf('(', StringComparison.Ordinal) ?? -1, stat?.LastIndexOf(')') ?? -1);
        return open >= 0 && close > open ? $" {stat![open..(close + 1)]}" : "";
    }

    private string? ReadStat(int processId)
    {
        try
        {
            return File.ReadAllText(Path.Combine(procDirectory, processId.ToString(CultureInfo.InvariantCulture), "stat"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // it ended, or /proc hides it: then the chain ends here
        }
    }
}
