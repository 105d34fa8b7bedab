using Uprobes.Registry;

namespace Uprobes;

/// <summary>What a <see cref="SessionNotice"/> is about.</summary>
public enum NoticeKind
{
    /// <summary>A probe could not be armed in some process or mapping.</summary>
    Refused,

    /// <summary>A probed file was about to be written; its probes were removed, or the writer waits.</summary>
    WriteGuard,

    /// <summary>A handler threw; it was removed.</summary>
    HandlerFailed,

    /// <summary>A breakpoint vanished from the text (the file was truncated, the page discarded or remapped).</summary>
    SiteLost,

    /// <summary>A return could not be followed.</summary>
    ReturnLost,

    /// <summary>Something that the user should know about a tracee (threads that do not stop, memory left behind).</summary>
    Tracee,
}

/// <summary>Something that happened during a session and that its user should be told.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Message">One sentence; not escaped, may hold text from files and processes.</param>
/// <param name="ProcessId">The process concerned, or null.</param>
public sealed record SessionNotice(NoticeKind Kind, string Message, int? ProcessId = null)
{
    /// <summary>What was refused and why, for <see cref="NoticeKind.Refused"/>; else null.</summary>
    public ProbeRefusal? Refusal { get; init; }
}
