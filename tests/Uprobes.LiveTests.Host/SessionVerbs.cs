using System.Collections.Concurrent;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.LiveTests.Host;

/// <summary>The verbs that use a session as a program would.</summary>
/// <remarks>
/// HANDLERS is a combination of the letters p (pre), o (post), r (return), w (pre that writes a register), n (no guardian). A
/// FUNCTION with a star is a pattern. <c>usdt:IMAGE:NAME</c> is a static probe.
/// </remarks>
internal static class SessionVerbs
{
    private const string Refusal = "refused";

    internal static int Run(string verb, string[] arguments)
    {
        try
        {
            switch (verb)
            {
                case "arm":
                    Arm(int.Parse(arguments[0]), arguments[1], arguments[2..]);
                    return 0;
                case "guard":
                    Guard(int.Parse(arguments[0]), arguments[1], arguments[2..]);
                    return 0;
                case "cycle":
                    for (int round = 0; ; round++)
                        Cycle(int.Parse(arguments[0]), arguments[1], arguments[2..], round);
                case "steps":
                    Steps(int.Parse(arguments[0]), arguments[1], arguments[2], arguments[3..]);
                    return 0;
                case "launch":
                    Launch(arguments[0] == "start", arguments[1], arguments[2..]);
                    return 0;
                default:
                    return 2;
            }
        }
        catch (AttachException e)
        {
            Say($"{Refusal} {e.Reason}: {e.Message}");
            return 3;
        }
    }

    private static void Arm(int pid, string handlers, string[] points)
    {
        using UprobeSession session = UprobeSession.Attach(pid, Options(handlers));
        session.Notice += notice => Console.Error.WriteLine(notice.Message);
        IReadOnlyList<ProbeRegistration> made = Register(session, handlers, points);
        Say($"armed {made.Count}");
        while (Console.ReadLine() is { } line && line != "quit")
            Say($"hits {made.Sum(r => r.Hits)}");
        session.Dispose();
        Say("gone 0");
    }

    private static void Guard(int pid, string handlers, string[] points)
    {
        int known = 0;
        using UprobeSession session = UprobeSession.Attach(pid, Options(handlers));
        session.Notice += notice => Say($"notice {notice.Message}");
        IReadOnlyList<ProbeRegistration> made = Register(session, handlers, points);
        Say($"armed {made.Count}");
        while (Console.ReadLine() is { } line && line != "quit")
        {
            known = session.GuardianProcessId ?? 0;
            Say($"guardian {known}");
        }
    }

    private static void Cycle(int pid, string handlers, string[] points, int round)
    {
        using UprobeSession session = UprobeSession.Attach(pid, Options(handlers));
        IReadOnlyList<ProbeRegistration> made = Register(session, handlers, points);
        Say($"cycle {round}");
        session.UnregisterAll(made);
    }

    /// <summary>Every handler has run some times before the probes are taken out again, so that the steps of hits are among the steps.</summary>
    private static void Steps(int pid, string handlers, string step, string[] points)
    {
        const int Wanted = 20;
        ConcurrentDictionary<string, int> seen = new();
        int separator = step.IndexOf(':', StringComparison.Ordinal);
        (string name, int time) = (step[..separator], int.Parse(step[(separator + 1)..]));
        using CountdownEvent hits = new(Wanted);
        SessionOptions options = Options(handlers) with
        {
            Step = what =>
            {
                if (seen.AddOrUpdate(what, 1, (_, count) => count + 1) == time && what == name)
                    _ = Tasks.Kill(Environment.ProcessId, Signal.SIGKILL);
            },
        };
        using (UprobeSession session = UprobeSession.Attach(pid, options))
        {
            IReadOnlyList<ProbeRegistration> made = Register(session, handlers, points, () =>
            {
                if (!hits.IsSet)
                    hits.Signal();
            });
            hits.Wait();
            session.UnregisterAll(made);
        }

        Say($"steps {string.Join(',', seen.Select(s => $"{s.Key}={s.Value}"))}");
    }

    private static void Launch(bool start, string program, string[] points)
    {
        using UprobeSession session = UprobeSession.Launch(program, []);
        Register(session, "p", points);
        if (start)
            session.Start();
        Say($"launched {session.LaunchedProcessId}");
        using ManualResetEvent never = new(initialState: false); // Standard input is the program's.
        never.WaitOne();
    }

    private static SessionOptions Options(string handlers) => new() { Guardian = !handlers.Contains('n', StringComparison.Ordinal) };

    private static IReadOnlyList<ProbeRegistration> Register(UprobeSession session, string handlers, string[] points, Action? onHit = null)
    {
        List<ProbeRequest> requests = [];
        foreach (string point in points)
        {
            int colon = point.LastIndexOf(':');
            (string image, string function) = (point[..colon], point[(colon + 1)..]);
            if (image.StartsWith("usdt:", StringComparison.Ordinal))
                requests.AddRange(session.StaticProbes(image["usdt:".Length..], function).SelectMany(p => Requests(p, handlers, onHit)));
            else if (function.Contains('*', StringComparison.Ordinal))
                requests.AddRange(session.OpenImage(image).Functions.Matching(function).Where(f => !f.IsIndirect).DistinctBy(f => f.Offset)
                    .SelectMany(f => Requests(ProbePoint.At(image, f.Offset, f.Name), handlers, onHit)));
            else
                requests.AddRange(Requests(ProbePoint.At(image, function), handlers, onHit));
        }

        RegistrationResult result = session.RegisterAll(requests);
        foreach (var refusal in result.Refusals)
            Console.Error.WriteLine(refusal);
        return result.Registrations;
    }

    private static IEnumerable<ProbeRequest> Requests(ProbePoint point, string handlers, Action? onHit)
    {
        bool writes = handlers.Contains('w', StringComparison.Ordinal);
        if (handlers.AsSpan().IndexOfAny('p', 'o', 'w') >= 0)
        {
            yield return new ProbeRequest(point, Handlers: new ProbeHandlers
            {
                Pre = hit =>
                {
                    onHit?.Invoke();
                    if (writes)
                        hit.Registers.Rax = ~hit.Registers.Rax; // Holds nothing at the entry of a function that takes no variable arguments.
                },
                Post = handlers.Contains('o', StringComparison.Ordinal) ? _ => { } : null,
            });
        }

        if (handlers.Contains('r', StringComparison.Ordinal))
            yield return new ProbeRequest(point, Returns: new ReturnHandlers { Return = _ => onHit?.Invoke() });
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }
}
