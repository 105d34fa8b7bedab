using System.Collections.Concurrent;
using System.Runtime.InteropServices;

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

    /// <summary>
    /// Kills everything in the ledger and every child of this process, since what a session has launched is not in the ledger;
    /// the owners reap them.
    /// </summary>
    public static void KillAll()
    {
        foreach (int pid in Alive.Keys.Union(ProcessSnapshot.ChildrenOf(Environment.ProcessId)))
            Native.Kill(pid, SIGKILL);
    }

    /// <summary>Kills and reaps what no owner will dispose of any more.</summary>
    public static unsafe void KillAndForget()
    {
        foreach (int pid in Alive.Keys)
        {
            int status;
            Native.Kill(-pid, SIGKILL);
            Native.Kill(pid, SIGKILL);
            while (Native.WaitPid(pid, &status, 0) < 0 && Marshal.GetLastPInvokeError() == Native.EINTR)
            {
            }

            Reaped(pid);
        }
    }
}
