using System.Diagnostics;

namespace Uprobes.Bench;

/// <summary>What a whole program loses, from its start to its end, while its calls of malloc and free are counted or timed.</summary>
internal sealed class ProgramBenchmark(string workload, int rounds)
{
    internal IEnumerable<Row> Run()
    {
        List<double> bare = [], counted = [], both = [], timed = [];
        long calls = 0;
        for (int round = 0; round <= rounds; round++)
        {
            // In turn, so that a drift of the machine's speed meets all alike; the first round warms up.
            double plain = Bare();
            double one = Probed(s => s.Entry("libc", "malloc").Count(), out calls);
            double two = Probed(s => s.Entry(ProbePoint.At("libc", "malloc"), ProbePoint.At("libc", "free")).Count(), out _);
            double latency = Probed(s => s.Calls("libc", "malloc").Histogram(c => c.DurationNanoseconds), out _);
            if (round == 0)
                continue;
            bare.Add(plain);
            counted.Add(one);
            both.Add(two);
            timed.Add(latency);
        }

        double least = Row.Median(bare);
        yield return new Row($"sqlite3, {calls} calls of malloc", least, "ms", null, null);
        yield return new Row("malloc counted", Row.Median(counted), "ms", Row.Median(counted) / least, "bare; the kernel's 2.77");
        yield return new Row("malloc and free counted", Row.Median(both), "ms", Row.Median(both) / least, "bare; the kernel's 62");
        yield return new Row("malloc's latency histogram", Row.Median(timed), "ms", Row.Median(timed) / least, "bare; the kernel's 4.7");
    }

    private double Bare()
    {
        long start = Stopwatch.GetTimestamp();
        Child.Output("sqlite3", ":memory:", $".read {workload}");
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private double Probed(Func<UprobeSession, IDisposable> query, out long calls)
    {
        long start = Stopwatch.GetTimestamp();
        using UprobeSession session = UprobeSession.Launch("/bin/sh", ["-c", $"exec sqlite3 :memory: '.read {workload}' >/dev/null"]);
        using IDisposable running = query(session);
        session.Start();
        session.Completion.Wait();
        calls = running is LiveAggregate<long> counted ? counted.Value : 0;
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
