using System.Text;

namespace Uprobes.LiveTests.Kit;

/// <summary>What a process has written to one stream so far, and how far its lines have been looked at.</summary>
internal sealed class LineBuffer(int descriptor)
{
    private readonly StringBuilder text = new();
    private readonly Decoder decoder = new UTF8Encoding().GetDecoder();
    private int looked;

    public int Descriptor { get; } = descriptor;

    /// <summary>The writer has closed the stream.</summary>
    public bool Ended { get; private set; }

    /// <summary>Everything so far, lines that were looked at included.</summary>
    public string Text => text.ToString();

    /// <summary>Takes the next whole line that has not been looked at; at the end of the stream also one without a line feed.</summary>
    public bool TryTakeLine(out string line)
    {
        string all = text.ToString(looked, text.Length - looked);
        int end = all.IndexOf('\n', StringComparison.Ordinal);
        if (end < 0 && !(Ended && all.Length > 0))
        {
            line = "";
            return false;
        }

        line = end < 0 ? all : all[..end];
        looked += end < 0 ? all.Length : end + 1;
        return true;
    }

    /// <summary>Reads once; call only when poll(2) says that reading does not block.</summary>
    public unsafe void Fill()
    {
        const int Size = 64 * 1024;
        byte[] bytes = new byte[Size];
        nint got;
        fixed (byte* start = bytes)
            got = Native.Read(Descriptor, start, Size);
        if (got <= 0)
        {
            Ended = true;
            return;
        }

        char[] characters = new char[Size];
        int count = decoder.GetChars(bytes, 0, (int)got, characters, 0);
        text.Append(characters, 0, count);
    }
}
