using System.Buffers.Binary;

namespace Uprobes.Tests.Programs;

/// <summary>
/// What a synthetic target has in its memory: readable pages at fixed addresses with gaps between them, so that a test that runs
/// emitted code can map the same. Nothing else of the target's memory is readable.
/// <code>
/// DataBase   page 0 and 1 readable, 2 not, 3 readable, 4 not
/// StackBase  pages 0 to 3 readable, 4 not; rsp is in page 3
/// </code>
/// </summary>
internal sealed class SyntheticMemory
{
    internal const ulong DataBase = 0x1000_0000_0000, StackBase = 0x1100_0000_0000;
    internal const int PageSize = 4096, StackPages = 4;

    /// <summary>The pages that there are: addresses and contents.</summary>
    internal IReadOnlyList<(ulong Address, byte[] Bytes)> Areas { get; }

    internal SyntheticMemory(ChoiceSource choices)
    {
        byte[] low = new byte[2 * PageSize], high = new byte[PageSize], stack = new byte[StackPages * PageSize];
        Random random = new(choices.Below(1000));
        foreach (byte[] area in new[] { low, high, stack })
            Fill(area, random);

        Areas = [(DataBase, low), (DataBase + (3 * PageSize), high), (StackBase, stack)];
    }

    /// <summary>An address: in a page, at its ends, at the ends of what is readable, or nowhere.</summary>
    internal static ulong Address(ChoiceSource choices) => choices.Below(10) switch
    {
        0 => DataBase + (ulong)choices.Below(16) * 8,
        1 => DataBase + (ulong)choices.Below(2 * PageSize),
        2 => DataBase + PageSize - (ulong)choices.Below(40),
        3 => DataBase + (2 * PageSize) - (ulong)choices.Below(40),
        4 => DataBase + (2 * PageSize) + (ulong)choices.Below(20),
        5 => DataBase + (3 * PageSize) - (ulong)choices.Below(20),
        6 => DataBase + (3 * PageSize) + (ulong)choices.Below(PageSize),
        7 => DataBase + (4 * PageSize) - (ulong)choices.Below(300),
        8 => choices.Of<ulong>(0, 1, 4095, 0x7fff_ffff_fff8, 0x8000_0000_0000, 0xffff_8000_0000_0000, ulong.MaxValue - 3, ulong.MaxValue),
        _ => DataBase + (ulong)choices.Below(PageSize) + (ulong)choices.Below(4 * PageSize),
    };

    /// <summary>As <see cref="Uprobes.Programs.IProgramContext.TryRead"/>; what is read ends at the first byte that is not there.</summary>
    internal int TryRead(ulong address, Span<byte> destination)
    {
        for (int i = 0; i < Areas.Count; i++)
        {
            (ulong start, byte[] bytes) = Areas[i];
            if (address < start || address - start >= (ulong)bytes.Length)
                continue;

            int from = (int)(address - start), length = Math.Min(destination.Length, bytes.Length - from);
            bytes.AsSpan(from, length).CopyTo(destination);
            return length;
        }

        return 0;
    }

    /// <summary>Words of all kinds, and texts of all lengths; some without an end before the page's.</summary>
    private static void Fill(byte[] area, Random random)
    {
        int at = 0;
        while (at < area.Length)
        {
            int length = Math.Min(area.Length - at, random.Next(1, 300));
            Span<byte> piece = area.AsSpan(at, length);
            switch (random.Next(4))
            {
                case 0:
                    random.NextBytes(piece);
                    break;
                case 1:
                    for (int i = 0; i + 8 <= length; i += 8)
                        BinaryPrimitives.WriteInt64LittleEndian(piece[i..], InterestingNumbers.All[random.Next(InterestingNumbers.All.Length)]);
                    break;
                default:
                    // A text, then its zero.
                    for (int i = 0; i < length - 1; i++)
                        piece[i] = (byte)('a' + random.Next(3));
                    break;
            }

            at += length;
        }

        // Over the ends of pages, texts go on.
        for (int end = PageSize; end <= area.Length; end += PageSize)
            area.AsSpan(end - 24, Math.Min(30, area.Length - end + 24)).Fill((byte)'z');
    }
}
