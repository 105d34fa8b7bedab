using System.Globalization;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Inline;

/// <summary>How much a target grows by what is mapped into it.</summary>
public sealed class AddedMemoryTests : IDisposable
{
    private const long MostAdded = 1 << 20;
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData("alloc*")]
    [InlineData("malloc")]
    public void Less_than_a_mebibyte_is_added_beside_maps_and_rings_and_none_of_it_stays(string pattern)
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        Dictionary<string, long> before = Mappings(target.Pid);
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            using var calls = session.Calls("libc", pattern).Histogram(c => c.DurationNanoseconds);
            target.Ask("go 4 1000");
            // What has been asked for, maps and rings, is in a memory file that all processes share.
            long added = Mappings(target.Pid).Where(m => !before.ContainsKey(m.Key) && !m.Key.Contains("/memfd:uprobe", StringComparison.Ordinal) && m.Key.Split(' ')[1].Contains('x')).Sum(m => m.Value);
            Assert.InRange(added, 1, MostAdded - 1);
        }

        Assert.DoesNotContain(Mappings(target.Pid).Keys.Except(before.Keys), line => line.Contains("memfd:uprobe", StringComparison.Ordinal) || line.Contains("r-xp", StringComparison.Ordinal));
    }

    /// <summary>Lines of /proc/PID/maps, and how many bytes each is of.</summary>
    private static Dictionary<string, long> Mappings(int processId) => File.ReadAllLines($"/proc/{processId}/maps").ToDictionary(line => line, line =>
    {
        string[] ends = line.Split(' ')[0].Split('-');
        return long.Parse(ends[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture) - long.Parse(ends[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    });
}
