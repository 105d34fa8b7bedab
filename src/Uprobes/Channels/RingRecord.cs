namespace Uprobes.Channels;

/// <summary>The first word of a record in a ring: bits 0-15 its size, 16-30 the event's number, 31 set when it is whole, 32-63 the thread id.</summary>
internal static class RingRecord
{
    /// <summary>Header and time stamp; the fields follow.</summary>
    internal const int HeaderSize = 16;

    internal const ulong Whole = 1ul << 31;

    internal static ulong HeaderOf(int size, int number, int tid) => (uint)size | ((ulong)number << 16) | ((ulong)(uint)tid << 32);

    internal static int SizeOf(ulong header) => (int)(header & 0xffff);

    internal static int NumberOf(ulong header) => (int)(header >> 16) & 0x7fff;

    internal static int ThreadIdOf(ulong header) => (int)(header >> 32);

    internal static bool IsWhole(ulong header) => (header & Whole) != 0;
}
