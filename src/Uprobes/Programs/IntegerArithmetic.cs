using System.Buffers.Binary;
using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>What the operators of programs do with integers, as they are held: in 64 bits, wrapped to their type.</summary>
internal static class IntegerArithmetic
{
    /// <summary>The value of an operation on an operand of a type.</summary>
    internal static long Apply(UnaryOperator @operator, DataType type, long operand) => @operator switch
    {
        UnaryOperator.Negate => type.Wrap(unchecked(-operand)),
        UnaryOperator.Complement => type.Wrap(~operand),
        UnaryOperator.Not => Bit(operand == 0),
        UnaryOperator.SwapBytes => type.Wrap((long)(BinaryPrimitives.ReverseEndianness((ulong)operand) >> (64 - type.Bits))),
        _ => throw new ArgumentOutOfRangeException(nameof(@operator), @operator, "no such operator"),
    };

    /// <summary>The value of an operation on operands of a type (for shifts: on a left operand of that type). Logical operators see both operands here.</summary>
    internal static long Apply(BinaryOperator @operator, DataType type, long left, long right) => @operator switch
    {
        BinaryOperator.Add => type.Wrap(unchecked(left + right)),
        BinaryOperator.Subtract => type.Wrap(unchecked(left - right)),
        BinaryOperator.Multiply => type.Wrap(unchecked(left * right)),
        BinaryOperator.Divide => type.Wrap(Divide(type, left, right)),
        BinaryOperator.Remainder => type.Wrap(Remainder(type, left, right)),
        BinaryOperator.And => left & right,
        BinaryOperator.Or => left | right,
        BinaryOperator.Xor => left ^ right,
        BinaryOperator.ShiftLeft => type.Wrap(left << Distance(type, right)),
        BinaryOperator.ShiftRight => type.IsSigned ? left >> Distance(type, right) : (long)((ulong)left >> Distance(type, right)),
        BinaryOperator.Equal => Bit(left == right),
        BinaryOperator.NotEqual => Bit(left != right),
        BinaryOperator.Less => Bit(IsLess(type, left, right)),
        BinaryOperator.LessOrEqual => Bit(!IsLess(type, right, left)),
        BinaryOperator.Greater => Bit(IsLess(type, right, left)),
        BinaryOperator.GreaterOrEqual => Bit(!IsLess(type, left, right)),
        BinaryOperator.LogicalAnd => Bit(left != 0 && right != 0),
        BinaryOperator.LogicalOr => Bit(left != 0 || right != 0),
        _ => throw new ArgumentOutOfRangeException(nameof(@operator), @operator, "no such operator"),
    };

    private static long Bit(bool value) => value ? 1 : 0;

    private static bool IsLess(DataType type, long left, long right) => type.IsSigned ? left < right : (ulong)left < (ulong)right;

    private static int Distance(DataType type, long right) => (int)(right & (type.Bits == 64 ? 63 : 31));

    private static long Divide(DataType type, long left, long right)
    {
        if (right == 0)
            return 0;
        if (!type.IsSigned)
            return (long)((ulong)left / (ulong)right);

        // The processor's division would trap on the least value by -1.
        return right == -1 ? unchecked(-left) : left / right;
    }

    private static long Remainder(DataType type, long left, long right)
    {
        if (right == 0)
            return left;
        if (!type.IsSigned)
            return (long)((ulong)left % (ulong)right);

        return right == -1 ? 0 : left % right;
    }
}
