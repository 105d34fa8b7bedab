using System.Collections.Concurrent;

namespace Uprobes.LiveTests.Registry;

/// <summary>What a session has told.</summary>
internal sealed class Notices
{
    private readonly ConcurrentQueue<SessionNotice> _told = new();

    internal Notices(UprobeSession session) => session.Notice += _told.Enqueue;

    internal IReadOnlyList<SessionNotice> All => [.. _told];

    internal IReadOnlyList<SessionNotice> Of(NoticeKind kind) => [.. _told.Where(n => n.Kind == kind)];

    internal void AssertNone() => Assert.Empty(_told);
}
