using Uprobes.Channels;

namespace Uprobes.Tests.Channels;

/// <summary>Numbers that emitted code, interpreter and readers must agree on; reckoned by hand.</summary>
public sealed class ChannelLayoutTests
{
    private static readonly MapDefinition Unkeyed = new("a", AggregateKind.Statistics, DataType.I64, [], 1);
    private static readonly MapDefinition Second = new("b", AggregateKind.Count, DataType.U64, [], 1);
    private static readonly MapDefinition Keyed = new("c", AggregateKind.LogHistogram, DataType.U32, [DataType.U32, DataType.Text(16)], 64);

    [Fact]
    public void A_layout_with_maps_and_rings()
    {
        ChannelLayout layout = new([Unkeyed, Keyed, Second], probes: 3, threadSlots: 128, ringBytes: 8192);
        Assert.Equal(192 + 16384, layout.CellsOffset(0));
        Assert.Equal(16576 + (3 * 32), layout.CellsOffset(2));
        Assert.Equal(20480, layout.RingOffset);
        Assert.Equal(20480 + 8192 + 32768, layout.RecordStride);
        Assert.Equal(4096 + 8192, layout.RecordsOffset);
        Assert.Equal(12288 + (128 * 61440), layout.TableOffset(1));
        Assert.Equal(8 + 8 + 24 + (66 * 8), layout.EntrySize(1));
        Assert.Equal(layout.TableOffset(1) + 36864, layout.Size); // 64 entries of 568 bytes: 36352, in whole pages.
    }

    [Fact]
    public void A_layout_without_rings_has_records_of_whole_pages()
    {
        ChannelLayout layout = new([Second], probes: 1, threadSlots: 2, ringBytes: 0);
        Assert.Equal(20480, layout.RecordStride);
        Assert.Equal(4096 + 4096 + (2 * 20480), layout.Size);
    }

    [Fact]
    public void Neighbouring_stacks_begin_their_search_at_different_slots()
    {
        ChannelLayout layout = new([], probes: 1, threadSlots: 128, ringBytes: 0);
        Assert.Equal(0x25, layout.SlotOf(0x7f12_3402_5740));
        Assert.Equal(0x7f, layout.SlotOf(0xffff_ffff_ffff_ffff));
    }

    [Fact]
    public void Hashes_of_keys_are_these()
    {
        Assert.Equal(0x8000_0000_0000_0000, KeyHash.StateOf([0]));
        ulong once = unchecked(1 * 0x9E37_79B9_7F4A_7C15);
        once ^= once >> 32;
        Assert.Equal(0x9E37_79B9_E17D_05ACul, once);
        Assert.Equal(once | (1ul << 63), KeyHash.StateOf([1]));
        ulong twice = unchecked((once ^ 2) * 0x9E37_79B9_7F4A_7C15);
        Assert.Equal(((twice ^ (twice >> 32)) | (1ul << 63)) & ~3ul, KeyHash.StateOf([1, 2]));
    }

    [Fact]
    public void Sizes_of_records_count_texts_with_their_length() =>
        Assert.Equal(16 + 8 + 40 + 8, new EventDefinition("e", [DataType.U8, DataType.Text(32), DataType.I64]).RecordSize);
}
