using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Moving values about.</summary>
internal sealed partial class ProgramEmitter
{
    /// <summary>mov register, value</summary>
    private void Load(Gpr register, Operand value)
    {
        if (value.IsMemory)
            A.mov(register.Q, value.Memory);
        else if (value.IsRegister && value.Register != register)
            A.mov(register.Q, value.Register.Q);
        else if (value.IsConstant)
            LoadConstant(register, value.Number);
    }

    /// <summary>A number in as few bytes as it takes; flags may be changed.</summary>
    private void LoadConstant(Gpr register, long number)
    {
        if (number == 0)
            A.xor(register.D, register.D);
        else if (number == (uint)number)
            A.mov(register.D, (uint)number);
        else
            A.mov(register.Q, number);
    }

    /// <summary>mov place, value; through rcx where it must be.</summary>
    private void Store(Operand place, Operand value)
    {
        if (place.IsRegister)
            Load(place.Register, value);
        else
            Store(place.Memory, value);
    }

    /// <summary>mov [memory], value; through rcx where it must be.</summary>
    private void Store(AssemblerMemoryOperand memory, Operand value)
    {
        if (value.IsImmediate)
            A.mov(memory, (int)value.Number);
        else
            A.mov(memory, InRegister(value, Gpr.Rcx).Q);
    }

    /// <summary>The register that a value is in, which is a stated one where it is in none.</summary>
    private Gpr InRegister(Operand value, Gpr otherwise)
    {
        if (value.IsRegister)
            return value.Register;
        Load(otherwise, value);
        return otherwise;
    }

    /// <summary>The value in a register that may be changed.</summary>
    private Gpr Own(Operand value)
    {
        if (value.IsOwned)
            return value.Register;
        Gpr register = _registers.Take();
        Load(register, value);
        return register;
    }

    private Gpr EvaluateToOwned(Expression expression) => Own(Evaluate(expression));

    /// <summary>Applies an operation: op register, value; through rcx where the number is too large.</summary>
    private void Apply(BinaryOperator operation, Gpr register, Operand value)
    {
        if (value.IsImmediate)
        {
            int number = (int)value.Number;
            switch (operation)
            {
                case BinaryOperator.Add: A.add(register.Q, number); break;
                case BinaryOperator.Subtract: A.sub(register.Q, number); break;
                case BinaryOperator.Multiply: A.imul(register.Q, register.Q, number); break;
                case BinaryOperator.And: A.and(register.Q, number); break;
                case BinaryOperator.Or: A.or(register.Q, number); break;
                case BinaryOperator.Xor: A.xor(register.Q, number); break;
                default: throw Unknown(operation);
            }
        }
        else if (value.IsMemory)
        {
            AssemblerMemoryOperand memory = value.Memory;
            switch (operation)
            {
                case BinaryOperator.Add: A.add(register.Q, memory); break;
                case BinaryOperator.Subtract: A.sub(register.Q, memory); break;
                case BinaryOperator.Multiply: A.imul(register.Q, memory); break;
                case BinaryOperator.And: A.and(register.Q, memory); break;
                case BinaryOperator.Or: A.or(register.Q, memory); break;
                case BinaryOperator.Xor: A.xor(register.Q, memory); break;
                default: throw Unknown(operation);
            }
        }
        else
        {
            AssemblerRegister64 other = InRegister(value, Gpr.Rcx).Q;
            switch (operation)
            {
                case BinaryOperator.Add: A.add(register.Q, other); break;
                case BinaryOperator.Subtract: A.sub(register.Q, other); break;
                case BinaryOperator.Multiply: A.imul(register.Q, other); break;
                case BinaryOperator.And: A.and(register.Q, other); break;
                case BinaryOperator.Or: A.or(register.Q, other); break;
                case BinaryOperator.Xor: A.xor(register.Q, other); break;
                default: throw Unknown(operation);
            }
        }
    }

    private static ArgumentOutOfRangeException Unknown(BinaryOperator operation) => new(nameof(operation), operation, "no such operation of two operands");

    /// <summary>
    /// Cuts a register to a type and extends it again.
    /// <code>
    ///     movzx / movsx / movsxd / mov r32, r32
    /// </code>
    /// </summary>
    private void Wrap(Gpr register, DataType type)
    {
        switch (type.Bits, type.IsSigned)
        {
            case (8, false): A.movzx(register.D, register.B); break;
            case (8, true): A.movsx(register.Q, register.B); break;
            case (16, false): A.movzx(register.D, register.W); break;
            case (16, true): A.movsx(register.Q, register.W); break;
            case (32, false): A.mov(register.D, register.D); break;
            case (32, true): A.movsxd(register.Q, register.D); break;
            default: break;
        }
    }

    /// <summary>Whether what a type's values are held as is the same as of another type.</summary>
    private static bool Holds(DataType type, DataType value) => type.Bits == 64
        || (type == value)
        || (value.Bits < type.Bits && (type.IsSigned || !value.IsSigned));
}
