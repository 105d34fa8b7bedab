using System.Buffers;

namespace Uprobes.Script.Output;

/// <summary>Bytes on their way to a stream, which get there when the buffering says so.</summary>
/// <param name="stream">The stream, which is not closed.</param>
/// <param name="buffering">When to write.</param>
internal sealed class OutputBuffer(Stream stream, OutputBuffering buffering) : IBufferWriter<byte>
{
    private const int Limit = 1 << 16;

    private byte[] _bytes = new byte[4096];
    private int _count;

    public void Advance(int count) => _count += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(_count);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(_count);
    }

    /// <summary>A whole message has been put in: a printf, a map, a value.</summary>
    internal void EndMessage()
    {
        switch (buffering)
        {
            case OutputBuffering.None:
                Flush();
                break;
            case OutputBuffering.Line when _bytes.AsSpan(0, _count).LastIndexOf((byte)'\n') is >= 0 and int end:
                Write(end + 1);
                stream.Flush();
                break;
            case OutputBuffering.Line or OutputBuffering.Full when _count >= Limit:
                Write(_count);
                break;
        }
    }

    /// <summary>Writes everything.</summary>
    internal void Flush()
    {
        Write(_count);
        stream.Flush();
    }

    private void Write(int count)
    {
        int all = _count;
        _count = 0; // First: what a broken pipe refused is not tried again at the end.
        stream.Write(_bytes, 0, count);
        _bytes.AsSpan(count, all - count).CopyTo(_bytes);
        _count = all - count;
    }

    private void Reserve(int sizeHint)
    {
        int needed = _count + Math.Max(1, sizeHint);
        if (needed > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(needed, _bytes.Length * 2));
    }
}
