using System.Buffers.Text;

namespace Uprobes.Linux;

/// <summary>How long a thread has run, and has waited for a processor while it could have run (<c>/proc/TID/schedstat</c>).</summary>
/// <param name="RunningNanoseconds">Time on a processor.</param>
/// <param name="WaitingNanoseconds">Time on a run queue.</param>
internal readonly record struct SchedulerTimes(long RunningNanoseconds, long WaitingNanoseconds)
{
    /// <summary>Zeros for a thread that is gone, or on a kernel without the file.</summary>
    internal static SchedulerTimes Of(int tid)
    {
        Span<byte> text = stackalloc byte[128];
        ReadOnlySpan<byte> rest = text[..Math.Max(ProcFile.Read($"/proc/{tid}/schedstat", text), 0)];
        if (!Utf8Parser.TryParse(rest, out long running, out int digits) || digits >= rest.Length
            || !Utf8Parser.TryParse(rest[(digits + 1)..], out long waiting, out _))
            return default;
        return new SchedulerTimes(running, waiting);
    }
}
