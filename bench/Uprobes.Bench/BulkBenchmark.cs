using System.Diagnostics;
using Uprobes.Images;

namespace Uprobes.Bench;

/// <summary>Arming and removing many probes in a running program.</summary>
internal static class BulkBenchmark
{
    internal static IEnumerable<Row> Run(int rounds)
    {
        List<double> attach = [], one = [], many = [], removal = [], pause = [];
        int count = 0;
        using Child target = new("/usr/bin/python3", "-c", "import sys\nfor line in sys.stdin: print(sum(range(1000)), flush=True)");
        target.Ask("go");
        for (int round = 0; round <= rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            using UprobeSession session = UprobeSession.Attach(target.ProcessId);
            double attached = Milliseconds(start);
            start = Stopwatch.GetTimestamp();
            session.Register(ProbePoint.At("libc.so.6", "malloc"), new ProbeHandlers { Pre = static _ => { } }).Dispose();
            double single = Milliseconds(start);
            ElfImage libc = session.OpenImage("libc.so.6");
            ProbeRequest[] requests = [.. libc.Functions.All.DistinctBy(f => f.Offset)
                .Select(f => new ProbeRequest(ProbePoint.At(libc.Path, f.Offset, f.Name), new ProbeHandlers { Pre = static _ => { } }))];
            start = Stopwatch.GetTimestamp();
            RegistrationResult result = session.RegisterAll(requests);
            double bulk = Milliseconds(start);
            start = Stopwatch.GetTimestamp();
            session.UnregisterAll(result.Registrations);
            double removed = Milliseconds(start);
            session.Dispose();
            if (round == 0)
                continue;
            count = result.Registrations.Count;
            attach.Add(attached);
            one.Add(single);
            many.Add(bulk);
            removal.Add(removed);
            pause.Add(session.LongestPause.TotalMilliseconds);
        }

        yield return new Row("attach to python3", Row.Median(attach), "ms", null, null);
        yield return new Row("register and remove one probe of libc", Row.Median(one), "ms", null, null);
        yield return new Row($"register {count} probes of libc", Row.Median(many), "ms", null, null);
        yield return new Row($"remove {count} probes of libc", Row.Median(removal), "ms", null, null);
        yield return new Row("longest pause of all threads", Row.Median(pause), "ms", null, null);
    }

    private static double Milliseconds(long start) => Stopwatch.GetElapsedTime(start).TotalMilliseconds;
}
