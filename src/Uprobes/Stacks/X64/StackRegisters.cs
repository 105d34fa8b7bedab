using System.Runtime.CompilerServices;

namespace Uprobes.Stacks.X64;

/// <summary>
/// The registers that unwinding works with, each known or not, by their DWARF numbers (System V ABI, AMD64, figure 3.36).
/// </summary>
internal struct StackRegisters
{
    internal const int Rbx = 3, Rbp = 6, Rsp = 7, R12 = 12, R15 = 15, Rip = 16, Count = 17;
    private const uint KeptByCalls = (1u << Rbx) | (1u << Rbp) | (0xfu << R12);
    private uint _known;
    private Values _values;

    [InlineArray(Count)]
    private struct Values
    {
        private ulong _first;
    }

    /// <summary>The DWARF number of a register that the processor numbers: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15.</summary>
    internal static int OfProcessor(int number) => number switch
    {
        0 => 0,
        1 => 2,
        2 => 1,
        3 => Rbx,
        4 => Rsp,
        5 => Rbp,
        6 => 4,
        7 => 5,
        >= 8 and <= R15 => number,
        _ => throw new ArgumentOutOfRangeException(nameof(number), number, "There are 16 registers."),
    };

    /// <summary>A known register's value; 0 for others.</summary>
    internal readonly ulong this[int register] => Knows(register) ? _values[register] : 0;

    /// <summary>Whether the value is known.</summary>
    internal readonly bool Knows(int register) => (uint)register < Count && (_known & (1u << register)) != 0;

    /// <summary>A register's value where it is known.</summary>
    internal readonly bool TryGet(int register, out ulong value)
    {
        bool known = Knows(register);
        value = known ? _values[register] : 0;
        return known;
    }

    /// <summary>Gives a register a value.</summary>
    internal void Set(int register, ulong value)
    {
        _values[register] = value;
        _known |= 1u << register;
    }

    /// <summary>Forgets the registers that a call need not keep (System V ABI, AMD64, figure 3.4).</summary>
    internal void ForgetScratch() => _known &= KeptByCalls;

    /// <summary>The value is lost.</summary>
    internal void Forget(int register) => _known &= ~(1u << register);
}
