using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Where a value is while code is made: a number, a register, or a word in memory.</summary>
internal readonly record struct Operand
{
    private enum Place
    {
        Constant,
        Register,
        Memory,
    }

    private Place Kind { get; init; }

    /// <summary>The number, or the distance of the word from <see cref="Register"/>.</summary>
    internal long Number { get; private init; }

    /// <summary>The register that has the value or the word's base.</summary>
    internal Gpr Register { get; private init; }

    /// <summary>Whether the register was taken for this value, may be changed, and is to be given back.</summary>
    internal bool IsOwned { get; private init; }

    internal bool IsConstant => Kind == Place.Constant;

    internal bool IsRegister => Kind == Place.Register;

    internal bool IsMemory => Kind == Place.Memory;

    /// <summary>Whether instructions can have it as their immediate operand.</summary>
    internal bool IsImmediate => IsConstant && Number == (int)Number;

    /// <summary>The word in memory.</summary>
    internal AssemblerMemoryOperand Memory => __qword_ptr[Register.Q + Number];

    internal static Operand Constant(long number) => new() { Kind = Place.Constant, Number = number };

    /// <summary>A register that must not be changed.</summary>
    internal static Operand InPlace(Gpr register) => new() { Kind = Place.Register, Register = register };

    internal static Operand Owned(Gpr register) => new() { Kind = Place.Register, Register = register, IsOwned = true };

    /// <summary>A word of 64 bits. Little-endian: its lower parts are at the same address.</summary>
    internal static Operand Word(Gpr @base, int displacement) => new() { Kind = Place.Memory, Register = @base, Number = displacement };
}
