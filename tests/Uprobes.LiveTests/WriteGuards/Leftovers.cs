namespace Uprobes.LiveTests.WriteGuards;

/// <summary>Counts what guards hold in this process: threads and descriptors.</summary>
internal static class Leftovers
{
    internal static int Threads() => Directory.GetDirectories("/proc/self/task")
        .Count(task => TryRead($"{task}/comm") is { } name && name.StartsWith("uprobes guard", StringComparison.Ordinal));

    internal static int Descriptors(string imagePath) => Directory.GetFiles("/proc/self/fd")
        .Select(file => new FileInfo(file).LinkTarget)
        .Count(target => target is "anon_inode:[signalfd]" or "anon_inode:[eventfd]" || target == imagePath);

    /// <summary>All of them, less the handle on the image that the test itself holds.</summary>
    internal static int Count(string imagePath) => Threads() + Descriptors(imagePath) - 1;

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // The thread has ended since the directory was read.
            return null;
        }
    }
}
