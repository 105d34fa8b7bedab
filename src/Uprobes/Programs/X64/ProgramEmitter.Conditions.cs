using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Conditions: jumps, and Booleans made of them.</summary>
internal sealed partial class ProgramEmitter
{
    /// <summary>Jumps to a label if a condition is (or is not) different from 0.</summary>
    private void Branch(Expression condition, Label target, bool when)
    {
        switch (condition)
        {
            case Constant constant:
                if (constant.Value != 0 == when)
                    A.jmp(target);
                break;
            case Unary { Operator: UnaryOperator.Not } not:
                Branch(not.Operand, target, !when);
                break;
            case Binary { Operator: BinaryOperator.LogicalAnd or BinaryOperator.LogicalOr } logical:
                BranchOnBoth(logical, target, when);
                break;
            case Binary { Operator: >= BinaryOperator.Equal } comparison:
                Jump(Compare(comparison), target, when);
                break;
            case MapContains { Key.Count: 0 } contains:
                CompareCellFlag(contains.Map);
                Jump(ConditionCode.ne, target, when);
                break;
            case MapContains contains:
                BranchOnKey(contains, target, when);
                break;
            default:
                Operand value = Evaluate(condition);
                CompareWithZero(value);
                _registers.Give(value);
                Jump(ConditionCode.ne, target, when);
                break;
        }
    }

    /// <summary>The right operand is evaluated only if the left does not decide.</summary>
    private void BranchOnBoth(Binary logical, Label target, bool when)
    {
        // Which value of the left operand decides, and whether that leads to the target.
        bool deciding = logical.Operator == BinaryOperator.LogicalOr;
        if (deciding == when)
        {
            Branch(logical.Left, target, when);
            Branch(logical.Right, target, when);
            return;
        }

        Label past = _code.NewLabel();
        Branch(logical.Left, past, deciding);
        Branch(logical.Right, target, when);
        _code.Mark(past);
    }

    /// <summary>
    /// A condition as 0 or 1. A comparison:
    /// <code>
    ///     cmp   left, right
    ///     setcc cl
    ///     movzx result, cl
    /// </code>
    /// Others by jumps.
    /// </summary>
    private Operand EvaluateCondition(Expression condition)
    {
        Gpr result;
        if (condition is Binary { Operator: >= BinaryOperator.Equal and < BinaryOperator.LogicalAnd } comparison)
        {
            ConditionCode code = Compare(comparison);
            SetByte(code);
            result = _registers.Take();
            A.movzx(result.D, cl);
            return Operand.Owned(result);
        }

        Label isFalse = _code.NewLabel(), end = _code.NewLabel();
        Branch(condition, isFalse, when: false);
        result = _registers.Take();
        A.mov(result.D, 1);
        A.jmp(end);
        _code.Mark(isFalse);
        A.xor(result.D, result.D);
        _code.Mark(end);
        return Operand.Owned(result);
    }

    /// <summary>Makes the flags of a comparison; gives the condition under which it is true.</summary>
    private ConditionCode Compare(Binary comparison)
    {
        if (comparison.Left.Type.IsText)
            return CompareTexts(comparison);

        int room = _roomUsed;
        (Operand left, Operand right) = EvaluateBoth(comparison.Left, comparison.Right);
        ConditionCode code = CodeOf(comparison.Operator, comparison.Left.Type.IsSigned);
        if (left.IsConstant || (left.IsMemory && right.IsMemory))
        {
            Load(Gpr.Rcx, left);
            if (left.IsConstant && right.IsConstant && !right.IsImmediate)
            {
                // Two large numbers: rdx is as free as rcx.
                Touch(Gpr.Rdx);
                A.mov(rdx, right.Number);
                A.cmp(rcx, rdx);
            }
            else
            {
                Compare(Gpr.Rcx, right);
            }
        }
        else if (left.IsMemory)
        {
            if (right.IsImmediate)
                A.cmp(left.Memory, (int)right.Number);
            else
                A.cmp(left.Memory, InRegister(right, Gpr.Rcx).Q);
        }
        else
        {
            Compare(left.Register, right);
        }

        _registers.Give(left);
        _registers.Give(right);
        _roomUsed = room;
        return code;
    }

    private void Compare(Gpr register, Operand value)
    {
        if (value.IsImmediate)
            A.cmp(register.Q, (int)value.Number);
        else if (value.IsMemory)
            A.cmp(register.Q, value.Memory);
        else
            A.cmp(register.Q, InRegister(value, Gpr.Rcx).Q);
    }

    private void CompareWithZero(Operand value)
    {
        if (value.IsMemory)
        {
            A.cmp(value.Memory, 0);
            return;
        }

        AssemblerRegister64 register = InRegister(value, Gpr.Rcx).Q;
        A.test(register, register);
    }

    private static ConditionCode CodeOf(BinaryOperator comparison, bool isSigned) => comparison switch
    {
        BinaryOperator.Equal => ConditionCode.e,
        BinaryOperator.NotEqual => ConditionCode.ne,
        BinaryOperator.Less => isSigned ? ConditionCode.l : ConditionCode.b,
        BinaryOperator.LessOrEqual => isSigned ? ConditionCode.le : ConditionCode.be,
        BinaryOperator.Greater => isSigned ? ConditionCode.g : ConditionCode.a,
        BinaryOperator.GreaterOrEqual => isSigned ? ConditionCode.ge : ConditionCode.ae,
        _ => throw new ArgumentOutOfRangeException(nameof(comparison), comparison, "not a comparison"),
    };

    private void Jump(ConditionCode code, Label target, bool when)
    {
        switch (when ? code : Opposite(code))
        {
            case ConditionCode.e: A.je(target); break;
            case ConditionCode.ne: A.jne(target); break;
            case ConditionCode.l: A.jl(target); break;
            case ConditionCode.le: A.jle(target); break;
            case ConditionCode.g: A.jg(target); break;
            case ConditionCode.ge: A.jge(target); break;
            case ConditionCode.b: A.jb(target); break;
            case ConditionCode.be: A.jbe(target); break;
            case ConditionCode.a: A.ja(target); break;
            case ConditionCode.ae: A.jae(target); break;
            default: throw new ArgumentOutOfRangeException(nameof(code), code, "not a condition of comparisons");
        }
    }

    private void SetByte(ConditionCode code)
    {
        switch (code)
        {
            case ConditionCode.e: A.sete(cl); break;
            case ConditionCode.ne: A.setne(cl); break;
            case ConditionCode.l: A.setl(cl); break;
            case ConditionCode.le: A.setle(cl); break;
            case ConditionCode.g: A.setg(cl); break;
            case ConditionCode.ge: A.setge(cl); break;
            case ConditionCode.b: A.setb(cl); break;
            case ConditionCode.be: A.setbe(cl); break;
            case ConditionCode.a: A.seta(cl); break;
            case ConditionCode.ae: A.setae(cl); break;
            default: throw new ArgumentOutOfRangeException(nameof(code), code, "not a condition of comparisons");
        }
    }

    private static ConditionCode Opposite(ConditionCode code) => code switch
    {
        ConditionCode.e => ConditionCode.ne,
        ConditionCode.ne => ConditionCode.e,
        ConditionCode.l => ConditionCode.ge,
        ConditionCode.ge => ConditionCode.l,
        ConditionCode.g => ConditionCode.le,
        ConditionCode.le => ConditionCode.g,
        ConditionCode.b => ConditionCode.ae,
        ConditionCode.ae => ConditionCode.b,
        ConditionCode.a => ConditionCode.be,
        ConditionCode.be => ConditionCode.a,
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "not a condition of comparisons"),
    };
}
