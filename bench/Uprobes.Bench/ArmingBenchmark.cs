using System.Diagnostics;
using System.Globalization;
using Uprobes.Images;

namespace Uprobes.Bench;

/// <summary>How long programs take to be armed inline and removed, in running programs, and how long these stand still for it.</summary>
internal sealed class ArmingBenchmark(string programs, int rounds)
{
    private static readonly string[] s_images = ["/usr/bin/python3", "libc", "libcrypto", "libsqlite3", "libssl", "libm"];

    internal IEnumerable<Row> Run()
    {
        ProbePoint[] work = [ProbePoint.At($"{programs}/calls", "work")];
        using Child crowd = new($"{programs}/calls");
        crowd.Ask("crowd 8");
        foreach (Row row in First(crowd, work[0]))
            yield return row;
        foreach (Row row in Measure("one probe, 8 threads", crowd, rounds, 5, 1, _ => work))
            yield return row;
        using Child other = new($"{programs}/calls"); // What is known of the first is of no use for it.
        other.Ask("crowd 8");
        foreach (Row row in Measure($"the same, after {rounds * 40} more", other, rounds, 5, 1, _ => work, before: rounds * 40))
            yield return row;
        using Child python = new("/usr/bin/python3", "-c", "import ssl, sqlite3, sys\nfor line in sys.stdin: print(sum(range(1000)), flush=True)");
        python.Ask("go");
        foreach (Row row in Measure("10,000 probes, python3", python, rounds, 300, 10, session => Functions(session).Take(10_000)))
            yield return row;
        foreach (Row row in Measure("all functions of python3 and 5 libraries", python, rounds, null, null, Functions))
            yield return row;
        using Child many = new($"{programs}/many");
        many.Ask("go");
        foreach (Row row in Measure("50,000 probes, a program of 52,000 functions", many, rounds, 1500, null, session => Many(session).Take(50_000)))
            yield return row;
    }

    /// <summary>The very first session of a process: attaches, arms a probe and removes it. Prints what each took, and the pause; milliseconds.</summary>
    internal static void RunFirst(int processId, string image, string function)
    {
        double[] times = Round(processId, _ => [ProbePoint.At(image, function)], out _);
        Console.WriteLine(string.Join(' ', times.Select(t => t.ToString(CultureInfo.InvariantCulture))));
    }

    private IEnumerable<Row> First(Child target, ProbePoint point)
    {
        List<double>[] times = [[], [], [], []];
        for (int i = 0; i < rounds; i++)
        {
            string[] words = Child.Output(Path.Combine(AppContext.BaseDirectory, "Uprobes.Bench"), "first", $"{target.ProcessId}", point.Image, point.Function!).Split(' ');
            for (int j = 0; j < times.Length; j++)
                times[j].Add(double.Parse(words[j], CultureInfo.InvariantCulture));
        }

        return Rows("one probe, 8 threads, first in its process", times, 5, 1);
    }

    private static IEnumerable<ProbePoint> Functions(UprobeSession session) => s_images.SelectMany(name => All(session.OpenImage(name)));

    private IEnumerable<ProbePoint> Many(UprobeSession session) => All(session.OpenImage($"{programs}/many")).Where(p => p.ToString().Contains("many", StringComparison.Ordinal));

    private static IEnumerable<ProbePoint> All(ElfImage image) => image.Functions.All.DistinctBy(f => f.Offset).Select(f => ProbePoint.At(image.Path, f.Offset, f.Name));

    private static IEnumerable<Row> Measure(
        string what, Child target, int rounds, double? goal, double? pauseGoal, Func<UprobeSession, IEnumerable<ProbePoint>> points, int before = 1)
    {
        List<double>[] times = [[], [], [], []];
        int count = 0;
        for (int round = -before; round < rounds; round++)
        {
            double[] taken = Round(target.ProcessId, points, out count);
            for (int i = 0; i < times.Length && round >= 0; i++)
                times[i].Add(taken[i]);
        }

        return Rows($"{what} ({count:N0} armed)", times, goal, pauseGoal);
    }

    private static IEnumerable<Row> Rows(string what, List<double>[] times, double? goal, double? pauseGoal)
    {
        yield return new Row($"{what}: attach", Row.Median(times[0]), "ms", null, null);
        yield return Against($"{what}: arm", times[1], goal);
        yield return Against($"{what}: attach and arm", [.. times[0].Zip(times[1], (a, b) => a + b)], goal);
        yield return Against($"{what}: remove, detach", times[2], goal);
        yield return Against($"{what}: longest pause", times[3], pauseGoal);

        static Row Against(string name, List<double> values, double? goal) =>
            new(name, Row.Median(values), "ms", goal is null ? null : Row.Median(values) / goal, goal is null ? null : $"goal {goal} ms");
    }

    /// <summary>One session. Returns what attaching, arming and removing took, and the longest pause; milliseconds.</summary>
    private static double[] Round(int processId, Func<UprobeSession, IEnumerable<ProbePoint>> points, out int count)
    {
        long start = Stopwatch.GetTimestamp();
        using UprobeSession session = UprobeSession.Attach(processId);
        double attached = Milliseconds(start);
        ProbePoint[] wanted = [.. points(session)];
        start = Stopwatch.GetTimestamp();
        LiveAggregate<long> query = session.Entry(wanted).Count();
        double armed = Milliseconds(start);
        count = wanted.Length - query.Refusals.Count;
        start = Stopwatch.GetTimestamp();
        query.Dispose();
        session.Dispose();
        return [attached, armed, Milliseconds(start), session.LongestPause.TotalMilliseconds];
    }

    private static double Milliseconds(long start) => Stopwatch.GetElapsedTime(start).TotalMilliseconds;
}
