using System.Diagnostics;
using Uprobes.Images;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Torture;

/// <summary>One run of a program with a probe at every function of it and its private libraries.</summary>
internal sealed record ProbedRun(
    RunResult Result, IReadOnlyList<FunctionCount> Functions, IReadOnlyList<ProbeRefusal> Refusals, IReadOnlyList<SessionNotice> Notices)
{
    /// <summary>Every place at which a function begins, by file and offset.</summary>
    public static IReadOnlyList<FunctionPlace> PlacesOf(PrivateProgram program)
    {
        List<FunctionPlace> places = [];
        foreach (string file in program.Files)
        {
            using ElfImage image = ElfImage.Open(file);
            places.AddRange(image.Functions.All.DistinctBy(f => f.Offset).Select(f => new FunctionPlace(file, f.Offset, f.Name)));
        }

        return places;
    }

    /// <summary>Runs the program with a handler that counts at each place, and with one at its return where that is asked for.</summary>
    public static ProbedRun Of(PrivateProgram program, IReadOnlyList<FunctionPlace> places, bool withReturns, ITestOutputHelper? output = null)
    {
        long[] entries = new long[places.Count], returns = new long[places.Count];
        List<SessionNotice> notices = [];
        (string command, int run) = program.NextRun();
        using UprobeSession session = UprobeSession.Launch("/bin/sh", ["-c", command]);
        session.Notice += notice =>
        {
            lock (notices)
                notices.Add(notice);
        };
        ProbeRequest[] requests = [.. places.Select((place, i) => Request(place, i))];
        long start = Stopwatch.GetTimestamp();
        RegistrationResult registered = session.RegisterAll(requests);
        output?.WriteLine($"{requests.Length} registered in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0} ms, {registered.Refusals.Count} refused");
        start = Stopwatch.GetTimestamp();
        session.Start();
        session.Completion.Wait(TestContext.Current.CancellationToken);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        output?.WriteLine($"{entries.Sum()} entries, {returns.Sum()} returns in {seconds:0.0} s: {seconds * 1e6 / Math.Max(1, entries.Sum() + returns.Sum()):0.0} us each");
        Dictionary<ProbePoint, ProbeRegistration> standing = registered.Registrations.ToDictionary(r => r.Point);
        FunctionCount[] counts = [.. places.Select((place, i) => new FunctionCount(
            place, entries[i], returns[i], standing.TryGetValue(requests[i].Point, out ProbeRegistration? r) ? r.Hits : null, r?.LostReturns ?? 0))];
        return new ProbedRun(program.ResultOf(run, session.LaunchedExitCode ?? -1), counts, registered.Refusals, notices);

        ProbeRequest Request(FunctionPlace place, int i)
        {
            ProbePoint point = ProbePoint.At(place.File, place.Offset, place.Name);
            return withReturns
                ? new ProbeRequest(point, Returns: new ReturnHandlers
                {
                    Entry = _ =>
                    {
                        entries[i]++;
                        return null;
                    },
                    Return = _ => returns[i]++,
                })
                : new ProbeRequest(point, Handlers: new ProbeHandlers { Pre = _ => entries[i]++ });
        }
    }
}

/// <summary>Where a function begins.</summary>
internal sealed record FunctionPlace(string File, FileOffset Offset, string Name)
{
    public override string ToString() => $"{System.IO.Path.GetFileName(File)}:{Name} at {Offset}";
}

/// <summary>What was counted of a function.</summary>
/// <param name="Place">Which.</param>
/// <param name="Entries">Calls of its entry handler.</param>
/// <param name="Returns">Calls of its return handler.</param>
/// <param name="Hits">What its registration says; null where it was refused.</param>
/// <param name="LostReturns">Calls whose return could not be followed.</param>
internal sealed record FunctionCount(FunctionPlace Place, long Entries, long Returns, long? Hits, long LostReturns);
