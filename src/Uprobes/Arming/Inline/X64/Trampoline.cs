using Uprobes.Arming.X64;

namespace Uprobes.Arming.Inline.X64;

/// <summary>A trampoline as it is in the tracee.</summary>
internal sealed record Trampoline
{
    /// <summary>Where a patched site jumps to.</summary>
    internal required ulong Entry { get; init; }

    /// <summary>First byte of its memory.</summary>
    internal required ulong Start { get; init; }

    internal required byte[] Code { get; init; }

    /// <summary>Where the copies of the displaced instructions begin, which the run's offsets count from.</summary>
    internal required ulong RunStart { get; init; }

    internal required RelocatedRun Run { get; init; }

    /// <summary>The flag of each program, in the order of the bindings.</summary>
    internal required IReadOnlyList<ulong> Flags { get; init; }

    /// <summary>The code of the return programs; empty where none is followed.</summary>
    internal IReadOnlyList<ReturnStub> Stubs { get; init; } = [];

    /// <summary>Where programs begin that stand in front of a displaced instruction, and that one's address at the site.</summary>
    internal required IReadOnlyList<(ulong Place, ulong Displaced)> Doors { get; init; }

    /// <summary>Whether a program begins at a place that stands in front of a displaced instruction.</summary>
    internal bool HasDoor(ulong place, out ulong displaced)
    {
        foreach ((ulong door, ulong behind) in Doors)
        {
            if (door != place)
                continue;
            displaced = behind;
            return true;
        }

        displaced = 0;
        return false;
    }

    internal bool Contains(ulong address) => address - Start < (ulong)Code.Length;

    /// <summary>What a RIP among the copies, or at a program's first instruction, means; null in a program, or where no thread can be.</summary>
    internal SlotPosition? PositionOf(ulong rip)
    {
        if (HasDoor(rip, out ulong displaced))
            return new SlotPosition((int)(long)(rip - RunStart), displaced, StackAdjust: 0, Executed: false, FixRcx: false);
        SlotPosition? behind = null;
        foreach (SlotPosition position in Run.Positions)
        {
            if (RunStart + (ulong)position.Offset != rip)
                continue;
            if (!position.Executed)
                return position;
            behind = position; // And in front of the next one, if there is one.
        }

        return behind;
    }

    /// <summary>Where a thread goes on in the copies that was about to run a displaced instruction at the site; 0 for none.</summary>
    internal ulong CopyOf(ulong site, ulong rip)
    {
        foreach (RunMember member in Run.Members)
        {
            if (site + (ulong)member.Start == rip)
                return RunStart + (ulong)member.CodeStart;
        }

        return 0;
    }
}
