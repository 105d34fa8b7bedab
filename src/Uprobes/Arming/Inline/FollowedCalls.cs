using System.Buffers.Binary;
using Uprobes.Programs.X64;
using Uprobes.Stacks;

namespace Uprobes.Arming.Inline;

/// <summary>
/// Knows where calls that are followed return in the end, from the call table in the target's memory. It is looked at when a stack is
/// read, which is later than it was captured: a call that has returned since is still known as long as no other took its entry. A call of
/// the same place with another caller would be taken for it; nothing here is certain, nor trusted. Usable from any thread.
/// </summary>
/// <param name="table">The call table.</param>
/// <param name="memory">The target's memory.</param>
internal sealed class FollowedCalls(CallTable table, MemoryReader memory) : IReturnThunks
{
    private const ulong PlaceMask = (1UL << CallTable.ChainShift) - 1;

    /// <inheritdoc/>
    public ulong? Original(ulong found, ulong place)
    {
        if (!IsThunk(found))
            return null;
        ulong address = found;
        Span<byte> entry = stackalloc byte[CallTable.ReturnAddressOffset + sizeof(ulong)];
        for (int link = 0; link <= CallTable.LongestChain; link++)
        {
            ulong index = (address - table.Thunks) / CallTable.ThunkSize;
            if (memory(table.Entries + (index * CallTable.EntrySize), entry) != entry.Length)
                return null;
            ulong key = BinaryPrimitives.ReadUInt64LittleEndian(entry[CallTable.KeyOffset..]);
            if (key != 0 && (key & PlaceMask) != (place & PlaceMask))
                return null;
            address = BinaryPrimitives.ReadUInt64LittleEndian(entry[CallTable.ReturnAddressOffset..]);
            if (!IsThunk(address))
                return address == 0 ? null : address;
        }

        return null;
    }

    private bool IsThunk(ulong address)
    {
        ulong offset = unchecked(address - table.Thunks);
        return offset < (ulong)table.Capacity * CallTable.ThunkSize && offset % CallTable.ThunkSize == 0;
    }
}
