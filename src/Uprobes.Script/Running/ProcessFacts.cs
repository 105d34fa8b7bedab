using System.Globalization;
using System.Text;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Script.Running;

/// <summary>What the system tells of users and processors.</summary>
internal sealed class ProcessFacts
{
    private readonly Dictionary<long, string> _users = [];

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
