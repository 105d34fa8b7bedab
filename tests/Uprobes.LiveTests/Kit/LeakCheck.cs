namespace Uprobes.LiveTests.Kit;

/// <summary>
/// Compares this test process with what it was when the check was made: descriptors, threads and mapped files. The .NET
/// runtime starts and ends threads of its own (all named <c>.NET …</c>), maps assemblies as it needs them, and keeps its
/// compiled code in a memfd of its own; these are left out.
/// </summary>
public sealed class LeakCheck
{
    private readonly HashSet<string> descriptors = Descriptors(), threads = Threads(), files = Files();

    /// <summary>Fails if something is here that was not there. A thread that has been joined may take a moment to vanish.</summary>
    public void AssertNothingLeft()
    {
        List<string> left = [];
        SpinWait.SpinUntil(() => (left = Left()).Count == 0, TimeSpan.FromSeconds(5));
        Assert.True(left.Count == 0, $"Left over in the test process: {string.Join("; ", left)}");
    }

    private List<string> Left() =>
    [
        .. Descriptors().Except(descriptors).Select(d => $"descriptor {d}"),
        .. Threads().Except(threads).Select(t => $"thread {t}"),
        .. Files().Except(files).Select(f => $"mapping of {f}"),
    ];

    private static HashSet<string> Descriptors() =>
        [.. ProcessSnapshot.DescriptorsOf("/proc/self/fd").Where(d => !IsRuntimeFile(d))];

    private static HashSet<string> Threads()
    {
        HashSet<string> names = [];
        foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            string name;
            try
            {
                name = File.ReadAllText(task + "/comm").Trim();
            }
            catch (IOException)
            {
                continue; // it ended meanwhile
            }

            if (!name.StartsWith(".NET", StringComparison.Ordinal))
                names.Add($"{System.IO.Path.GetFileName(task)} {name}");
        }

        return names;
    }

    private static HashSet<string> Files() =>
    [
        .. File.ReadAllLines("/proc/self/maps").Select(line => line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length == 6 && !fields[5].StartsWith('[') && !IsRuntimeFile(fields[5])).Select(fields => fields[5].Trim()),
    ];

    private static bool IsRuntimeFile(string name) =>
        name.Contains(".dll", StringComparison.Ordinal) || name.Contains(".pdb", StringComparison.Ordinal)
        || name.Contains("doublemapper", StringComparison.Ordinal) || name.Contains("/dotnet/", StringComparison.Ordinal)
        || name.Contains("/dev/urandom", StringComparison.Ordinal) || name.Contains(".so", StringComparison.Ordinal);
}
