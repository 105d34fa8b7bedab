using System.Globalization;

namespace Uprobes.LiveTests.Kit;

/// <summary>What of a process must be the same before and after it was probed, as /proc shows it.</summary>
public sealed record ProcessSnapshot
{
    /// <summary>The lines of /proc/PID/maps. The heap and the main stack grow by themselves; their sizes are left out.</summary>
    public required IReadOnlyList<string> Mappings { get; init; }

    /// <summary>Open descriptors with what they name, as <c>3 -> /etc/passwd</c>.</summary>
    public required IReadOnlyList<string> Descriptors { get; init; }

    public required int Threads { get; init; }

    /// <summary>The process id of the tracer; 0 for none.</summary>
    public required int TracerPid { get; init; }

    /// <summary>The letter of the state: R, S, D, T (stopped), t (stopped by a tracer), Z.</summary>
    public required char State { get; init; }

    /// <summary>Signals with a handler, blocked by the main thread, ignored: the masks as hexadecimal numbers.</summary>
    public required string Caught { get; init; }
    public required string Blocked { get; init; }
    public required string Ignored { get; init; }

    public static ProcessSnapshot Take(int pid)
    {
        Dictionary<string, string> status = Status(pid);
        return new()
        {
            Mappings = [.. File.ReadAllLines($"/proc/{pid}/maps").Select(WithoutGrowth)],
            Descriptors = [.. DescriptorsOf($"/proc/{pid}/fd")],
            Threads = int.Parse(status["Threads"], CultureInfo.InvariantCulture),
            TracerPid = int.Parse(status["TracerPid"], CultureInfo.InvariantCulture),
            State = status["State"][0],
            Caught = status["SigCgt"],
            Blocked = status["SigBlk"],
            Ignored = status["SigIgn"],
        };
    }

    /// <summary>What differs from an earlier snapshot, a line each; empty where nothing does. The running state is not compared.</summary>
    public IReadOnlyList<string> DifferencesFrom(ProcessSnapshot before)
    {
        List<string> differences = [];
        differences.AddRange(before.Mappings.Except(Mappings).Select(m => $"mapping gone: {m}"));
        differences.AddRange(Mappings.Except(before.Mappings).Select(m => $"mapping new: {m}"));
        differences.AddRange(before.Descriptors.Except(Descriptors).Select(d => $"descriptor gone: {d}"));
        differences.AddRange(Descriptors.Except(before.Descriptors).Select(d => $"descriptor new: {d}"));
        Compare("threads", before.Threads, Threads);
        Compare("tracer", before.TracerPid, TracerPid);
        Compare("caught signals", before.Caught, Caught);
        Compare("blocked signals", before.Blocked, Blocked);
        Compare("ignored signals", before.Ignored, Ignored);
        return differences;

        void Compare<T>(string what, T old, T now)
        {
            if (!Equals(old, now))
                differences.Add($"{what}: {old} before, {now} now");
        }
    }

    /// <summary>A sentence on how the process is, for messages: its state and its tracer.</summary>
    public static string StateOf(int pid)
    {
        try
        {
            Dictionary<string, string> status = Status(pid);
            return $"its state is {status["State"]}, tracer {status["TracerPid"]}";
        }
        catch (IOException)
        {
            return "it is gone";
        }
    }

    /// <summary>The fields of /proc/PID/status by name.</summary>
    public static Dictionary<string, string> Status(int pid) =>
        File.ReadAllLines($"/proc/{pid}/status").Select(line => line.Split(':', 2))
            .Where(field => field.Length == 2).ToDictionary(field => field[0], field => field[1].Trim());

    /// <summary>The processes whose parent a process is now.</summary>
    public static IReadOnlyList<int> ChildrenOf(int parent)
    {
        List<int> children = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(System.IO.Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
                continue;
            try
            {
                if (Status(pid)["PPid"] == parent.ToString(CultureInfo.InvariantCulture))
                    children.Add(pid);
            }
            catch (IOException)
            {
                continue; // ended meanwhile
            }
        }

        return children;
    }

    internal static IEnumerable<string> DescriptorsOf(string folder)
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal))
        {
            // Null: the descriptor of this very enumeration, closed by now.
            if (new FileInfo(entry).LinkTarget is { } target && !target.EndsWith("/fd", StringComparison.Ordinal))
                yield return $"{System.IO.Path.GetFileName(entry)} -> {target}";
        }
    }

    private static string WithoutGrowth(string line)
    {
        if (line.EndsWith("[heap]", StringComparison.Ordinal))
            return "[heap] from " + line[..line.IndexOf('-', StringComparison.Ordinal)];
        return line.EndsWith("[stack]", StringComparison.Ordinal)
            ? "[stack] to " + line[(line.IndexOf('-', StringComparison.Ordinal) + 1)..line.IndexOf(' ', StringComparison.Ordinal)]
            : line;
    }
}
