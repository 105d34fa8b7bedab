using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Uprobes.Arming.X64;

/// <summary>Writes the code of one slot and notes what every instruction boundary in it means.</summary>
/// <param name="displaced">The instruction whose slot it is.</param>
/// <param name="destination">The slot's address in the tracee.</param>
/// <param name="stopAfter">Whether ways out are int3s instead of jumps.</param>
/// <param name="fallsThrough">Whether the copy of the next instruction follows, so that the last way out is nothing at all.</param>
internal sealed class SlotCodeBuilder(DisplacedInstruction displaced, ulong destination, bool stopAfter, bool fallsThrough = false)
{
    private readonly byte[] _code = new byte[InstructionRelocator.MaximumCodeLength];
    private readonly ImmutableArray<SlotPosition>.Builder _positions = ImmutableArray.CreateBuilder<SlotPosition>(initialCapacity: 2);
    private readonly ImmutableArray<SlotExit>.Builder _exits = ImmutableArray.CreateBuilder<SlotExit>(initialCapacity: 0);
    private int _length;

    /// <summary>Whether ways out are int3s.</summary>
    public bool StopAfter => stopAfter;

    /// <summary>Bytes so far.</summary>
    public int Length => _length;

    /// <summary>The next byte's address in the tracee.</summary>
    public ulong Here => destination + (ulong)_length;

    /// <summary>The next instruction is reached before the displaced one has completed.</summary>
    public void BoundaryBefore(int stackAdjust = 0) =>
        _positions.Add(new(_length, displaced.Address, stackAdjust, Executed: false, FixRcx: false));

    /// <summary>The next instruction is reached after the displaced one has completed.</summary>
    public void BoundaryAfter(ulong originalRip, bool fixRcx = false) =>
        _positions.Add(new(_length, originalRip, StackAdjust: 0, Executed: true, fixRcx));

    /// <summary>A boundary at an offset that has been written already: inside the prefixes of <c>syscall</c>.</summary>
    public void BoundaryInside(int offset, ulong originalRip) =>
        _positions.Add(new(offset, originalRip, StackAdjust: 0, Executed: false, FixRcx: false));

    /// <summary>Appends bytes as they are.</summary>
    public void Write(params ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_code.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>Appends a 32-bit constant.</summary>
    public void Write32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_code.AsSpan(_length), value);
        _length += sizeof(uint);
    }

    /// <summary>Appends a 64-bit constant.</summary>
    public void Write64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_code.AsSpan(_length), value);
        _length += sizeof(ulong);
    }

    /// <summary>Sets a byte that was left open, the distance of a short branch.</summary>
    public void Patch(int offset, byte value) => _code[offset] = value;

    /// <summary>
    /// Whether a signed 32-bit distance that is counted from <paramref name="from"/> can name <paramref name="target"/>.
    /// </summary>
    public static bool Reaches(ulong from, ulong target, out uint distance)
    {
        long difference = unchecked((long)(target - from));
        distance = unchecked((uint)difference);
        return difference is >= int.MinValue and <= int.MaxValue;
    }

    /// <summary>
    /// A way out, after the displaced instruction has completed:
    /// <code>
    /// e9 rel32                     jmp  target
    /// ff 25 00000000; quad         jmp  *0(%rip)       where the target is out of reach
    /// cc                           int3                where a post handler wants the thread
    /// </code>
    /// After the int3 the thread's RIP is one further on, which means the same thing and has a position too.
    /// </summary>
    public void Leave(ulong target)
    {
        if (fallsThrough && target == displaced.Next)
            return; // Its end is the beginning of the next one.
        BoundaryAfter(target);
        if (stopAfter)
        {
            _exits.Add(new(_length, target));
            Write(0xCC);
            BoundaryAfter(target);
        }
        else
        {
            Jump(target);
        }
    }

    /// <summary>The jump of <see cref="Leave"/>, without a boundary of its own.</summary>
    public void Jump(ulong target)
    {
        if (Reaches(Here + 5, target, out uint distance))
        {
            Write(0xE9);
            Write32(distance);
        }
        else
        {
            Write(0xFF, 0x25, 0, 0, 0, 0);
            Write64(target);
        }
    }

    /// <summary>What was written.</summary>
    public RelocatedInstruction Build() => new()
    {
        Code = _code[.._length],
        Positions = _positions.ToImmutable(),
        Exits = _exits.ToImmutable(),
        OriginalLength = displaced.Bytes.Length,
    };
}
