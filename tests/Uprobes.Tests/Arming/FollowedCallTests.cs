using System.Buffers.Binary;
using Uprobes.Arming.Inline;
using Uprobes.Programs.X64;

namespace Uprobes.Tests.Arming;

/// <summary>Return addresses that were replaced, looked up in a call table made by hand.</summary>
public sealed class FollowedCallTests
{
    private const ulong Place = 0x7ffd_0000_1230, Caller = 0x5555_0000_1111;
    private readonly CallTable _table = new(0x10000, 0x80010, 16);
    private readonly byte[] _entries = new byte[16 * CallTable.EntrySize];

    [Fact]
    public void A_pending_call_returns_where_its_entry_says()
    {
        Set(3, Place, Caller);
        Assert.Equal(Caller, Original(Thunk(3), Place));
    }

    [Fact]
    public void A_chain_of_calls_is_followed_to_its_end()
    {
        Set(3, Place | (1UL << CallTable.ChainShift), Thunk(4));
        Set(4, Place, Caller);
        Assert.Equal(Caller, Original(Thunk(3), Place));
    }

    [Fact]
    public void A_call_that_has_returned_is_known_until_another_takes_its_entry()
    {
        Set(3, 0, Caller);
        Assert.Equal(Caller, Original(Thunk(3), Place));
        Set(3, Place + 0x100, Caller);
        Assert.Null(Original(Thunk(3), Place));
    }

    [Fact]
    public void What_is_no_thunk_is_left_alone()
    {
        Set(3, Place, Caller);
        Assert.Null(Original(Caller, Place));
        Assert.Null(Original(Thunk(3) + 1, Place));
        Assert.Null(Original(Thunk(16), Place));
        Assert.Null(Original(Thunk(0) - 16, Place));
        Assert.Null(Original(Thunk(5), Place));
    }

    [Fact]
    public void A_chain_that_leads_to_itself_ends()
    {
        Set(3, Place, Thunk(4));
        Set(4, Place, Thunk(3));
        Assert.Null(Original(Thunk(3), Place));
    }

    [Fact]
    public void Memory_that_cannot_be_read_tells_nothing() => Assert.Null(new FollowedCalls(_table, (_, _) => 0).Original(Thunk(3), Place));

    private ulong Thunk(int index) => _table.Thunks + (ulong)(index * CallTable.ThunkSize);

    private void Set(int index, ulong key, ulong address)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_entries.AsSpan((index * CallTable.EntrySize) + CallTable.KeyOffset), key);
        BinaryPrimitives.WriteUInt64LittleEndian(_entries.AsSpan((index * CallTable.EntrySize) + CallTable.ReturnAddressOffset), address);
    }

    private ulong? Original(ulong found, ulong place) => new FollowedCalls(_table, Read).Original(found, place);

    private int Read(ulong address, Span<byte> destination)
    {
        _entries.AsSpan((int)(address - _table.Entries), destination.Length).CopyTo(destination);
        return destination.Length;
    }
}
