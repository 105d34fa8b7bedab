using System.Globalization;
using System.Text;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Script.Running;

/// <summary>What the system tells of processes and users. Users and parents are asked for once a process.</summary>
internal sealed class ProcessFacts
{
    private const int MostProcesses = 4096;
    private readonly Dictionary<int, ProcessFact> _known = [];
    private readonly Dictionary<long, string> _users = [];

    /// <summary>User, group and parent; zeros of a process that is gone.</summary>
    internal ProcessFact Of(int processId)
    {
        if (_known.TryGetValue(processId, out ProcessFact known))
            return known;
        if (_known.Count >= MostProcesses)
            _known.Clear();
        ThreadStatus? status = ThreadStatus.TryRead(processId);
        ProcessFact fact = new(status?.UserId ?? 0, status?.GroupId ?? 0, status?.ParentId ?? 0);
        _known.Add(processId, fact);
        return fact;
    }

    /// <summary>A user's name from /etc/passwd; the number where it is not there.</summary>
    internal string UserNameOf(long userId)
    {
        if (!_users.TryGetValue(userId, out string? name))
            _users.Add(userId, name = ReadUserName(userId));
        return name;
    }

    private static string ReadUserName(long userId)
    {
        string number = userId.ToString(CultureInfo.InvariantCulture);
        foreach (string line in Encoding.UTF8.GetString(ProcFile.ReadAll("/etc/passwd") ?? []).Split('\n'))
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
}

/// <summary>Who a process belongs to.</summary>
internal readonly record struct ProcessFact(long UserId, long GroupId, int ParentId);
