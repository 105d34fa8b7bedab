using System.Globalization;
using Uprobes.Images;

namespace Uprobes.Bench;

/// <summary>
/// What programs of the inline engine add to a call, against handlers in C behind a detour written by hand. A floor is what the detour
/// adds and what the handler takes as a function.
/// </summary>
internal sealed class InlineBenchmark(string programs, int turns)
{
    private const int Calls = 100_000;
    private readonly string _image = $"{programs}/calls";

    internal IEnumerable<Row> Run()
    {
        using Child target = new(_image);
        Dictionary<string, double> detour = Figures($"{programs}/detour"), handlers = Figures($"{programs}/handlers");
        double added = detour["detour"] - detour["bare"], bare = One(target);
        double count = Cost(target, bare, s => Entry(s).Count());
        double two = Threads(target, s => Entry(s).Count());
        double histogram = Cost(target, bare, s => Entry(s).Histogram(p => p.Arg(0)));
        double sum = Cost(target, bare, s => Entry(s).Sum(p => p.Arg(0)));
        double filtered = Cost(target, bare, s => Entry(s).Where(p => p.Arg(0) > 4_000_000_000).Count());
        double byArgument = Cost(target, bare, s => Entry(s).GroupBy(p => p.Arg(2)).Count());
        double byMany = Cost(target, bare, s => Entry(s).GroupBy(p => p.Arg(0) & 1023).Count());
        double byThread = Cost(target, bare, s => Entry(s).GroupBy(p => p.ThreadId).Count());
        double latency = Cost(target, bare, s => s.Calls(ProbePoint.At(_image, "work")).Histogram(c => c.DurationNanoseconds));
        double returns = Cost(target, bare, s => s.Return(ProbePoint.At(_image, "work")).Count());
        (double events, string eventsLost) = Events(target, 1 << 20, t => t.Ask($"call {turns} 4000 3000"));
        // Room for a quarter of a second, should the reader have to wait for a processor.
        (double rate, string rateLost) = Events(target, 64 << 20, t => t.Ask($"pace 5000000 {(turns < 100 ? 1 : 10)}"));
        double disabled = Cost(target, bare, s => Off(Entry(s).Count()));
        double disabledEvent = Cost(target, bare, s => Off(Entry(s).GroupBy(p => p.ThreadId).Sum(p => p.Arg(0))));
        double removed = One(target) - bare;
        (double emulated, double single) = Kernel(bare);
        double countFloor = added + handlers["count"], eventFloor = added + handlers["event"], timedFloor = 2 * (added + handlers["timed"]);

        yield return new Row("a call without a probe", bare, "ns", null, null);
        yield return new Row("detour by hand, added", added, "ns", null, "floor");
        yield return new Row("count, C behind a detour, added", countFloor, "ns", null, "floor");
        yield return Against("inline count()", count, countFloor, "count in C, goal 1.5");
        yield return new Row("the kernel's uprobe, BPF counts: emulated", emulated, "ns", emulated / count, "inline count(), goal 60; nan needs root");
        yield return new Row("the kernel's uprobe, BPF counts: single-stepped", single, "ns", single / count, "inline count(), goal 1,500; nan needs root");
        yield return Against("inline count(), each of two threads at once", two, count + bare, "one thread, whole call, goal 1");
        yield return Against("inline sum(arg0)", sum, countFloor, "count in C");
        yield return Against("inline count() behind a filter that is false", filtered, countFloor, "count in C");
        yield return Against("inline histogram(arg0)", histogram, added + handlers["histogram"], "histogram in C, goal 2");
        yield return Against("inline event: time, thread, 3 arguments", events - bare, eventFloor, $"event in C, goal 1.5; {eventsLost}");
        yield return new Row("events of one thread read, goal 5 million/s", rate / 1e6, "M", null, rateLost);
        yield return Against("inline entry and return, latency histogram", latency, timedFloor, "two time stamps in C, goal 2.5");
        yield return Against("inline return count()", returns, countFloor, "count in C");
        yield return Against("inline count() by an argument, one key", byArgument, countFloor, "count in C, goal 6.7");
        yield return Against("inline count() by an argument, 1,024 keys", byMany, countFloor, "count in C, goal 6.7");
        yield return Against("inline count() by thread", byThread, countFloor, "count in C, goal 6.7");
        yield return Against("inline count(), switched off", disabled, added, "detour, goal 2");
        yield return Against("inline sum(arg0) by thread, switched off", disabledEvent, added, "detour, goal 2");
        yield return new Row("removed", removed, "ns", null, "goal 0");
    }

    private static Row Against(string name, double value, double floor, string what) => new(name, value, "ns", value / floor, what);

    private static LiveAggregate<T> Off<T>(LiveAggregate<T> aggregate)
    {
        aggregate.IsEnabled = false;
        return aggregate;
    }

    private ProbeQuery<EntryPoint> Entry(UprobeSession session) => session.Entry(ProbePoint.At(_image, "work"));

    private double Cost(Child target, double bare, Func<UprobeSession, IDisposable> query)
    {
        using UprobeSession session = UprobeSession.Attach(target.ProcessId);
        using IDisposable running = query(session);
        return One(target) - bare;
    }

    /// <summary>Events as they are read by an enumeration: what the target answers, and how many of its calls were lost.</summary>
    private (double Answer, string Lost) Events(Child target, int buffer, Func<Child, string> ask)
    {
        using UprobeSession session = UprobeSession.Attach(target.ProcessId, new SessionOptions { EventBufferBytes = buffer });
        long before = (long)Number(target.Ask("made")), read = 0;
        using LiveEvents<(long, int, ulong, ulong, ulong)> events = Entry(session)
            .Select(p => ValueTuple.Create(p.Timestamp, p.ThreadId, p.Arg(0), p.Arg(1), p.Arg(2))).Start();
        Task reading = Task.Run(async () =>
        {
            await foreach ((long, int, ulong, ulong, ulong) _ in events)
                read++;
        });
        string[] answer = ask(target).Split(' ');
        long made = (long)Number(target.Ask("made")) - before;
        session.Dispose();
        reading.Wait();
        double value = answer.Length > 1 ? Number(answer[0]) / Number(answer[1]) : Number(answer[0]);
        return (value, $"{read} read and {events.Losses.Events} lost of {made}");
    }

    private double Threads(Child target, Func<UprobeSession, IDisposable> query)
    {
        using UprobeSession session = UprobeSession.Attach(target.ProcessId);
        using IDisposable running = query(session);
        return Number(target.Ask($"threads 2 {turns} {Calls}"));
    }

    /// <summary>What the kernel's uprobes cost the same calls, in a copy of the program that only this runs.</summary>
    private (double Emulated, double SingleStepped) Kernel(double bare)
    {
        string copy = $"{programs}/calls-kernel", points = $"{programs}/points";
        File.Copy(_image, copy, overwrite: true);
        ElfImage image = ElfImage.Open(copy);
        File.WriteAllLines(points, ((string[])["work", "stepped"]).Select(name => $"{image.Functions.All.First(f => f.Name == name).Offset.Value:x} {copy}"));
        using Child target = new($"{programs}/kcount", points, $"{programs}/counts", copy);
        return target.TryAsk("call 20 2000", out string? emulated) && target.TryAsk("stepped 20 1000", out string? stepped)
            ? (Number(emulated) - bare, Number(stepped) - bare)
            : (double.NaN, double.NaN);
    }

    private double One(Child target) => Number(target.Ask($"call {turns} {Calls}"));

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static Dictionary<string, double> Figures(string program) =>
        Child.Output(program).Split('\n').Select(l => l.Split(' ')).ToDictionary(w => w[0], w => Number(w[1]));
}
