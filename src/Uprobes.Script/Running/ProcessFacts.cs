using System.Globalization;
using System.Text;

namespace Uprobes.Script.Running;

/// <summary>What /proc tells of processes: users, parents and names. Users and parents are asked for once a process.</summary>
internal sealed class ProcessFacts
{
    private const int MostProcesses = 4096;
    private readonly Dictionary<int, ProcessFact> _known = [];

    /// <summary>User, group and parent; zeros of a process that is gone.</summary>
    internal ProcessFact Of(int processId)
    {
        if (_known.TryGetValue(processId, out ProcessFact known))
            return known;
        if (_known.Count >= MostProcesses)
            _known.Clear();
        string[] lines = Lines(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/status"));
        ProcessFact fact = new(Field(lines, "Uid:", 0), Field(lines, "Gid:", 0), (int)Field(lines, "PPid:", 0));
        _known.Add(processId, fact);
        return fact;
    }

    /// <summary>A process's name; empty of one that is gone.</summary>
    internal static string NameOf(int processId) => string.Concat(Lines(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/comm")).Take(1));

    /// <summary>A user's name from /etc/passwd; the number where it is not there.</summary>
    internal static string UserNameOf(long userId)
    {
        string number = userId.ToString(CultureInfo.InvariantCulture);
        foreach (string line in Lines("/etc/passwd"))
        {
            if (line.Split(':') is [var name, _, var id, ..] && id == number)
                return name;
        }

        return number;
    }

    /// <summary>The memory node of a processor; 0 where that is not known.</summary>
    internal static int NodeOf(int processor)
    {
        string directory = string.Create(CultureInfo.InvariantCulture, $"/sys/devices/system/cpu/cpu{processor}");
        string? node = Directory.Exists(directory) ? Directory.EnumerateDirectories(directory, "node*").FirstOrDefault() : null;
        return int.TryParse(Path.GetFileName(node)?[4..], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
    }

    /// <summary>The number at a place of a line: of several user ids the first is the real one.</summary>
    private static long Field(string[] lines, string label, int index)
    {
        string? line = Array.Find(lines, candidate => candidate.StartsWith(label, StringComparison.Ordinal));
        string[] parts = line?[label.Length..].Split('\t', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return index < parts.Length && long.TryParse(parts[index].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : 0;
    }

    private static string[] Lines(string path)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(path)).Split('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}

/// <summary>Who a process belongs to.</summary>
internal readonly record struct ProcessFact(long UserId, long GroupId, int ParentId);
