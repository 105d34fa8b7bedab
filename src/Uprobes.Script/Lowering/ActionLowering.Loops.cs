using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Lowering;

/// <summary>Loops. Those of a known, small number of rounds are repeated; the rounds of all others are counted as they run.</summary>
internal sealed partial class ActionLowering
{
    /// <summary>Rounds of the repetitions around what is lowered.</summary>
    private int _repeated = 1;

    /// <summary>How many loops whose rounds are counted are around it.</summary>
    private int _counted;

    private void LowerWhile(WhileStatement loop) => AddLoop(loop.Span, () =>
    {
        LeaveUnless(Condition(loop.Condition));
        LowerStatement(loop.Body);
    });

    private void LowerRange(ForRangeStatement loop)
    {
        DataType type = StoredTypes.Of(loop.Variable.Type);
        int variable = LocalOf(loop.Variable), next = NewLocal(type);
        LocalValue value = new(next, type);
        _statements.Add(new SetLocal(next, IntegerAs(loop.Start, type)));
        if (loop is { Start: ConstantExpression { Value: var first }, End: ConstantExpression { Value: var last } })
        {
            Int128 times = type.IsSigned ? (Int128)last - first : (Int128)(ulong)last - (ulong)first;
            if (times > 0 && MayRepeat(times))
                LowerTimes((int)times, loop.Span, Round);
            if (times <= 0 || MayRepeat(times))
                return;
        }

        int end = NewLocal(type);
        _statements.Add(new SetLocal(end, IntegerAs(loop.End, type)));
        AddLoop(loop.Span, () =>
        {
            LeaveUnless(new Binary(BinaryOperator.Less, value, new LocalValue(end, type)));
            Round();
        });

        void Round()
        {
            _statements.Add(new SetLocal(variable, value));
            Increase(next, type);
            LowerStatement(loop.Body);
        }
    }

    private void LowerTimes(int times, SourceSpan span, Action round)
    {
        int counter = NewLocal(DataType.U32);
        if (MayRepeat(times))
        {
            int outer = _repeated;
            _repeated *= times;
            _statements.Add(new Repeat(counter, times, Within(round)));
            _repeated = outer;
            return;
        }

        _statements.Add(new SetLocal(counter, new Constant(0, DataType.U32)));
        AddLoop(span, () =>
        {
            LeaveUnless(new Binary(BinaryOperator.Less, new LocalValue(counter, DataType.U32), new Constant(times, DataType.U32)));
            Increase(counter, DataType.U32);
            round();
        });
    }

    private bool MayRepeat(Int128 times) => _counted == 0 && times <= ProgramLimits.Times && _repeated * times <= ProgramLimits.Iterations;

    /// <summary>What is used up is counted at each place, so that the user can be told of it.</summary>
    private void AddLoop(SourceSpan span, Action round)
    {
        _counted++;
        List<Statement> body = Within(round);
        _counted--;
        _statements.Add(new Loop(body, [new Programs.Aggregate(maps.Maps.Count + loops.Count, [], null)]));
        loops.Add(span);
    }

    private void LeaveUnless(Expression condition) => _statements.Add(new If(condition, [], [new Break()]));

    private void Increase(int local, DataType type) =>
        _statements.Add(new SetLocal(local, new Binary(BinaryOperator.Add, new LocalValue(local, type), new Constant(1, type))));
}
