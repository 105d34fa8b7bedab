using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Expressions that give integers.</summary>
internal sealed partial class ProgramEmitter
{
    /// <summary>Registers that any expression can be evaluated with, if there is a frame.</summary>
    private const int LeastFree = 3;

    /// <summary>Makes code for a value. Leaves (<see cref="IsLeaf"/>) take no code and no register; everything else comes in a register of its own.</summary>
    private Operand Evaluate(Expression expression)
    {
        if (ProgramNeeds.Source(expression) is { } source)
        {
            return source == Gpr.Rsp ? EvaluateStackPointer() : Original(source);
        }

        return expression switch
        {
            Constant constant => Operand.Constant(constant.Value),
            LocalValue local => _locals[local.Index],
            EntryWord word => EvaluateEntryWord(CallTable.WordsOffset + (8 * word.Index)),
            Builtin builtin => EvaluateBuiltin(builtin.Kind),
            Unary { Operator: not UnaryOperator.Not } unary => EvaluateUnary(unary),
            Cast cast => EvaluateCast(cast),
            Conditional choice => EvaluateConditional(choice),
            TextLength length => EvaluateTextLength(length),
            TextFind find => EvaluateTextFind(find),
            TextDifference difference => EvaluateTextDifference(difference),
            TextMatch match => EvaluateTextMatch(match),
            MapValue { Key.Count: 0 } value => EvaluateCellValue(value.Map),
            MapValue value => EvaluateKeyedValue(value),
            MapCell cell => EvaluateKeyedWord(cell),
            Load load => EvaluateLoad(load),
            Argument argument => EvaluateStackArgument(argument.Index),
            Unary or MapContains => EvaluateCondition(expression),
            Binary { Operator: >= BinaryOperator.Equal } => EvaluateCondition(expression),
            Binary { Operator: BinaryOperator.ShiftLeft or BinaryOperator.ShiftRight } shift => EvaluateShift(shift),
            Binary { Operator: BinaryOperator.Divide or BinaryOperator.Remainder } division => EvaluateDivision(division),
            Binary binary => EvaluateBinary(binary),
            _ => throw new ArgumentException($"not an integer of a checked program: {expression.GetType().Name}", nameof(expression)),
        };
    }

    /// <summary>Whether a value is to be had where it is.</summary>
    private static bool IsLeaf(Expression expression) => expression switch
    {
        Constant or LocalValue or ReturnValue => true,
        Builtin builtin => builtin.Kind == BuiltinKind.ThreadId,
        Cast cast => Holds(cast.Type, cast.Operand.Type) && IsLeaf(cast.Operand),
        _ => ProgramNeeds.Source(expression) is { } source && source != Gpr.Rsp,
    };

    /// <summary>lea register, [rsp + what has been pushed since]</summary>
    private Operand EvaluateStackPointer()
    {
        Gpr register = _registers.Take();
        A.lea(register.Q, __qword_ptr[rsp + OriginalStack]);
        return Operand.Owned(register);
    }

    /// <summary>
    /// <code>
    ///     neg / not register              ; or bswap, shr register, 64 - bits; then cut to the type
    /// </code>
    /// </summary>
    private Operand EvaluateUnary(Unary unary)
    {
        Gpr register = EvaluateToOwned(unary.Operand);
        if (unary.Operator == UnaryOperator.Negate)
            A.neg(register.Q);
        else if (unary.Operator == UnaryOperator.Complement)
            A.not(register.Q);
        else
            SwapBytes(register, unary.Type.Bits);
        Wrap(register, unary.Type);
        return Operand.Owned(register);
    }

    private void SwapBytes(Gpr register, int bits)
    {
        A.bswap(register.Q);
        if (bits < 64)
            A.shr(register.Q, (byte)(64 - bits));
    }

    private Operand EvaluateCast(Cast cast)
    {
        Operand operand = Evaluate(cast.Operand);
        if (Holds(cast.Type, cast.Operand.Type))
            return operand;
        if (operand.IsConstant)
            return Operand.Constant(cast.Type.Wrap(operand.Number));
        Gpr register = Own(operand);
        Wrap(register, cast.Type);
        return Operand.Owned(register);
    }

    /// <summary>
    /// Both operands' values, of which one that is not a leaf is in a register or, when registers are getting scarce, in the frame. The
    /// right one is evaluated last.
    /// </summary>
    private (Operand Left, Operand Right) EvaluateBoth(Expression left, Expression right)
    {
        Operand first = IsLeaf(left) ? default : Evaluate(left);
        if (!IsLeaf(left) && !IsLeaf(right) && _plan.UsesFrame && _registers.FreeCount < LeastFree)
        {
            Operand slot = Operand.Word(Gpr.Rbx, TakeRoom(8));
            Store(slot, first);
            _registers.Give(first);
            first = slot;
        }

        Operand second = Evaluate(right);
        return (IsLeaf(left) ? Evaluate(left) : first, second);
    }

    /// <summary>
    /// <code>
    ///     add   left, right               ; or sub, imul, and, or, xor; then cut to the type
    /// </code>
    /// in the register of either operand.
    /// </summary>
    private Operand EvaluateBinary(Binary binary)
    {
        int room = _roomUsed;
        (Operand left, Operand right) = EvaluateBoth(binary.Left, binary.Right);
        Gpr result;
        if (left.IsOwned || !right.IsOwned)
        {
            result = Own(left);
            Apply(binary.Operator, result, right);
            _registers.Give(right);
        }
        else if (binary.Operator == BinaryOperator.Subtract)
        {
            result = right.Register;
            Load(Gpr.Rcx, left);
            A.sub(rcx, result.Q);
            A.mov(result.Q, rcx);
        }
        else
        {
            result = right.Register;
            Apply(binary.Operator, result, left);
        }

        _roomUsed = room;
        if (binary.Operator is BinaryOperator.Add or BinaryOperator.Subtract or BinaryOperator.Multiply)
            Wrap(result, binary.Type);
        return Operand.Owned(result);
    }

    /// <summary>
    /// <code>
    ///     mov   rcx, right
    ///     and   ecx, 31                   ; for types of less than 64 bits: the processor takes 6 bits
    ///     shl   left, cl                  ; or shr, sar; then cut to the type
    /// </code>
    /// </summary>
    private Operand EvaluateShift(Binary shift)
    {
        int room = _roomUsed, mask = shift.Type.Bits == 64 ? 63 : 31;
        (Operand left, Operand right) = EvaluateBoth(shift.Left, shift.Right);
        bool isFixed = right.IsConstant;
        if (!isFixed)
        {
            Load(Gpr.Rcx, right);
            if (mask == 31)
                A.and(ecx, mask);
        }

        Gpr result = Target(left, right);
        Load(result, left);
        byte distance = (byte)(right.Number & mask);
        switch (shift.Operator, shift.Type.IsSigned)
        {
            case (BinaryOperator.ShiftLeft, _) when isFixed: A.shl(result.Q, distance); break;
            case (BinaryOperator.ShiftLeft, _): A.shl(result.Q, cl); break;
            case (_, true) when isFixed: A.sar(result.Q, distance); break;
            case (_, true): A.sar(result.Q, cl); break;
            case (_, false) when isFixed: A.shr(result.Q, distance); break;
            default: A.shr(result.Q, cl); break;
        }

        _roomUsed = room;
        if (shift.Operator == BinaryOperator.ShiftLeft)
            Wrap(result, shift.Type);
        return Operand.Owned(result);
    }

    /// <summary>A register for the result of an operation whose operands are no longer needed; what else they have is given back.</summary>
    private Gpr Target(Operand left, Operand right)
    {
        if (!left.IsOwned)
            return right.IsOwned ? right.Register : _registers.Take();
        _registers.Give(right);
        return left.Register;
    }

    /// <summary>
    /// <code>
    ///     mov   rcx, right
    ///     mov   rax, left
    ///     test  rcx, rcx
    ///     jz    zero
    ///     cmp   rcx, -1                   ; signed only: the processor would trap on the least value
    ///     je    minus
    ///     cqo                             ; unsigned: xor edx, edx
    ///     idiv  rcx                       ; unsigned: div
    ///     mov   rax, rdx                  ; remainder only
    ///     jmp   done
    /// minus:
    ///     neg   rax                       ; remainder: xor eax, eax
    ///     jmp   done
    /// zero:
    ///     xor   eax, eax                  ; quotient only
    /// done:
    ///     mov   result, rax               ; quotient: then cut to the type
    /// </code>
    /// </summary>
    private Operand EvaluateDivision(Binary division)
    {
        int room = _roomUsed;
        bool isQuotient = division.Operator == BinaryOperator.Divide, isSigned = division.Type.IsSigned;
        (Operand left, Operand right) = EvaluateBoth(division.Left, division.Right);
        Label zero = _code.NewLabel(), minus = _code.NewLabel(), done = _code.NewLabel();
        Touch(Gpr.Rax);
        Touch(Gpr.Rdx);
        Load(Gpr.Rcx, right);
        Load(Gpr.Rax, left);
        A.test(rcx, rcx);
        A.jz(zero);
        if (isSigned)
        {
            A.cmp(rcx, -1);
            A.je(minus);
            A.cqo();
            A.idiv(rcx);
        }
        else
        {
            A.xor(edx, edx);
            A.div(rcx);
        }

        if (!isQuotient)
            A.mov(rax, rdx);
        A.jmp(done);
        if (isSigned)
        {
            _code.Mark(minus);
            if (isQuotient)
                A.neg(rax);
            else
                A.xor(eax, eax);
            A.jmp(done);
        }

        _code.Mark(zero);
        if (isQuotient)
            A.xor(eax, eax);
        _code.Mark(done);
        Gpr result = Target(left, right);
        A.mov(result.Q, rax);
        _roomUsed = room;
        if (isQuotient)
            Wrap(result, division.Type);
        return Operand.Owned(result);
    }

    /// <summary>
    /// <code>
    ///     ...                             ; the condition: jumps to otherwise
    ///     mov   result, whenTrue
    ///     jmp   end
    /// otherwise:
    ///     mov   result, whenFalse
    /// end:
    /// </code>
    /// </summary>
    private Operand EvaluateConditional(Conditional choice)
    {
        Label otherwise = _code.NewLabel(), end = _code.NewLabel();
        Branch(choice.Condition, otherwise, when: false);
        Gpr result = EvaluateToOwned(choice.WhenTrue);
        A.jmp(end);
        _code.Mark(otherwise);

        // The other way begins with the same registers free, and ends with the same one taken.
        _registers.Give(result);
        Gpr other = EvaluateToOwned(choice.WhenFalse);
        Load(result, Operand.InPlace(other));
        _registers.Give(other);
        _registers.Take(result);
        _code.Mark(end);
        return Operand.Owned(result);
    }
}
