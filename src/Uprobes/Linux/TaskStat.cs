using System.Buffers.Text;

namespace Uprobes.Linux;

/// <summary>Fields of <c>/proc/TID/stat</c> (proc(5)).</summary>
internal static class TaskStat
{
    /// <summary>Field 39, counted from the one behind the name, which may itself hold anything.</summary>
    private const int ProcessorField = 36;

    /// <summary>The processor that a thread ran on last, or -1 when it is gone.</summary>
    internal static int ProcessorOf(int tid)
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
