using System.Numerics;
using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Putting values into cells, and getting them out. Instructions that write shared cells have a lock prefix.</summary>
internal sealed partial class ProgramEmitter
{
    private CellPlace OwnCell(int map) => new(Record, Layout.CellsOffset(map), map, IsShared: false);

    /// <summary>A word of a cell, for the very next instruction.</summary>
    private AssemblerMemoryOperand WordOf(CellPlace cell, int word)
    {
        if (!cell.IsShared)
            _code.PatchNext(CodePatchKind.CellOffset, cell.Map);
        return __qword_ptr[cell.Base.Q + (cell.Offset + (8 * word))];
    }

    private Assembler MaybeLocked(CellPlace cell) => cell.IsShared ? A.@lock : A;

    private void EmitAggregate(Aggregate aggregate)
    {
        if (aggregate.Key.Count > 0)
        {
            EmitKeyedUpdate(aggregate);
            return;
        }

        Operand value = aggregate.Value is null ? default : Evaluate(aggregate.Value);
        EmitUpdate(OwnCell(aggregate.Map), value);
        _registers.Give(value);
    }

    /// <summary>
    /// A count:
    /// <code>
    ///     inc   qword [cell]
    /// </code>
    /// </summary>
    private void EmitUpdate(CellPlace cell, Operand value)
    {
        MapDefinition map = _group.Maps[cell.Map];
        switch (map.Kind)
        {
            case AggregateKind.Count:
                EmitIncrement(cell, 0);
                break;
            case AggregateKind.Sum:
                EmitAddition(cell, value);
                break;
            case AggregateKind.Average:
                EmitAddition(cell, value);
                EmitIncrement(cell, 1);
                break;
            case AggregateKind.Minimum:
                EmitExtreme(cell, 0, value, map.LeastMask);
                EmitIncrement(cell, 1);
                break;
            case AggregateKind.Maximum:
                EmitExtreme(cell, 0, value, map.GreatestMask);
                EmitIncrement(cell, 1);
                break;
            case AggregateKind.Statistics:
                EmitAddition(cell, value);
                EmitExtreme(cell, 2, value, map.LeastMask);
                EmitExtreme(cell, 3, value, map.GreatestMask);
                EmitIncrement(cell, 1);
                break;
            case AggregateKind.LogHistogram:
                if (map.Bits == 0)
                    EmitLogBucket(cell, value, map.ValueType);
                else
                    EmitFineLogBucket(cell, value, map.ValueType.IsSigned, map.Bits);
                break;
            case AggregateKind.LinearHistogram:
                EmitLinearBucket(cell, value, map.Steps, map.ValueType);
                break;
            case AggregateKind.Value:
                EmitAssignment(cell, value);
                break;
            default:
                throw new ArgumentException($"{map.Kind} is not a kind of map", nameof(cell));
        }
    }

    private void EmitIncrement(CellPlace cell, int word) => MaybeLocked(cell).inc(WordOf(cell, word));

    /// <summary>add qword [cell], value</summary>
    private void EmitAddition(CellPlace cell, Operand value)
    {
        if (value.IsImmediate)
        {
            MaybeLocked(cell).add(WordOf(cell, 0), (int)value.Number);
            return;
        }

        Gpr register = InRegister(value, Gpr.Rcx);
        MaybeLocked(cell).add(WordOf(cell, 0), register.Q);
    }

    /// <summary>
    /// The word becomes the greater one, unsigned, of itself and the masked value.
    /// <code>
    ///     mov   rcx, value
    ///     not   rcx                       ; one of these, or both, or none: xor with the mask
    ///     btc   rcx, 63
    ///     mov   rax, [cell]
    /// next:
    ///     cmp   rcx, rax
    ///     jbe   done
    ///     cmpxchg [cell], rcx
    ///     jne   next
    /// done:
    /// </code>
    /// </summary>
    private void EmitExtreme(CellPlace cell, int word, Operand value, ulong mask)
    {
        const ulong Sign = 1ul << 63;
        Label next = _code.NewLabel(), done = _code.NewLabel();
        Touch(Gpr.Rax);
        Load(Gpr.Rcx, value);
        if ((mask & ~Sign) != 0)
            A.not(rcx);
        if ((mask & ~Sign) != 0 != ((mask & Sign) != 0))
            A.btc(rcx, 63);
        A.mov(rax, WordOf(cell, word));
        _code.Mark(next);
        A.cmp(rcx, rax);
        A.jbe(done);
        MaybeLocked(cell).cmpxchg(WordOf(cell, word), rcx);
        A.jne(next);
        _code.Mark(done);
    }

    /// <summary>
    /// <code>
    ///     lea   rcx, [value + value + 1]
    ///     bsr   rcx, rcx                  ; 0 for 0, 1 + n for 2^n
    ///     test  value, value              ; these three for signed types
    ///     mov   rdx, -1
    ///     cmovs rcx, rdx
    ///     inc   qword [cell + 8 + rcx*8]
    /// </code>
    /// Unsigned values of 64 bits, which cannot be doubled:
    /// <code>
    ///     bsr   rcx, value
    ///     mov   rdx, -1
    ///     cmovz rcx, rdx
    ///     inc   qword [cell + 16 + rcx*8]
    /// </code>
    /// </summary>
    private void EmitLogBucket(CellPlace cell, Operand value, DataType type)
    {
        bool isDoubled = type.IsSigned || type.Bits < 64;
        Touch(Gpr.Rdx);
        AssemblerRegister64 register = InRegister(value, Gpr.Rdx).Q;
        if (isDoubled)
        {
            A.lea(rcx, __qword_ptr[register + register + 1]);
            A.bsr(rcx, rcx);
            if (type.IsSigned)
            {
                A.test(register, register);
                A.mov(rdx, -1);
                A.cmovs(rcx, rdx);
            }
        }
        else
        {
            A.bsr(rcx, register);
            A.mov(rdx, -1);
            A.cmovz(rcx, rdx);
        }

        EmitBucket(cell, isDoubled ? 1 : 2);
    }

    /// <summary>
    /// With k bits, the uppermost of which takes part in both terms:
    /// <code>
    ///     mov   rcx, value
    ///     or    rcx, 2^k
    ///     bsr   rcx, rcx
    ///     sub   ecx, k
    ///     mov   rax, value
    ///     shr   rax, cl
    ///     shl   ecx, k
    ///     add   rcx, rax
    ///     test  value, value              ; these three for signed types
    ///     mov   rdx, -1
    ///     cmovs rcx, rdx
    ///     inc   qword [cell + 8 + rcx*8]
    /// </code>
    /// </summary>
    private void EmitFineLogBucket(CellPlace cell, Operand value, bool isSigned, int bits)
    {
        Touch(Gpr.Rax);
        Touch(Gpr.Rdx);
        AssemblerRegister64 register = InRegister(value, Gpr.Rdx).Q;
        A.mov(rcx, register);
        A.or(rcx, 1 << bits);
        A.bsr(rcx, rcx);
        A.sub(ecx, bits);
        A.mov(rax, register);
        A.shr(rax, cl);
        A.shl(ecx, (byte)bits);
        A.add(rcx, rax);
        if (isSigned)
        {
            A.test(register, register);
            A.mov(rdx, -1);
            A.cmovs(rcx, rdx);
        }

        EmitBucket(cell, 1);
    }

    /// <summary>inc qword [cell + word*8 + rcx*8]</summary>
    private void EmitBucket(CellPlace cell, int word)
    {
        AssemblerMemoryOperand bucket = WordOf(cell, word);
        MaybeLocked(cell).inc(__qword_ptr[cell.Base.Q + (rcx * 8) + bucket.Displacement]);
    }

    /// <summary>
    /// <code>
    ///     mov   rax, value
    ///     xor   ecx, ecx
    ///     test  rax, rax                  ; these two for unsigned values of 64 bits
    ///     js    above
    ///     cmp   rax, least                ; through rdx where it is large
    ///     jl    count
    ///     cmp   rax, limit
    ///     jge   above
    ///     sub   rax, least
    ///     shr   rax, n                    ; for a width of 2^n, otherwise:
    ///     mov   ecx, width
    ///     xor   edx, edx
    ///     div   rcx
    ///     lea   rcx, [rax + 1]
    ///     jmp   count
    /// above:
    ///     mov   ecx, steps + 1
    /// count:
    ///     inc   qword [cell + rcx*8]
    /// </code>
    /// </summary>
    private void EmitLinearBucket(CellPlace cell, Operand value, LinearSteps steps, DataType type)
    {
        Label above = _code.NewLabel(), count = _code.NewLabel();
        Touch(Gpr.Rax);
        Touch(Gpr.Rdx);
        Load(Gpr.Rax, value);
        A.xor(ecx, ecx);
        if (type is { Bits: 64, IsSigned: false })
        {
            A.test(rax, rax);
            A.js(above);
        }

        Compare(Gpr.Rax, InRdx(steps.Least));
        A.jl(count);
        Compare(Gpr.Rax, InRdx(steps.Limit));
        A.jge(above);
        Apply(BinaryOperator.Subtract, Gpr.Rax, InRdx(steps.Least));
        if (BitOperations.IsPow2(steps.Width))
        {
            A.shr(rax, (byte)BitOperations.Log2((ulong)steps.Width));
        }
        else
        {
            LoadConstant(Gpr.Rcx, steps.Width);
            A.xor(edx, edx);
            A.div(rcx);
        }

        A.lea(rcx, __qword_ptr[rax + 1]);
        A.jmp(count);
        _code.Mark(above);
        A.mov(ecx, steps.Count + 1);
        _code.Mark(count);
        EmitBucket(cell, 0);
    }

    /// <summary>A number as an operand that leaves rcx alone.</summary>
    private Operand InRdx(long number)
    {
        Operand operand = Operand.Constant(number);
        if (operand.IsImmediate)
            return operand;
        A.mov(rdx, number);
        return Operand.InPlace(Gpr.Rdx);
    }

    /// <summary>
    /// <code>
    ///     mov   qword [cell], value
    ///     mov   qword [cell + 8], 1
    /// </code>
    /// </summary>
    private void EmitAssignment(CellPlace cell, Operand value)
    {
        if (!value.IsImmediate)
            value = Operand.InPlace(InRegister(value, Gpr.Rcx));
        Store(WordOf(cell, 0), value);
        A.mov(WordOf(cell, 1), 1);
    }

    /// <summary>
    /// <code>
    ///     mov   qword [cell + 8], 0
    /// </code>
    /// </summary>
    private void EmitDelete(DeleteKey delete)
    {
        if (delete.Key.Count == 0)
            EmitClear(OwnCell(delete.Map));
        else
            EmitKeyedDelete(delete);
    }

    /// <summary>mov qword [cell + word], 0: of a value only the one that tells that there is one, otherwise all, the first one last.</summary>
    private void EmitClear(CellPlace cell)
    {
        MapDefinition map = _group.Maps[cell.Map];
        for (int word = map.CellWords - 1; word >= (map.Kind == AggregateKind.Value ? 1 : 0); word--)
            A.mov(WordOf(cell, word), 0);
    }

    /// <summary>
    /// <code>
    ///     mov   result, [cell]
    ///     xor   ecx, ecx
    ///     cmp   qword [cell + 8], 0
    ///     cmove result, rcx
    /// </code>
    /// </summary>
    private Operand EvaluateCellValue(int map)
    {
        Gpr result = _registers.Take();
        A.mov(result.Q, WordOf(OwnCell(map), 0));
        A.xor(ecx, ecx);
        CompareCellFlag(map);
        A.cmove(result.Q, rcx);
        return Operand.Owned(result);
    }

    /// <summary>cmp qword [cell + 8], 0</summary>
    private void CompareCellFlag(int map) => A.cmp(WordOf(OwnCell(map), 1), 0);
}
