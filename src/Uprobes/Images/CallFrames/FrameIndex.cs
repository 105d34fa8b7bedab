using System.Buffers.Binary;

namespace Uprobes.Images.CallFrames;

/// <summary>Finds the entry of an address in one section. Immutable.</summary>
internal abstract class FrameIndex
{
    /// <summary>The entry's offset in its section, or -1. Whoever asks checks that the entry's range holds the address.</summary>
    internal abstract int Find(ulong address);

    /// <summary>An index made by going through the whole section.</summary>
    internal static FrameIndex Scan(FrameSection section, bool stopAtTerminator)
    {
        List<(ulong Start, int Offset)> entries = [.. section.Entries(stopAtTerminator).Select(e => (e.Entry.Start, e.Offset))];
        entries.Sort();
        return new Scanned([.. entries.Select(e => e.Start)], [.. entries.Select(e => e.Offset)]);
    }

    /// <summary>The sorted table of PT_GNU_EH_FRAME (LSB "Exception Frame Header"), where it has the form that linkers write.</summary>
    /// <param name="header">The segment's bytes.</param>
    /// <param name="address">Its link-time address.</param>
    /// <param name="frames">The link-time address of <c>.eh_frame</c>.</param>
    /// <returns>Null where it has another form.</returns>
    internal static FrameIndex? OfHeader(byte[] header, ulong address, ulong frames)
    {
        const byte SignedRelative = 0x3b, Unsigned = 0x03;
        var reader = new SpanReader(header);
        if (!reader.TryReadByte(out byte version) || version != 1 || !reader.TryReadByte(out byte pointer) || !reader.TryReadByte(out byte count)
            || !reader.TryReadByte(out byte table) || count != Unsigned || table != SignedRelative
            || !FrameReader.TryReadPointer(ref reader, pointer, address, out ulong start) || start != frames || !reader.TryReadUInt32(out uint entries)
            || entries > (uint)(reader.Remaining / 8))
            return null;
        return new Sorted(header.AsMemory(reader.Position, (int)entries * 8), address, frames);
    }

    private sealed class Scanned(ulong[] starts, int[] offsets) : FrameIndex
    {
        internal override int Find(ulong address)
        {
            int index = Array.BinarySearch(starts, address);
            index = index < 0 ? ~index - 1 : index;
            return index < 0 ? -1 : offsets[index];
        }
    }

    private sealed class Sorted(ReadOnlyMemory<byte> table, ulong address, ulong frames) : FrameIndex
    {
        internal override int Find(ulong wanted)
        {
            ReadOnlySpan<byte> rows = table.Span;
            int low = 0, high = rows.Length / 8;
            while (low < high)
            {
                int middle = (low + high) >>> 1;
                if (Word(rows, 2 * middle) <= wanted)
                    low = middle + 1;
                else
                    high = middle;
            }

            if (low == 0)
                return -1;
            ulong offset = unchecked(Word(rows, (2 * low) - 1) - frames);
            return offset > int.MaxValue ? -1 : (int)offset;
        }

        private ulong Word(ReadOnlySpan<byte> rows, int index) => unchecked(address + (ulong)(long)BinaryPrimitives.ReadInt32LittleEndian(rows[(4 * index)..]));
    }
}
