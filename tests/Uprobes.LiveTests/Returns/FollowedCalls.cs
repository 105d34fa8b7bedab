using System.Collections.Concurrent;
using Uprobes.LiveTests.Kit;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Returns;

/// <summary>A session on a target whose functions' calls are followed, and what was seen of them.</summary>
internal sealed class FollowedCalls : IDisposable
{
    private readonly ConcurrentQueue<SessionNotice> _notices = [];

    private FollowedCalls(UprobeSession session)
    {
        Session = session;
        session.Notice += _notices.Enqueue;
    }

    internal UprobeSession Session { get; }

    internal IReadOnlyCollection<SessionNotice> Notices => _notices;

    internal List<FollowedFunction> Functions { get; } = [];

    internal static FollowedCalls Of(TargetProcess target, string image, params string[] functions)
    {
        FollowedCalls calls = new(UprobeSession.Attach(target.Pid));
        foreach (string function in functions)
            calls.Add(image, function);
        return calls;
    }

    internal FollowedFunction this[string function] => Functions.Single(f => f.Name == function);

    internal FollowedFunction Add(string image, string function)
    {
        FollowedFunction added = new(function);
        added.Registration = Session.RegisterReturn(ProbePoint.At(image, function), added.Handlers);
        Functions.Add(added);
        return added;
    }

    /// <summary>Fails if the session had something to tell that a test did not expect, or still waits for a return.</summary>
    internal void AssertQuiet()
    {
        Assert.Empty(_notices.Select(n => n.ToString()));
        // The kernel reports a thread's end after those who join it have been told.
        SpinWait.SpinUntil(() => Session.AwaitedReturns == 0, Deadline.Default);
        Assert.Equal(0, Session.AwaitedReturns);
    }

    public void Dispose() => Session.Dispose();
}

/// <summary>What was seen of one function's calls. Written on the tracer thread; read when the target has answered.</summary>
internal sealed class FollowedFunction(string name)
{
    private long _entries, _returns;

    internal string Name { get; } = name;

    internal ProbeRegistration? Registration { get; set; }

    internal long Entries => Volatile.Read(ref _entries);

    internal long Returns => Volatile.Read(ref _returns);

    /// <summary>First argument, returned value, duration, process and thread of each return.</summary>
    internal ConcurrentQueue<(ulong Argument, ulong Value, TimeSpan Duration, int ProcessId, int ThreadId)> Results { get; } = [];

    internal ReturnHandlers Handlers => new()
    {
        Entry = hit =>
        {
            Interlocked.Increment(ref _entries);
            return hit.Arg(0);
        },
        Return = hit =>
        {
            Interlocked.Increment(ref _returns);
            if (Results.Count < 20_000)
                Results.Enqueue(((ulong)hit.State!, hit.ReturnValue, hit.Duration, hit.ProcessId, hit.ThreadId));
        },
    };
}
