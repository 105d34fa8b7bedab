using System.Diagnostics;
using Uprobes.Images;

namespace Uprobes.Bench;

/// <summary>How long programs take to be armed inline and removed, in running programs, and how long these stand still for it.</summary>
internal sealed class ArmingBenchmark(string programs, int rounds)
{
    private static readonly string[] s_images = ["/usr/bin/python3", "libc", "libcrypto", "libsqlite3", "libssl", "libm"];

    internal IEnumerable<Row> Run()
    {
        using Child crowd = new($"{programs}/calls");
        crowd.Ask("crowd 8");
        foreach (Row row in Measure("one probe, 8 threads", crowd, 1, 5, 1, _ => [ProbePoint.At($"{programs}/calls", "work")]))
            yield return row;
        using Child python = new("/usr/bin/python3", "-c", "import ssl, sqlite3, sys\nfor line in sys.stdin: print(sum(range(1000)), flush=True)");
        python.Ask("go");
        foreach (Row row in Measure("10,000 probes, python3", python, 10_000, 300, 10, Functions))
            yield return row;
        foreach (Row row in Measure("50,000 probes, python3 and its libraries", python, 50_000, 1500, null, Functions))
            yield return row;
    }

    private static IEnumerable<ProbePoint> Functions(UprobeSession session) =>
        s_images.SelectMany(name =>
        {
            ElfImage image = session.OpenImage(name);
            return image.Functions.All.DistinctBy(f => f.Offset).Select(f => ProbePoint.At(image.Path, f.Offset, f.Name));
        });

    private IEnumerable<Row> Measure(string what, Child target, int most, double goal, double? pauseGoal, Func<UprobeSession, IEnumerable<ProbePoint>> points)
    {
        List<double> attach = [], arm = [], remove = [], pause = [], memory = [];
        int count = 0;
        for (int round = 0; round <= rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            using UprobeSession session = UprobeSession.Attach(target.ProcessId);
            double attached = Milliseconds(start);
            ProbePoint[] wanted = [.. points(session).Take(most)];
            long before = Memory(target.ProcessId);
            start = Stopwatch.GetTimestamp();
            LiveAggregate<long> query = session.Entry(wanted).Count();
            double armed = Milliseconds(start);
            long added = Memory(target.ProcessId) - before;
            count = wanted.Length - query.Refusals.Count;
            start = Stopwatch.GetTimestamp();
            query.Dispose();
            session.Dispose();
            if (round == 0)
                continue;
            attach.Add(attached);
            arm.Add(armed);
            remove.Add(Milliseconds(start));
            pause.Add(session.LongestPause.TotalMilliseconds);
            memory.Add(added);
        }

        yield return new Row($"{what} ({count} armed): attach", Row.Median(attach), "ms", null, null);
        yield return new Row($"{what}: arm", Row.Median(arm), "ms", Row.Median(arm) / goal, $"goal {goal} ms");
        yield return new Row($"{what}: remove, detach", Row.Median(remove), "ms", Row.Median(remove) / goal, $"goal {goal} ms");
        yield return new Row($"{what}: longest pause", Row.Median(pause), "ms", null, pauseGoal is null ? null : $"goal {pauseGoal} ms");
        yield return new Row($"{what}: memory added", Row.Median(memory), "KiB", null, null);
    }

    private static double Milliseconds(long start) => Stopwatch.GetElapsedTime(start).TotalMilliseconds;

    private static long Memory(int pid) =>
        File.ReadLines($"/proc/{pid}/status").Where(l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Sum(l => long.Parse(l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], null));
}
