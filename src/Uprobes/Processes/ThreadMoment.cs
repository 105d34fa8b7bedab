using System.Buffers.Text;
using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>What the kernel tells of a thread at one moment (proc(5)). For a thread that is gone or hidden there is nothing.</summary>
internal static class ThreadMoment
{
    /// <summary>Bytes of the longest name, with the zero behind it (prctl(2), PR_SET_NAME).</summary>
    internal const int NameSize = 16;

    private const int ProcessorField = 39;

    /// <summary>The thread's name, at most 15 bytes of any value but zero.</summary>
    /// <param name="tid">Its id, in the tracer's view.</param>
    internal static byte[] NameOf(int tid)
    {
        byte[] text = ProcFile.ReadAll($"/proc/{tid}/comm") ?? [];
        int length = text.Length > 0 && text[^1] == '\n' ? text.Length - 1 : text.Length;
        return text[..Math.Min(length, NameSize - 1)];
    }

    /// <summary>The parent of the thread's process, in the tracer's view; 0 where it is not in that view, or not known.</summary>
    /// <param name="tid">The thread's id, in the tracer's view.</param>
    internal static int ParentOf(int tid) => ThreadStatus.TryRead(tid)?.ParentId ?? 0;

    /// <summary>The processor that a stopped thread ran on last; 0 where that is not known.</summary>
    /// <param name="tid">Its id, in the tracer's view.</param>
    internal static int ProcessorOf(int tid)
    {
        // Fields are counted from the last parenthesis on, since the thread's name may hold anything; the one behind it is the third.
        ReadOnlySpan<byte> text = ProcFile.ReadAll($"/proc/{tid}/stat");
        text = text[(text.LastIndexOf((byte)')') + 1)..];
        int field = 2;
        foreach (Range part in text.Split((byte)' '))
        {
            if (field++ == ProcessorField)
                return Utf8Parser.TryParse(text[part], out int processor, out _) ? processor : 0;
        }

        return 0;
    }
}
