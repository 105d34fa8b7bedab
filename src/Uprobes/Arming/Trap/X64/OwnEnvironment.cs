using System.Collections;
using System.Text;

namespace Uprobes.Arming.Trap.X64;

/// <summary>
/// This process's environment as a child should inherit it: byte for byte and in the order in which we got it, with
/// what Environment.SetEnvironmentVariable has changed since.
/// </summary>
internal static class OwnEnvironment
{
    /// <summary>The entries, <c>NAME=value</c> without the final NUL.</summary>
    internal static IReadOnlyList<byte[]> Read()
    {
        var current = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            current[(string)variable.Key] = (string?)variable.Value ?? "";
        return Merge(File.ReadAllBytes("/proc/self/environ"), current);
    }

    /// <summary>Brings an initial environment up to date.</summary>
    /// <param name="initial">The entries, each ended by a NUL, as /proc/PID/environ has them.</param>
    /// <param name="current">What the runtime says the variables are now.</param>
    internal static IReadOnlyList<byte[]> Merge(ReadOnlySpan<byte> initial, Dictionary<string, string> current)
    {
        var result = new List<byte[]>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (!initial.IsEmpty)
        {
            int end = initial.IndexOf((byte)0);
            byte[] entry = (end < 0 ? initial : initial[..end]).ToArray();
            initial = end < 0 ? default : initial[(end + 1)..];
            int separator = Array.IndexOf(entry, (byte)'=');
            if (separator <= 0)
            {
                result.Add(entry); // The runtime does not know such entries, so nobody can have changed them.
                continue;
            }
            // The runtime's strings are UTF-8 decoded; an entry is compared in that form, and kept in its own.
            string name = Encoding.UTF8.GetString(entry, 0, separator);
            if (!current.TryGetValue(name, out string? value))
                continue;
            bool unchanged = Encoding.UTF8.GetString(entry, separator + 1, entry.Length - separator - 1) == value;
            if (unchanged || seen.Add(name))
                result.Add(unchanged ? entry : Encoding.UTF8.GetBytes($"{name}={value}"));
            seen.Add(name);
        }
        foreach ((string name, string value) in current)
        {
            if (seen.Add(name))
                result.Add(Encoding.UTF8.GetBytes($"{name}={value}"));
        }
        return result;
    }
}
