using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Signals;

/// <summary>A target with a session on it, and what must hold when the session has gone: text, mappings and signals as before.</summary>
internal sealed class ProbedTarget : IDisposable
{
    private readonly ProcessSnapshot _before;
    private readonly List<SessionNotice> _notices = [];
    private bool _detached;

    private ProbedTarget(TargetProcess process, string? warmUp)
    {
        Process = process;
        if (warmUp is not null)
            process.Ask(warmUp);
        _before = ProcessSnapshot.Take(process.Pid);
        Session = UprobeSession.Attach(process.Pid);
        Session.Notice += notice =>
        {
            lock (_notices)
                _notices.Add(notice);
        };
    }

    public TargetProcess Process { get; }

    public UprobeSession Session { get; }

    /// <summary>What the session told, but for write guards.</summary>
    public IReadOnlyList<SessionNotice> Notices
    {
        get
        {
            lock (_notices)
                return [.. _notices.Where(n => n.Kind != NoticeKind.WriteGuard)];
        }
    }

    public static ProbedTarget Start(string name, params string[] arguments) => StartWarm(null, name, arguments);

    /// <summary>
    /// Runs a command first, for programs that start threads: the C library keeps the stack of the first and a handler of its own.
    /// </summary>
    public static ProbedTarget StartWarm(string? warmUp, string name, params string[] arguments)
    {
        TargetProcess process = TargetProcess.StartTarget(name, arguments);
        try
        {
            return new ProbedTarget(process, warmUp);
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    /// <summary>Registers at all points, and fails if one is refused.</summary>
    public IReadOnlyList<ProbeRegistration> Probe(IEnumerable<ProbePoint> points, ProbeHandlers? handlers = null)
    {
        handlers ??= new ProbeHandlers { Pre = _ => { } };
        RegistrationResult result = Session.RegisterAll([.. points.Select(p => new ProbeRequest(p, handlers))]);
        Assert.Empty(result.Refusals);
        return result.Registrations;
    }

    /// <summary>Lets go of the process, and fails where it is not what it was, or the session told anything.</summary>
    /// <param name="expected">What it tells with reason; null for nothing.</param>
    public void Detach(string? expected = null)
    {
        if (_detached)
            return;
        _detached = true;
        Session.Dispose();
        SessionNotice[] unexpected = [.. Notices.Where(n => expected is null || !n.Message.Contains(expected, StringComparison.Ordinal))];
        Assert.True(unexpected.Length == 0, string.Join('\n', unexpected.AsEnumerable()));
        TextComparison.AssertSame(Process.Pid);
        IReadOnlyList<string> differences = ProcessSnapshot.Take(Process.Pid).DifferencesFrom(_before);
        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }

    public void Dispose()
    {
        Session.Dispose();
        Process.Dispose();
    }
}
