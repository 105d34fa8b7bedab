using CsCheck;
using Uprobes.Stacks;
using Uprobes.Stacks.X64;

namespace Uprobes.Tests.Stacks;

/// <summary>Each operation of DWARF expressions that frames can use.</summary>
public sealed class FrameExpressionTests
{
    private const ulong StackStart = 0x7000, Bias = 0x10000;

    [Theory]
    [InlineData("30", 0)] // lit0
    [InlineData("4f", 31)] // lit31
    [InlineData("03 10 00 00 00 00 00 00 00", 0x10010)] // addr
    [InlineData("08 ff", 255)] // const1u
    [InlineData("09 ff", -1)] // const1s
    [InlineData("0a ff ff", 0xffff)] // const2u
    [InlineData("0b ff ff", -1)] // const2s
    [InlineData("0c ff ff ff ff", 0xffffffff)] // const4u
    [InlineData("0d ff ff ff ff", -1)] // const4s
    [InlineData("0e ff ff ff ff ff ff ff ff", -1)] // const8u
    [InlineData("0f fe ff ff ff ff ff ff ff", -2)] // const8s
    [InlineData("10 80 01", 128)] // constu
    [InlineData("11 7f", -1)] // consts
    [InlineData("77 08", 0x7008)] // breg7
    [InlineData("92 07 78", 0x6ff8)] // bregx
    [InlineData("77 00 06", 0x1111)] // deref
    [InlineData("77 00 94 01", 0x11)] // deref_size
    [InlineData("35 12 22", 10)] // dup, plus
    [InlineData("35 36 13", 5)] // drop
    [InlineData("35 36 14 1c", 1)] // over, minus
    [InlineData("35 36 37 15 02", 5)] // pick
    [InlineData("35 36 16 1c", 1)] // swap
    [InlineData("31 32 33 17 13", 1)] // rot: 3 goes below, then 1 and 2 on top; 2 is dropped
    [InlineData("11 7b 19", 5)] // abs
    [InlineData("35 36 1a", 4)] // and
    [InlineData("11 77 32 1b", -4)] // div
    [InlineData("11 77 11 7f 1b", 9)]
    [InlineData("39 34 1d", 1)] // mod
    [InlineData("39 34 1e", 36)] // mul
    [InlineData("39 1f", -9)] // neg
    [InlineData("30 20", -1)] // not
    [InlineData("31 34 21", 5)] // or
    [InlineData("31 23 80 01", 129)] // plus_uconst
    [InlineData("31 34 24", 16)] // shl
    [InlineData("31 08 40 24", 0)]
    [InlineData("11 7f 08 3c 25", 15)] // shr
    [InlineData("11 70 32 26", -4)] // shra
    [InlineData("35 36 27", 3)] // xor
    [InlineData("35 35 29", 1)] // eq
    [InlineData("11 7f 30 2a", 0)] // ge
    [InlineData("31 30 2b", 1)] // gt
    [InlineData("31 31 2c", 1)] // le
    [InlineData("11 7f 30 2d", 1)] // lt
    [InlineData("31 30 2e", 1)] // ne
    [InlineData("31 2f 01 00 32 33", 3)] // skip
    [InlineData("39 31 28 01 00 32", 9)] // bra, taken
    [InlineData("39 30 28 01 00 32", 2)] // bra, not taken
    [InlineData("96 31", 1)] // nop
    [InlineData("77 08 80 00 3f 1a 3b 2a 33 24 22", 0x7010)] // what the linker says of its call stubs
    public void An_operation_does_what_its_description_says(string code, long value)
    {
        Assert.True(TryEvaluate(Convert.FromHexString(code.Replace(" ", "", StringComparison.Ordinal)), null, out ulong found));
        Assert.Equal(value, (long)found);
    }

    [Theory]
    [InlineData("")]
    [InlineData("22")] // Nothing to add.
    [InlineData("31 22")]
    [InlineData("31 30 1b")] // Division by zero.
    [InlineData("31 30 1d")]
    [InlineData("70 00")] // A register that is not known.
    [InlineData("92 7f 00")]
    [InlineData("30 06")] // Memory that was not captured.
    [InlineData("77 00 94 09")]
    [InlineData("31 15 05")]
    [InlineData("2f fd ff")] // A loop.
    [InlineData("31 12 2f fc ff")] // One that takes ever more room.
    [InlineData("2f 40 00")]
    [InlineData("0e 00")]
    [InlineData("31 32 e0")]
    public void What_is_not_valid_or_not_known_has_no_value(string code) =>
        Assert.False(TryEvaluate(Convert.FromHexString(code.Replace(" ", "", StringComparison.Ordinal)), null, out _));

    [Fact]
    public void The_cfa_is_on_top_at_the_start_of_a_rule()
    {
        Assert.True(TryEvaluate([0x23, 8], 0x100, out ulong value));
        Assert.Equal(0x108u, value);
    }

    [Fact]
    public void Random_bytes_have_a_value_or_none() => Check.Sample(Gen.Byte.Array[0, 80], code => { TryEvaluate(code, 1, out _); }, iter: 50_000, threads: 1);

    private static bool TryEvaluate(byte[] code, ulong? initial, out ulong value)
    {
        StackRegisters registers = default;
        registers.Set(StackRegisters.Rsp, StackStart);
        registers.Set(StackRegisters.Rip, 0x100f);
        byte[] memory = [0x11, 0x11, 0, 0, 0, 0, 0, 0, 0x22, 0x22, 0, 0, 0, 0, 0, 0];
        var stack = new CapturedStack(registers, memory);
        return FrameExpression.TryEvaluate(code, registers, stack, Bias, initial, out value);
    }
}
