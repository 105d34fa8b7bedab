using System.Globalization;

namespace Uprobes.Tool.Recording;

/// <summary>What a process is called.</summary>
/// <param name="Name">The name of its main thread; empty where it has gone.</param>
/// <param name="CommandLine">Its words; none where it has gone.</param>
internal sealed record RecordedProcess(string Name, IReadOnlyList<string> CommandLine);

/// <summary>Reads what processes and threads are called, when their first call comes. One that has ended by then has no name.</summary>
internal static class RecordedThreads
{
    /// <summary>A process.</summary>
    internal static RecordedProcess Process(int processId) => new(
        Read($"/proc/{Text(processId)}/comm").TrimEnd('\n'), Read($"/proc/{Text(processId)}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>A thread's name.</summary>
    internal static string Thread(int processId, int threadId) => Read($"/proc/{Text(processId)}/task/{Text(threadId)}/comm").TrimEnd('\n');

    private static string Text(int id) => id.ToString(CultureInfo.InvariantCulture);

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // It has ended, which is no fault of the recording's.
        }
    }
}
