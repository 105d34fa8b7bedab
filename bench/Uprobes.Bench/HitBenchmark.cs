using System.Diagnostics;
using System.Globalization;

namespace Uprobes.Bench;

/// <summary>The cost of one hit of the trap engine with an empty handler, against a minimal tracer in C.</summary>
internal static class HitBenchmark
{
    internal static IEnumerable<Row> Run(string programs, int hits, int rounds)
    {
        List<double> floor = [], pinned = [], free = [], returns = [];
        double bare = 0;
        using Child onOne = new($"{programs}/hot", "0"), anywhere = new($"{programs}/hot");
        bare = Ask(onOne, hits * 100);
        for (int round = 0; round <= rounds; round++)
        {
            // In turn, so that a drift of the machine's speed meets all alike; the first round warms up.
            double c = Number(Child.Output($"{programs}/ptrace", hits.ToString(CultureInfo.InvariantCulture), "0"));
            double one = Probed(onOne, programs, hits, withReturn: false);
            double any = Probed(anywhere, programs, hits, withReturn: false);
            double back = Probed(onOne, programs, hits, withReturn: true);
            if (round == 0)
                continue;
            floor.Add(c);
            pinned.Add(one);
            free.Add(any);
            returns.Add(back);
        }

        double least = Row.Median(floor);
        yield return new Row("a call without a probe", bare, "ns", null, null);
        yield return new Row("trap hit, minimal C tracer, same processor (floor)", least, "ns", null, null);
        yield return new Row("trap hit, empty C# handler, same processor", Row.Median(pinned), "ns", Row.Median(pinned) / least, "floor, goal 1.3");
        yield return new Row("trap hit, empty C# handler, target free to move", Row.Median(free), "ns", Row.Median(free) / least, "floor");
        yield return new Row("trap entry and return, empty handlers", Row.Median(returns), "ns", Row.Median(returns) / least, "floor (two stops)");
    }

    private static double Probed(Child target, string programs, int hits, bool withReturn)
    {
        using UprobeSession session = UprobeSession.Attach(target.ProcessId);
        ProbePoint point = ProbePoint.At($"{programs}/hot", "probed");
        using ProbeRegistration registration = withReturn
            ? session.RegisterReturn(point, new ReturnHandlers { Return = static _ => { } })
            : session.Register(point, new ProbeHandlers { Pre = static _ => { } });
        return Ask(target, hits);
    }

    private static double Ask(Child target, int calls) => Number(target.Ask(calls.ToString(CultureInfo.InvariantCulture)));

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
