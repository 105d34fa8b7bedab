using System.Buffers.Binary;

namespace Uprobes.Programs.X64;

/// <summary>
/// The table of calls whose return is awaited, in private memory of the target: a call is known by the address of its return
/// address, which is unique however stacks are switched, and a table entry's place gives the thunk it returns through.
/// <code>
/// entry (128 bytes): +0 key: address of the return address (lower 48 bits) and its place in a chain of such calls (upper 16), 0 free
///                    +8 the return address itself   +16 time stamp counter at entry   +24 address of the return program's code
///                    +32 six words of the entry program   +80 probe's index in its group   +88 site's address
/// </code>
/// An entry is looked for at the uppermost bits of key x Multiplier, as many as Capacity has, and the 7 places that follow, up to the first
/// free one. One with the same key, whose call has been left by longjmp or an exception, is taken over. Thunk i is 16 bytes at Thunks + 16 x i; it pushes i and goes on in common code.
/// A call whose return address is such a thunk already (a tail call of a followed one, or a second program on one function)
/// is a link of a chain: its key is the same with the next place.
/// </summary>
/// <param name="Entries">Address of the first entry.</param>
/// <param name="Thunks">Address of the first thunk; the thunks are in one piece, in order.</param>
/// <param name="Capacity">How many, a power of two.</param>
internal sealed record CallTable(ulong Entries, ulong Thunks, int Capacity)
{
    internal const int EntrySize = 128, ThunkSize = 16, ProbeWindow = 8, LongestChain = 256, ChainShift = 48;

    /// <summary>Spreads addresses that are a power of two apart, as coroutines' stacks are.</summary>
    internal const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    /// <summary>Writes what programs of the process have to know of it.</summary>
    /// <param name="state">That of <see cref="CodeEnvironment.ProcessState"/>.</param>
    internal void Describe(Span<byte> state)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(state[CodeEnvironment.EntriesOffset..], Entries);
        BinaryPrimitives.WriteUInt64LittleEndian(state[CodeEnvironment.ThunksOffset..], Thunks);
        BinaryPrimitives.WriteInt64LittleEndian(state[CodeEnvironment.ThunkBytesOffset..], Capacity * ThunkSize);
    }

    internal const int KeyOffset = 0, ReturnAddressOffset = 8, TicksOffset = 16, CodeOffset = 24, WordsOffset = 32, ProbeOffset = 80, SiteOffset = 88;
}
