using System.Globalization;
using System.Text;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Tool.Recording;

/// <summary>What a process is called.</summary>
/// <param name="Name">The name of its main thread; empty where it has gone.</param>
/// <param name="CommandLine">Its words; none where it has gone.</param>
internal sealed record RecordedProcess(string Name, IReadOnlyList<string> CommandLine);

/// <summary>Reads what processes and threads are called, when their first call comes. One that has ended by then has no name.</summary>
internal static class RecordedThreads
{
    /// <summary>A process.</summary>
    internal static RecordedProcess Process(int processId)
    {
        var words = ProcFile.ReadAll(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/cmdline")) ?? [];
        return new RecordedProcess(Thread(processId), Encoding.UTF8.GetString(words).Split('\0', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>A thread's name.</summary>
    internal static string Thread(int threadId) => Encoding.UTF8.GetString(ThreadMoment.NameOf(threadId));
}
