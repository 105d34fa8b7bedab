using System.Buffers.Binary;
using Uprobes.Channels;
using Uprobes.Images.StaticProbes;

namespace Uprobes.Programs;

/// <summary>
/// The arguments of static probes as integers: cut to the size that the note says, and extended to 64 bits by their sign. Once as an expression for
/// programs, and once read from a thread that is stopped.
/// </summary>
internal static class StaticArgumentValue
{
    /// <summary>An argument as an expression of type U64. What cannot be read of memory is 0 and counted, as for every <see cref="Load"/>.</summary>
    /// <param name="probe">The probe at whose instruction the program runs.</param>
    /// <param name="argument">One of its arguments that can be read.</param>
    internal static Expression Expression(StaticProbeNote probe, StaticArgument argument)
    {
        Expression value = argument.Operand switch
        {
            StaticConstant constant => new Constant(TypeOf(argument, argument.Size).Wrap(constant.Value), TypeOf(argument, argument.Size)),
            StaticRegister register => new Cast(
                register.IsHigh ? new Binary(BinaryOperator.ShiftRight, new RegisterValue(register.Number), Number(8)) : new RegisterValue(register.Number), TypeOf(argument, register.Bytes)),
            StaticMemory memory => new Load(AddressOf(probe, memory), TypeOf(argument, argument.Size)),
            _ => throw new ArgumentException($"{argument.Text} cannot be read", nameof(argument)),
        };
        return new Cast(value, DataType.U64);
    }

    /// <summary>Reads an argument of a thread that has hit the probe.</summary>
    /// <param name="probe">The probe.</param>
    /// <param name="argument">One of its arguments.</param>
    /// <param name="state">The thread.</param>
    /// <param name="value">Extended by its sign; 0 where it cannot be read.</param>
    /// <returns>Whether it could be read.</returns>
    internal static bool TryRead(StaticProbeNote probe, StaticArgument argument, ISiteState state, out long value)
    {
        value = 0;
        switch (argument.Operand)
        {
            case StaticConstant constant:
                value = TypeOf(argument, argument.Size).Wrap(constant.Value);
                return true;
            case StaticRegister register:
                value = TypeOf(argument, register.Bytes).Wrap((long)(state.Register(register.Number) >> (register.IsHigh ? 8 : 0)));
                return true;
            case StaticMemory memory:
                Span<byte> bytes = stackalloc byte[sizeof(ulong)];
                bytes.Clear();
                if (state.TryRead(AddressOf(probe, memory, state), bytes[..argument.Size]) != argument.Size)
                    return false;
                value = TypeOf(argument, argument.Size).Wrap(BinaryPrimitives.ReadInt64LittleEndian(bytes));
                return true;
            default:
                return false;
        }
    }

    /// <summary>A register that is narrower than the argument says has no more of it.</summary>
    private static DataType TypeOf(StaticArgument argument, int bytes) => new(8 * Math.Min(bytes, argument.Size), argument.IsSigned, 0);

    private static ulong AddressOf(StaticProbeNote probe, StaticMemory memory, ISiteState state)
    {
        ulong address = (ulong)memory.Displacement;
        if (memory.Symbol is { } symbol)
            address += state.SiteAddress + (symbol.Value - probe.Address.Value);
        if (memory.Base is { } @base)
            address += state.Register(@base);
        if (memory.Index is { } index)
            address += state.Register(index) * (ulong)memory.Scale;
        return address;
    }

    private static Expression AddressOf(StaticProbeNote probe, StaticMemory memory)
    {
        long displacement = memory.Displacement;
        List<Expression> parts = [];
        if (memory.Symbol is { } symbol)
        {
            parts.Add(new Builtin(BuiltinKind.SiteAddress)); // It has moved as far as the instruction has.
            displacement += (long)(symbol.Value - probe.Address.Value);
        }

        if (memory.Base is { } @base)
            parts.Add(new RegisterValue(@base));
        if (memory.Index is { } index)
            parts.Add(memory.Scale == 1 ? new RegisterValue(index) : new Binary(BinaryOperator.Multiply, new RegisterValue(index), Number(memory.Scale)));
        if (displacement != 0)
            parts.Add(Number(displacement));
        return parts.Aggregate((sum, part) => new Binary(BinaryOperator.Add, sum, part));
    }

    private static Constant Number(long value) => new(value, DataType.U64);
}
