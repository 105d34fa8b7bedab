using System.Buffers.Binary;
using Uprobes.Tool.CommandLine;

namespace Uprobes.Tool.Events;

/// <summary>What a string slot of a payload holds.</summary>
internal enum TextState
{
    /// <summary>The whole string.</summary>
    Whole,

    /// <summary>The string's beginning.</summary>
    Shortened,

    /// <summary>The pointer was null.</summary>
    Null,

    /// <summary>The target's memory could not be read there.</summary>
    Unreadable,
}

/// <summary>
/// Where a call's values lie in its payload, a run of bytes of one size for all calls of a trace: eight bytes an
/// argument, then for every value shown as a string four bytes (state and length) and the string's bytes. The return
/// value's string, when there is one, is last.
/// </summary>
internal sealed class PayloadLayout
{
    private const int ArgumentSize = 8;
    private const int TextHeaderSize = 4;
    private readonly int[] _textStarts;
    private readonly int _textSlotSize;

    /// <summary>A layout for a format; strings keep up to <paramref name="maximumTextBytes"/> bytes.</summary>
    public PayloadLayout(ArgumentFormat format, bool hasResult, int maximumTextBytes)
    {
        Format = format;
        MaximumTextBytes = maximumTextBytes;
        _textSlotSize = TextHeaderSize + maximumTextBytes;
        _textStarts = new int[format.Arguments.Count + 1];
        var end = format.Arguments.Count * ArgumentSize;
        for (var i = 0; i < _textStarts.Length; i++)
        {
            var kind = i == ResultIndex ? format.Result : format.Arguments[i];
            _textStarts[i] = kind == ValueKind.Text && (i != ResultIndex || hasResult) ? end : -1;
            if (_textStarts[i] >= 0)
                end += _textSlotSize;
        }
        Size = end;
    }

    /// <summary>How the values are shown.</summary>
    public ArgumentFormat Format { get; }

    /// <summary>The longest string kept, in bytes.</summary>
    public int MaximumTextBytes { get; }

    /// <summary>The size of a payload in bytes.</summary>
    public int Size { get; }

    /// <summary>The index of the return value among the values.</summary>
    public int ResultIndex => Format.Arguments.Count;

    /// <summary>Whether a value is shown as a string.</summary>
    public bool HasText(int index) => _textStarts[index] >= 0;

    /// <summary>Keeps an argument.</summary>
    public static void SetArgument(Span<byte> payload, int index, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(payload[(index * ArgumentSize)..], value);

    /// <summary>A kept argument.</summary>
    public static ulong Argument(ReadOnlySpan<byte> payload, int index) =>
        BinaryPrimitives.ReadUInt64LittleEndian(payload[(index * ArgumentSize)..]);

    /// <summary>Where the bytes of a string go.</summary>
    public Span<byte> TextBuffer(Span<byte> payload, int index) =>
        payload.Slice(_textStarts[index] + TextHeaderSize, MaximumTextBytes);

    /// <summary>Says what the string's buffer holds.</summary>
    public void SetText(Span<byte> payload, int index, TextState state, int length) =>
        BinaryPrimitives.WriteInt32LittleEndian(payload[_textStarts[index]..], ((int)state << 24) | length);

    /// <summary>A kept string's bytes and state.</summary>
    public ReadOnlySpan<byte> Text(ReadOnlySpan<byte> payload, int index, out TextState state)
    {
        var header = BinaryPrimitives.ReadInt32LittleEndian(payload[_textStarts[index]..]);
        state = (TextState)(header >> 24);
        return payload.Slice(_textStarts[index] + TextHeaderSize, header & 0xffffff);
    }
}
