using System.Buffers.Text;
using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>The fields of <c>/proc/TID/status</c> that decide how a thread can be traced (proc(5)).</summary>
internal sealed record ThreadStatus
{
    internal int ProcessId { get; private init; }

    /// <summary>The process's id as it sees it itself: in the innermost of its pid namespaces.</summary>
    internal int OwnProcessId { get; private init; }

    /// <summary>The thread's id as it sees it itself.</summary>
    internal int OwnThreadId { get; private init; }

    /// <summary>The process that waits for it: the one that forked it, or who took it in after that one's end.</summary>
    internal int ParentId { get; private init; }

    internal int TracerId { get; private init; }
    internal uint UserId { get; private init; }
    internal uint GroupId { get; private init; }
    internal char State { get; private init; } = '?';
    internal int SeccompMode { get; private init; }
    internal ulong Blocked { get; private init; }
    internal ulong Ignored { get; private init; }
    internal ulong Caught { get; private init; }
    internal ulong Pending { get; private init; }
    internal bool HasShadowStack { get; private init; }

    /// <summary>KiB of executable mappings; 0 for a thread that has exited.</summary>
    internal long ExecutableSize { get; private init; }

    internal bool IsCaught(int signal) => (Caught & Signal.Bit(signal)) != 0;

    internal bool IsIgnored(int signal) => (Ignored & Signal.Bit(signal)) != 0;

    internal bool IsBlocked(int signal) => (Blocked & Signal.Bit(signal)) != 0;

    /// <summary>Null when the thread is gone or hidden.</summary>
    internal static ThreadStatus? TryRead(int tid)
    {
        Span<byte> text = stackalloc byte[4096];
        int read = ProcFile.Read($"/proc/{tid}/status", text);
        if (read == text.Length) // A task can be in thousands of groups.
            return ProcFile.ReadAll($"/proc/{tid}/status") is { } all ? Parse(all) : null;
        return read <= 0 ? null : Parse(text[..read]);
    }

    internal static ThreadStatus Parse(ReadOnlySpan<byte> text)
    {
        return new ThreadStatus
        {
            ProcessId = (int)Decimal(Field(text, "\nTgid:"u8)),
            OwnProcessId = (int)Decimal(Last(Field(text, "\nNStgid:"u8))),
            OwnThreadId = (int)Decimal(Last(Field(text, "\nNSpid:"u8))),
            ParentId = (int)Decimal(Field(text, "\nPPid:"u8)),
            TracerId = (int)Decimal(Field(text, "\nTracerPid:"u8)),
            UserId = (uint)Decimal(Field(text, "\nUid:"u8)),
            GroupId = (uint)Decimal(Field(text, "\nGid:"u8)),
            State = Field(text, "\nState:"u8) is [var state, ..] ? (char)state : '?',
            SeccompMode = (int)Decimal(Field(text, "\nSeccomp:"u8)),
            Blocked = Hexadecimal(Field(text, "\nSigBlk:"u8)),
            Ignored = Hexadecimal(Field(text, "\nSigIgn:"u8)),
            Caught = Hexadecimal(Field(text, "\nSigCgt:"u8)),
            Pending = Hexadecimal(Field(text, "\nSigPnd:"u8)) | Hexadecimal(Field(text, "\nShdPnd:"u8)),
            ExecutableSize = (long)(Decimal(Field(text, "\nVmExe:"u8)) + Decimal(Field(text, "\nVmLib:"u8))),
            HasShadowStack = Field(text, "\nx86_Thread_features:"u8).IndexOf("shstk"u8) >= 0,
        };
    }

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> text, ReadOnlySpan<byte> label)
    {
        // The name in the first line is the program's choice, but the kernel escapes newlines in it: a label
        // that starts with one is never found inside it.
        int at = text.IndexOf(label);
        if (at < 0)
            return default;
        ReadOnlySpan<byte> rest = text[(at + label.Length)..];
        int end = rest.IndexOf((byte)'\n');
        return (end < 0 ? rest : rest[..end]).Trim((byte)'\t').Trim((byte)' ');
    }

    private static ReadOnlySpan<byte> Last(ReadOnlySpan<byte> field) => field[(field.LastIndexOf((byte)'\t') + 1)..];

    private static ulong Decimal(ReadOnlySpan<byte> field) => Utf8Parser.TryParse(field, out ulong value, out _) ? value : 0;

    private static ulong Hexadecimal(ReadOnlySpan<byte> field) => Utf8Parser.TryParse(field, out ulong value, out _, 'x') ? value : 0;
}
