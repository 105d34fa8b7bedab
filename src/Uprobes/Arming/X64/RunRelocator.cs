using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Uprobes.Arming.X64;

/// <summary>Relocates several instructions that one patch displaces. Pure functions; any thread.</summary>
internal static class RunRelocator
{
    /// <summary>Makes the code of a run, which ends in a jump behind the displaced bytes, or wherever its last instruction goes.</summary>
    /// <param name="bytes">The original memory at <paramref name="address"/>, the displaced bytes and more: up to 15 bytes from the last instruction on.</param>
    /// <param name="address">The site, an address in the tracee.</param>
    /// <param name="length">How many bytes are displaced: whole instructions.</param>
    /// <param name="destination">Where the code will be, an address in the tracee.</param>
    /// <param name="insert">Code to be put in front of an instruction's copy, by its start in bytes from the site; asked for at each but the first. Null for none.</param>
    /// <param name="run">The code, and what each position in it means.</param>
    /// <param name="refusal">Why there is none.</param>
    public static bool TryRelocate(
        ReadOnlySpan<byte> bytes,
        ulong address,
        int length,
        ulong destination,
        Func<int, ulong, byte[]?>? insert,
        [NotNullWhen(true)] out RelocatedRun? run,
        [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        run = null;
        refusal = null;
        List<byte> code = new(capacity: 64);
        var positions = ImmutableArray.CreateBuilder<SlotPosition>(initialCapacity: 4);
        var members = ImmutableArray.CreateBuilder<RunMember>(initialCapacity: 4);
        for (int start = 0; start < length;)
        {
            if (start > 0 && insert?.Invoke(start, destination + (ulong)code.Count) is { } inserted)
                code.AddRange(inserted);
            ReadOnlySpan<byte> here = bytes[start..];
            here = here[..Math.Min(here.Length, 15)];
            ulong at = destination + (ulong)code.Count;
            if (!InstructionRelocator.TryRelocateOne(here, address + (ulong)start, at, length - start, out InspectedInstruction inspected, out RelocatedInstruction? one, out refusal))
                return false;
            int codeStart = code.Count;
            foreach (SlotPosition position in one.Positions)
                positions.Add(position with { Offset = codeStart + position.Offset });
            code.AddRange(one.Code);
            members.Add(new RunMember(start, inspected.Length, codeStart, inspected.ControlFlow, codeStart + EndOf(one, inspected)));
            start += inspected.Length;
        }

        run = new RelocatedRun { Code = [.. code], Positions = positions.ToImmutable(), Members = members.ToImmutable(), OriginalLength = length };
        return true;
    }

    private static int EndOf(RelocatedInstruction one, in InspectedInstruction inspected)
    {
        if (inspected.ControlFlow is not (ControlFlowKind.StraightLine or ControlFlowKind.SystemCall))
            return 0;
        // The position behind it is the last one; where the next copy follows there is none, and nobody asks.
        return one.Positions[^1].Executed ? one.Positions[^1].Offset : 0;
    }
}
