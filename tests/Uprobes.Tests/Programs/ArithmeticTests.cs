using System.Numerics;
using CsCheck;
using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>The operators, compared with those of C#'s own types of the same width and sign.</summary>
public sealed class ArithmeticTests
{
    private static readonly Gen<long> Numbers = Gen.Frequency((3, Gen.Int[0, InterestingNumbers.All.Length - 1].Select(i => InterestingNumbers.All[i])), (1, Gen.Long), (1, Gen.Long[-1000, 1000]));

    [Fact]
    public void Integers_of_8_bits_compute_as_in_C_sharp()
    {
        Compare<sbyte>(DataType.I8);
        Compare<byte>(DataType.U8);
    }

    [Fact]
    public void Integers_of_16_bits_compute_as_in_C_sharp()
    {
        Compare<short>(DataType.I16);
        Compare<ushort>(DataType.U16);
    }

    [Fact]
    public void Integers_of_32_bits_compute_as_in_C_sharp()
    {
        Compare<int>(DataType.I32);
        Compare<uint>(DataType.U32);
    }

    [Fact]
    public void Integers_of_64_bits_compute_as_in_C_sharp()
    {
        Compare<long>(DataType.I64);
        Compare<ulong>(DataType.U64);
    }

    [Fact]
    public void Logical_operators_see_all_64_bits() => Gen.Select(Numbers, Numbers).Sample((left, right) =>
    {
        Assert.Equal(left != 0 && right != 0 ? 1 : 0, Evaluate(BinaryOperator.LogicalAnd, DataType.I64, left, right));
        Assert.Equal(left != 0 || right != 0 ? 1 : 0, Evaluate(BinaryOperator.LogicalOr, DataType.I64, left, right));
    });

    private static void Compare<T>(DataType type)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
        => Gen.Select(Numbers, Numbers).Sample((left, right) =>
        {
            foreach (BinaryOperator binary in Enum.GetValues<BinaryOperator>())
            {
                if (binary < BinaryOperator.LogicalAnd)
                    Assert.Equal(Expected(binary, T.CreateTruncating(left), T.CreateTruncating(right)), Evaluate(binary, type, type.Wrap(left), type.Wrap(right)));
            }

            Span<byte> bytes = stackalloc byte[type.Bits / 8];
            T.CreateTruncating(left).WriteLittleEndian(bytes);
            Assert.Equal(long.CreateTruncating(T.ReadBigEndian(bytes, isUnsigned: !type.IsSigned)), ProgramRun.Value(new Unary(UnaryOperator.SwapBytes, new Constant(type.Wrap(left), type))));
            foreach (UnaryOperator unary in (UnaryOperator[])[UnaryOperator.Negate, UnaryOperator.Complement, UnaryOperator.Not])
                Assert.Equal(Expected(unary, T.CreateTruncating(left)), ProgramRun.Value(new Unary(unary, new Constant(type.Wrap(left), type))));

            Assert.Equal(long.CreateTruncating(T.CreateTruncating(left)), ProgramRun.Value(new Cast(new Constant(left, DataType.I64), type)));
        });

    private static long Evaluate(BinaryOperator binary, DataType type, long left, long right) =>
        ProgramRun.Value(new Binary(binary, new Constant(left, type), new Constant(right, type)));

    private static long Expected<T>(UnaryOperator unary, T operand)
        where T : unmanaged, IBinaryInteger<T> => unary switch
        {
            UnaryOperator.Negate => long.CreateTruncating(unchecked(T.Zero - operand)),
            UnaryOperator.Complement => long.CreateTruncating(~operand),
            _ => operand == T.Zero ? 1 : 0,
        };

    private static long Expected<T>(BinaryOperator binary, T left, T right)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        bool isMinusOne = T.IsNegative(right) && right == T.Zero - T.One;
        int width = int.CreateChecked(T.PopCount(T.AllBitsSet));
        int distance = int.CreateTruncating(right) & (width == 64 ? 63 : 31);
        return binary switch
        {
            BinaryOperator.Add => long.CreateTruncating(unchecked(left + right)),
            BinaryOperator.Subtract => long.CreateTruncating(unchecked(left - right)),
            BinaryOperator.Multiply => long.CreateTruncating(unchecked(left * right)),
            BinaryOperator.Divide => right == T.Zero ? 0 : isMinusOne ? long.CreateTruncating(unchecked(T.Zero - left)) : long.CreateTruncating(left / right),
            BinaryOperator.Remainder => right == T.Zero ? long.CreateTruncating(left) : isMinusOne ? 0 : long.CreateTruncating(left % right),
            BinaryOperator.And => long.CreateTruncating(left & right),
            BinaryOperator.Or => long.CreateTruncating(left | right),
            BinaryOperator.Xor => long.CreateTruncating(left ^ right),
            BinaryOperator.ShiftLeft => distance >= width ? 0 : long.CreateTruncating(left << distance),
            BinaryOperator.ShiftRight => distance >= width ? (T.IsNegative(left) ? -1 : 0) : long.CreateTruncating(left >> distance),
            BinaryOperator.Equal => left == right ? 1 : 0,
            BinaryOperator.NotEqual => left != right ? 1 : 0,
            BinaryOperator.Less => left < right ? 1 : 0,
            BinaryOperator.LessOrEqual => left <= right ? 1 : 0,
            BinaryOperator.Greater => left > right ? 1 : 0,
            _ => left >= right ? 1 : 0,
        };
    }
}
