using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Running;

/// <summary>What the operators do with scalars, which are held in 64 bits. The same as what programs in the target do.</summary>
internal static class ScriptArithmetic
{
    /// <summary>The value of an operation, not yet cut to the type of the result. Logical operators are not among them.</summary>
    /// <param name="operation">Which one.</param>
    /// <param name="isSigned">Whether the operands are signed.</param>
    /// <param name="left">The left operand, extended to 64 bits.</param>
    /// <param name="right">The right operand, extended to 64 bits.</param>
    internal static long Apply(BinaryOperatorSyntax operation, bool isSigned, long left, long right) => unchecked(operation switch
    {
        BinaryOperatorSyntax.Add => left + right,
        BinaryOperatorSyntax.Subtract => left - right,
        BinaryOperatorSyntax.Multiply => left * right,
        BinaryOperatorSyntax.Divide => Divide(isSigned, left, right),
        BinaryOperatorSyntax.Remainder => Remainder(isSigned, left, right),
        BinaryOperatorSyntax.And => left & right,
        BinaryOperatorSyntax.Or => left | right,
        BinaryOperatorSyntax.Xor => left ^ right,
        BinaryOperatorSyntax.ShiftLeft => left << (int)right,
        BinaryOperatorSyntax.ShiftRight => isSigned ? left >> (int)right : (long)((ulong)left >> (int)right),
        BinaryOperatorSyntax.Equal => Bit(left == right),
        BinaryOperatorSyntax.NotEqual => Bit(left != right),
        BinaryOperatorSyntax.Less => Bit(IsLess(isSigned, left, right)),
        BinaryOperatorSyntax.LessOrEqual => Bit(!IsLess(isSigned, right, left)),
        BinaryOperatorSyntax.Greater => Bit(IsLess(isSigned, right, left)),
        BinaryOperatorSyntax.GreaterOrEqual => Bit(!IsLess(isSigned, left, right)),
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "no operator of two scalars"),
    });

    /// <summary>The value of an operation, not yet cut to the type of the result.</summary>
    internal static long Apply(UnaryOperatorSyntax operation, long operand) => operation switch
    {
        UnaryOperatorSyntax.Negate => unchecked(-operand),
        UnaryOperatorSyntax.Complement => ~operand,
        UnaryOperatorSyntax.Not => Bit(operand == 0),
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "no operator of a scalar"),
    };

    /// <summary>Bytes of a number in the other order.</summary>
    internal static long SwapBytes(long value, ScriptType type) => TypedValue.BitsOf(type) switch
    {
        16 => System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((ushort)value),
        32 => System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((uint)value),
        64 => System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(value),
        _ => value,
    };

    private static long Bit(bool value) => value ? 1 : 0;

    private static bool IsLess(bool isSigned, long left, long right) => isSigned ? left < right : (ulong)left < (ulong)right;

    // By 0 as BPF divides. The least value by -1 would trap.
    private static long Divide(bool isSigned, long left, long right) =>
        right == 0 ? 0 : !isSigned ? (long)((ulong)left / (ulong)right) : right == -1 ? unchecked(-left) : left / right;

    private static long Remainder(bool isSigned, long left, long right) =>
        right == 0 ? left : !isSigned ? (long)((ulong)left % (ulong)right) : right == -1 ? 0 : left % right;
}
