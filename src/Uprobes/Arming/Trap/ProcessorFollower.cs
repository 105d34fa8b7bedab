using System.Buffers.Text;
using Uprobes.Linux;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Keeps the tracer thread on the processor of the thread that it serves: a stop that crosses processors costs
/// many times one that does not, on virtual machines above all. Looks seldom while nothing changes. On the tracer thread only.
/// </summary>
internal sealed class ProcessorFollower
{
    private const int ShortestInterval = 8, LongestInterval = 512;

    /// <summary>Field 39 of /proc/TID/stat, counted from the one behind the name (proc(5)).</summary>
    private const int ProcessorField = 36;
    private readonly byte[]? _allowed = Scheduling.GetAffinity();
    private int _interval = ShortestInterval;
    private int _countdown;
    private int _processor = -1;

    /// <summary>A thread was stopped by a hit.</summary>
    internal void OnHit(int tid)
    {
        if (--_countdown > 0)
            return;
        int processor = ProcessorOf(tid);
        _interval = processor == _processor ? Math.Min(_interval * 2, LongestInterval) : ShortestInterval;
        _countdown = _interval;
        if (processor < 0 || processor == _processor || _allowed is null || (_allowed[processor >> 3] & (1 << (processor & 7))) == 0)
            return;
        if (Scheduling.SetAffinity(processor) == 0)
            _processor = processor;
    }

    /// <summary>Lets the tracer thread run anywhere again.</summary>
    internal void Release()
    {
        if (_processor >= 0 && _allowed is not null && Scheduling.SetAffinity(_allowed) == 0)
            _processor = -1;
        _countdown = 0;
    }

    private static int ProcessorOf(int tid)
    {
        Span<byte> text = stackalloc byte[1024];
        int length = ProcFile.Read($"/proc/{tid}/stat", text);
        ReadOnlySpan<byte> rest = text[..Math.Max(length, 0)];
        rest = rest[(rest.LastIndexOf((byte)')') + 1)..];
        for (int field = 0; field <= ProcessorField && !rest.IsEmpty; field++)
            rest = rest[(rest.IndexOf((byte)' ') + 1)..];
        return Utf8Parser.TryParse(rest, out int processor, out _) ? processor : -1;
    }
}
