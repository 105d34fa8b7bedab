using System.Runtime.CompilerServices;
using Uprobes.Images;
using Uprobes.Stacks.X64;

namespace Uprobes.Stacks;

/// <summary>
/// The stack machine of DWARF expressions, as far as call frame information uses it (DWARF 5, 2.5.1 and 6.4.2). Memory is what was
/// captured; steps and depth are bounded.
/// </summary>
internal ref struct FrameExpression
{
    private const int Depth = 64, MostSteps = 1024;
    private readonly CapturedStack _stack;
    private readonly StackRegisters _registers;
    private readonly ulong _bias;
    private Cells _cells;
    private int _count;

    [InlineArray(Depth)]
    private struct Cells
    {
        private ulong _first;
    }

    private FrameExpression(in CapturedStack stack, in StackRegisters registers, ulong bias)
    {
        _stack = stack;
        _registers = registers;
        _bias = bias;
    }

    /// <summary>Evaluates an expression.</summary>
    /// <param name="code">Its bytes.</param>
    /// <param name="registers">The frame's registers.</param>
    /// <param name="stack">What was captured.</param>
    /// <param name="bias">What is added to link-time addresses.</param>
    /// <param name="initial">The CFA, which is on the machine's stack at the start, or null.</param>
    /// <param name="value">What is on top at the end.</param>
    /// <returns>False where it is not valid, or needs what is not known.</returns>
    internal static bool TryEvaluate(ReadOnlySpan<byte> code, in StackRegisters registers, in CapturedStack stack, ulong bias, ulong? initial, out ulong value)
    {
        var machine = new FrameExpression(stack, registers, bias);
        if (initial is { } cfa)
            machine.Push(cfa);
        value = 0;
        return machine.TryRun(code) && machine.TryPop(out value);
    }

    private bool TryRun(ReadOnlySpan<byte> code)
    {
        var reader = new SpanReader(code);
        for (int steps = 0; reader.TryReadByte(out byte operation); steps++)
        {
            if (steps == MostSteps || !TryStep(operation, ref reader))
                return false;
        }

        return true;
    }

    private bool TryStep(byte operation, ref SpanReader reader)
    {
        switch (operation)
        {
            case >= 0x30 and <= 0x4f: // DW_OP_lit0 to DW_OP_lit31
                return Push((ulong)operation - 0x30);
            case >= 0x70 and <= 0x8f: // DW_OP_breg0 to DW_OP_breg31
                return reader.TryReadSleb(out long offset) && TryRegister((ulong)operation - 0x70, offset);
            case 0x92: // DW_OP_bregx
                return reader.TryReadUleb(out ulong register) && reader.TryReadSleb(out offset) && TryRegister(register, offset);
            case 0x96: // DW_OP_nop
                return true;
            case 0x2f: // DW_OP_skip
                return reader.TryReadUInt16(out ushort skipped) && reader.TrySeek(reader.Position + (short)skipped);
            case 0x28: // DW_OP_bra
                return reader.TryReadUInt16(out skipped) && TryPop(out ulong condition) && (condition == 0 || reader.TrySeek(reader.Position + (short)skipped));
            case 0x23: // DW_OP_plus_uconst
                return reader.TryReadUleb(out ulong added) && TryPop(out ulong top) && Push(unchecked(top + added));
            case 0x06: // DW_OP_deref
                return TryPop(out top) && _stack.TryReadWord(top, out ulong word) && Push(word);
            case 0x94: // DW_OP_deref_size
                return reader.TryReadByte(out byte size) && size is >= 1 and <= 8 && TryPop(out top) && _stack.TryRead(top, size, out word) && Push(word);
            case 0x03 or (>= 0x08 and <= 0x11):
                return TryConstant(operation, ref reader);
            case 0x12 or 0x13 or 0x14 or 0x15 or 0x16 or 0x17:
                return TryShuffle(operation, ref reader);
            case 0x19 or 0x1f or 0x20:
                return TryPop(out top) && Push(unchecked(operation switch
                {
                    0x19 => (long)top < 0 ? 0 - top : top, // DW_OP_abs
                    0x1f => 0 - top, // DW_OP_neg
                    _ => ~top, // DW_OP_not
                }));
            default:
                return TryPop(out ulong right) && TryPop(out ulong left) && TryBinary(operation, left, right);
        }
    }

    private bool TryRegister(ulong register, long offset) =>
        register < StackRegisters.Count && _registers.TryGet((int)register, out ulong value) && Push(unchecked(value + (ulong)offset));

    private bool TryConstant(byte operation, ref SpanReader reader)
    {
        switch (operation)
        {
            case 0x03: // DW_OP_addr
                return reader.TryReadUInt64(out ulong eight) && Push(unchecked(eight + _bias));
            case 0x08 or 0x09: // DW_OP_const1u, DW_OP_const1s
                return reader.TryReadByte(out byte one) && Push(operation == 0x08 ? one : (ulong)(sbyte)one);
            case 0x0a or 0x0b: // DW_OP_const2u, DW_OP_const2s
                return reader.TryReadUInt16(out ushort two) && Push(operation == 0x0a ? two : (ulong)(short)two);
            case 0x0c or 0x0d: // DW_OP_const4u, DW_OP_const4s
                return reader.TryReadUInt32(out uint four) && Push(operation == 0x0c ? four : (ulong)(int)four);
            case 0x0e or 0x0f: // DW_OP_const8u, DW_OP_const8s
                return reader.TryReadUInt64(out eight) && Push(eight);
            case 0x10: // DW_OP_constu
                return reader.TryReadUleb(out eight) && Push(eight);
            default: // DW_OP_consts
                return reader.TryReadSleb(out long signed) && Push((ulong)signed);
        }
    }

    private bool TryShuffle(byte operation, ref SpanReader reader)
    {
        switch (operation)
        {
            case 0x12: // DW_OP_dup
                return TryPick(0);
            case 0x13: // DW_OP_drop
                return TryPop(out _);
            case 0x14: // DW_OP_over
                return TryPick(1);
            case 0x15: // DW_OP_pick
                return reader.TryReadByte(out byte index) && TryPick(index);
            case 0x16: // DW_OP_swap
                return TryPop(out ulong top) && TryPop(out ulong second) && Push(top) && Push(second);
            default: // DW_OP_rot: the top goes below the next two
                return TryPop(out top) && TryPop(out second) && TryPop(out ulong third) && Push(top) && Push(third) && Push(second);
        }
    }

    private bool TryBinary(byte operation, ulong left, ulong right)
    {
        long signedLeft = (long)left, signedRight = (long)right;
        switch (operation)
        {
            case 0x1a: // DW_OP_and
                return Push(left & right);
            case 0x1b: // DW_OP_div, with signs
                return right != 0 && Push(right == ulong.MaxValue ? unchecked(0 - left) : (ulong)(signedLeft / signedRight));
            case 0x1c: // DW_OP_minus
                return Push(unchecked(left - right));
            case 0x1d: // DW_OP_mod, without
                return right != 0 && Push(left % right);
            case 0x1e: // DW_OP_mul
                return Push(unchecked(left * right));
            case 0x21: // DW_OP_or
                return Push(left | right);
            case 0x22: // DW_OP_plus
                return Push(unchecked(left + right));
            case 0x24: // DW_OP_shl
                return Push(right > 63 ? 0 : left << (int)right);
            case 0x25: // DW_OP_shr
                return Push(right > 63 ? 0 : left >> (int)right);
            case 0x26: // DW_OP_shra
                return Push((ulong)(signedLeft >> (int)Math.Min(right, 63)));
            case 0x27: // DW_OP_xor
                return Push(left ^ right);
            case 0x29: // DW_OP_eq
                return Push(left == right ? 1UL : 0);
            case 0x2a: // DW_OP_ge
                return Push(signedLeft >= signedRight ? 1UL : 0);
            case 0x2b: // DW_OP_gt
                return Push(signedLeft > signedRight ? 1UL : 0);
            case 0x2c: // DW_OP_le
                return Push(signedLeft <= signedRight ? 1UL : 0);
            case 0x2d: // DW_OP_lt
                return Push(signedLeft < signedRight ? 1UL : 0);
            case 0x2e: // DW_OP_ne
                return Push(left != right ? 1UL : 0);
            default:
                return false;
        }
    }

    private bool Push(ulong value)
    {
        if (_count == Depth)
            return false;
        _cells[_count++] = value;
        return true;
    }

    private bool TryPop(out ulong value)
    {
        value = 0;
        if (_count == 0)
            return false;
        value = _cells[--_count];
        return true;
    }

    private bool TryPick(int index) => index < _count && Push(_cells[_count - 1 - index]);
}
