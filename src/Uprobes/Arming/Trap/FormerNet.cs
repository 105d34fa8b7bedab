using System.Buffers.Binary;
using Uprobes.Arming.Trap.X64;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>
/// The safety net that a killed tracer has left in a process. A thread may still have to pass through it (one that sleeps in a
/// system call of a slot), so a later session takes over its entries while it is there, and leaves it as it found it.
/// </summary>
/// <param name="Action">Its handler's <c>struct kernel_sigaction</c>.</param>
/// <param name="IsIgnored">Whether the program itself ignored SIGTRAP.</param>
/// <param name="Entries">The breakpoints that it knew, with where they resume.</param>
internal sealed record FormerNet(byte[] Action, bool IsIgnored, IReadOnlyCollection<KeyValuePair<ulong, ulong>> Entries)
{
    /// <summary>Says that a net begins a page: UPROBNET.</summary>
    internal const ulong Magic = 0x5445_4E42_4F52_5055;

    /// <summary>Bytes of the description: magic, start address, capacity of the table, whether SIGTRAP was ignored; 8 bytes each.</summary>
    internal const int DescriptionSize = 32;

    /// <summary>Describes a net, for whoever finds it later.</summary>
    internal static void Describe(Span<byte> destination, ulong start, uint capacity, bool isIgnored)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], start);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], capacity);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], isIgnored ? 1UL : 0);
    }

    /// <summary>The net that a SIGTRAP action belongs to; null for an action of the program's own. What is read is hostile input.</summary>
    internal static FormerNet? Find(TraceeMemory memory, byte[] action)
    {
        ulong start = BinaryPrimitives.ReadUInt64LittleEndian(action) - SafetyNet.CodeOffset;
        Span<byte> description = stackalloc byte[DescriptionSize], expected = stackalloc byte[DescriptionSize];
        if (memory.Read(new RemoteAddress(start + SafetyNet.DescriptionOffset), description) != DescriptionSize)
            return null;
        ulong capacity = BinaryPrimitives.ReadUInt64LittleEndian(description[16..]);
        bool isIgnored = description[24] == 1;
        if (!SafetyNetTable.IsCapacity(capacity))
            return null;
        Describe(expected, start, (uint)capacity, isIgnored);
        if (!description.SequenceEqual(expected))
            return null;
        byte[] code = SafetyNet.Handler(start, (uint)capacity, isIgnored, out _), found = new byte[code.Length];
        byte[] table = new byte[SafetyNetTable.SizeInBytes((uint)capacity)];
        if (memory.Read(new RemoteAddress(start + SafetyNet.CodeOffset), found) != found.Length || !found.AsSpan().SequenceEqual(code)
            || memory.Read(new RemoteAddress(start + SafetyNet.TableOffset), table) != table.Length)
            return null;
        return new FormerNet(action, isIgnored, [.. SafetyNetTable.EntriesIn(table)]);
    }
}
