using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>What these tests share: probes that only count, the notices of a session, and what a target does without probes.</summary>
internal static class Counting
{
    /// <summary>Registers a probe without handlers: its hits are counted.</summary>
    internal static ProbeRegistration Count(this UprobeSession session, string image, string function) =>
        session.Register(ProbePoint.At(image, function), new ProbeHandlers());

    /// <summary>Collects a session's notices from now on.</summary>
    internal static Notices Listen(this UprobeSession session)
    {
        Notices notices = new();
        session.Notice += notices.Add;
        return notices;
    }

    /// <summary>What a target answers to commands when nothing is probed.</summary>
    internal static string[] Bare(string target, params string[] commands)
    {
        using TargetProcess process = TargetProcess.StartTarget(target);
        return process.AskAll(commands);
    }

    /// <summary>The target's answers to several commands, one after another.</summary>
    internal static string[] AskAll(this TargetProcess target, params string[] commands) => [.. commands.Select(c => target.Ask(c))];

    /// <summary>Waits for the end of a session's processes, and fails where it does not come.</summary>
    internal static void AwaitCompletion(this UprobeSession session) =>
        Assert.True(session.Completion.Wait(TimeSpan.FromSeconds(60)), $"still traced: {string.Join(", ", session.ProcessIds)}");

    /// <summary>Ends the target by <c>quit</c> and checks that it ended as it does without probes.</summary>
    internal static void QuitsWell(this TargetProcess target) => Assert.Equal(new ExitStatus(0, null), target.Quit());
}

/// <summary>The notices of a session; filled on any thread.</summary>
internal sealed class Notices
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<SessionNotice> _all = new();

    internal void Add(SessionNotice notice) => _all.Enqueue(notice);

    internal IEnumerable<SessionNotice> Of(NoticeKind kind) => _all.Where(n => n.Kind == kind);

    /// <summary>Fails if anything was told but for the write guard's word that a file cannot be guarded.</summary>
    internal void AssertNone() => Assert.DoesNotContain(_all, n => n.Kind != NoticeKind.WriteGuard);
}
