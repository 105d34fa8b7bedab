using Uprobes.Arming.X64;

namespace Uprobes.Arming.Trap;

/// <summary>A piece of memory in the tracee, mapped by us, that is divided into slots of one size.</summary>
internal sealed class SlotChunk(ulong start, int length)
{
    private readonly SlotUse[] _owners = new SlotUse[length / InstructionRelocator.MaximumCodeLength];
    private int _used;

    internal ulong Start { get; } = start;

    internal int Length { get; } = length;

    internal int Free => _owners.Length - _used;

    /// <summary>Bytes that are needed for so many slots, in whole pages.</summary>
    internal static int LengthFor(int slots)
    {
        const int PageSize = 4096, Smallest = 64 * 1024;
        int bytes = checked(slots * InstructionRelocator.MaximumCodeLength);
        return Math.Max(Smallest, (bytes + PageSize - 1) / PageSize * PageSize);
    }

    internal bool Contains(ulong address) => address - Start < (ulong)Length;

    /// <summary>Whether code in the chunk can reach an address, and be reached from it, by a 32-bit displacement.</summary>
    internal bool Reaches(ulong address)
    {
        const long Reach = int.MaxValue - 4096;
        long first = (long)(Start - address), last = (long)(Start + (ulong)Length - address);
        return first is > -Reach and < Reach && last is > -Reach and < Reach;
    }

    /// <summary>Takes the next slot. The caller has seen that one is free.</summary>
    internal ulong Take(Site owner, bool stopsAfter)
    {
        int index = _used++;
        _owners[index] = new SlotUse(owner, stopsAfter, Start + (ulong)(index * InstructionRelocator.MaximumCodeLength));
        return Start + (ulong)(index * InstructionRelocator.MaximumCodeLength);
    }

    /// <summary>The slot that an address is in.</summary>
    internal bool TryFind(ulong address, out SlotUse slot)
    {
        int index = (int)((address - Start) / InstructionRelocator.MaximumCodeLength);
        slot = index < _used ? _owners[index] : default;
        return slot.Owner is not null;
    }

    /// <summary>The same slots with other owners: those of a forked copy.</summary>
    internal SlotChunk CopyFor(Func<Site, Site> ownerInCopy)
    {
        SlotChunk copy = new(Start, Length) { _used = _used };
        for (int i = 0; i < _used; i++)
            copy._owners[i] = _owners[i] with { Owner = ownerInCopy(_owners[i].Owner) };
        return copy;
    }
}

/// <summary>A slot in use.</summary>
/// <param name="Owner">The site whose instruction is in it.</param>
/// <param name="StopsAfter">Whether its code ends in a stop.</param>
/// <param name="Address">Where it starts.</param>
internal readonly record struct SlotUse(Site Owner, bool StopsAfter, ulong Address)
{
    /// <summary>The slot's code and what each position in it means, made again; null for a slot that was never filled.</summary>
    internal RelocatedInstruction? Code =>
        InstructionRelocator.TryRelocate(Owner.Original, Owner.Address, Address, StopsAfter, out RelocatedInstruction? relocated, out _) ? relocated : null;
}
