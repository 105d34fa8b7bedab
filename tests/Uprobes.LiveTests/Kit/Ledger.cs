using System.Collections.Concurrent;

namespace Uprobes.LiveTests.Kit;

/// <summary>
/// The processes that the kit started and has not reaped yet. It is one for the test run, since "nothing is left over" is
/// a statement about the run.
/// </summary>
internal static class Ledger
{
    private const int SIGKILL = 9;
    private static readonly ConcurrentDictionary<int, string> Alive = new();

    public static void Started(int pid, string command) => Alive[pid] = command;

    public static void Reaped(int pid) => Alive.TryRemove(pid, out _);

    /// <summary>What was started and not disposed of, as <c>pid command</c>.</summary>
    public static IReadOnlyList<string> Leftovers => [.. Alive.Select(p => $"{p.Key} {p.Value}")];

    /// <summary>Kills everything in the ledger; their owners reap them, or <see cref="NothingLeftBehind"/> reports them.</summary>
    public static void KillAll()
    {
        foreach (int pid in Alive.Keys)
            Native.Kill(pid, SIGKILL);
    }
}
