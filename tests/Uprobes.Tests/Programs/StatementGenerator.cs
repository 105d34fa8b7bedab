using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>Random programs for given maps and events.</summary>
internal sealed class StatementGenerator
{
    private const int Deepest = 3, MostRounds = 25;
    private readonly ChoiceSource _choices;
    private readonly MapDefinition[] _maps;
    private readonly EventDefinition[] _events;
    private readonly bool _mayFollow;
    private readonly DataType[] _locals;
    private readonly ExpressionGenerator _expressions;
    private readonly HashSet<int> _counters = [];
    private int _statements, _loops, _endless;
    private bool _hasFollowed;

    internal StatementGenerator(ChoiceSource choices, MapDefinition[] maps, EventDefinition[] events, bool isReturn, bool hasReturn, int followWords)
    {
        (_choices, _maps, _events, _mayFollow) = (choices, maps, events, hasReturn && !isReturn);
        _locals = new DataType[choices.Below(5)];
        for (int i = 0; i < _locals.Length; i++)
            _locals[i] = DefinitionGenerator.IntegerType(choices);

        _statements = choices.Of(3, 8, 30);
        _expressions = new(choices, maps, _locals, isReturn, followWords) { Budget = choices.Of(20, 60, 300) };
    }

    /// <summary>Words of the call that keeps fewest; null where none is followed.</summary>
    internal int? LeastFollowWords { get; private set; }

    internal ProbeProgram Program() => new(Body(0, 1, mayMakeKeys: true), _locals);

    private List<Statement> Body(int depth, int rounds, bool mayMakeKeys)
    {
        List<Statement> body = [];
        int count = 1 + _choices.Below(5);
        while (body.Count < count && !(_choices.IsExhausted && body.Count > 0) && _statements-- > 0)
            body.Add(Statement(depth, rounds, mayMakeKeys));

        return body;
    }

    private Statement Statement(int depth, int rounds, bool mayMakeKeys)
    {
        switch (_choices.Below(12))
        {
            case 0 or 1 or 2 when mayMakeKeys:
                return Emit();
            case 3 or 4 when _locals.Length > 0:
                return SetLocal() ?? Aggregate(mayMakeKeys);
            case 5 or 6 when depth < Deepest:
                return Choice(depth, rounds, mayMakeKeys);
            case 7 when depth < Deepest:
                return Loop(depth, rounds, mayMakeKeys) ?? Aggregate(mayMakeKeys);
            case 8 when _mayFollow && !_hasFollowed && _loops == 0:
                return Follow();
            case 8 when _loops > 0:
                return new If(_expressions.Condition(0), [_choices.Below(2) == 0 ? new Break() : new Continue()], []);
            case 9:
                return Delete(mayMakeKeys) ?? Aggregate(mayMakeKeys);
            case 10 when _choices.OnceIn(3):
                return new Stop();
            default:
                return Aggregate(mayMakeKeys);
        }
    }

    private Emit Emit()
    {
        int number = _choices.Below(_events.Length);
        return new(number, [.. _events[number].Fields.Select(f => _expressions.Part(f, 0))]);
    }

    private SetLocal? SetLocal()
    {
        int[] free = FreeLocals(0);
        if (free.Length == 0)
            return null;

        int local = _choices.Of(free);
        return new(local, _expressions.Integer(_locals[local], 0));
    }

    private If Choice(int depth, int rounds, bool mayMakeKeys)
    {
        Expression condition = _expressions.Condition(0);
        bool before = _hasFollowed;
        List<Statement> then = Body(depth + 1, rounds, mayMakeKeys);
        bool afterThen = _hasFollowed;
        _hasFollowed = before;
        List<Statement> otherwise = _choices.Below(2) == 0 ? [] : Body(depth + 1, rounds, mayMakeKeys);
        _hasFollowed |= afterThen;
        return new(condition, then, otherwise);
    }

    /// <summary>Long loops make no keys and no events.</summary>
    private Statement? Loop(int depth, int rounds, bool mayMakeKeys)
    {
        int times = _choices.OnceIn(8) ? _choices.Of(100, 1000) : 1 + _choices.Below(5);
        bool isLong = rounds * times > MostRounds;
        int[] free = FreeLocals(times);
        if (free.Length == 0 || rounds * times > ProgramLimits.Iterations)
            return null;

        int counter = _choices.Of(free);
        bool isCounted = _endless > 0 || _choices.Below(2) == 0;
        _counters.Add(counter);
        _loops++;
        _endless += isCounted ? 1 : 0;
        List<Statement> body = Body(depth + 1, rounds * times, mayMakeKeys && !isLong);
        _endless -= isCounted ? 1 : 0;
        _loops--;
        _counters.Remove(counter);
        return isCounted ? Counted(counter, times, body) : new Repeat(counter, times, body);
    }

    /// <summary>A loop of no stated number of rounds that is left after some.</summary>
    private If Counted(int counter, int times, List<Statement> body)
    {
        DataType type = _locals[counter];
        LocalValue count = new(counter, type);
        Statement leave = new If(new Binary(BinaryOperator.GreaterOrEqual, count, new Constant(times, type)), [new Break()], []);
        Statement next = new SetLocal(counter, new Binary(BinaryOperator.Add, count, new Constant(1, type)));
        return new(new Constant(1, DataType.Boolean), [new SetLocal(counter, new Constant(0, type)), new Loop([leave, next, .. body], [])], []);
    }

    private FollowCall Follow()
    {
        _hasFollowed = true;
        Expression[] words = new Expression[_choices.Below(ProgramLimits.FollowWords + 1)];
        for (int i = 0; i < words.Length; i++)
            words[i] = _expressions.Integer(DefinitionGenerator.IntegerType(_choices), 0);

        LeastFollowWords = Math.Min(LeastFollowWords ?? int.MaxValue, words.Length);
        return new(words);
    }

    private DeleteKey? Delete(bool mayMakeKeys)
    {
        int[] values = [.. Usable(mayMakeKeys).Where(m => _maps[m].IsShared)];
        if (values.Length == 0)
            return null;

        int map = _choices.Of(values);
        return new(map, _expressions.Key(map, 0));
    }

    private Statement Aggregate(bool mayMakeKeys)
    {
        int[] usable = [.. Usable(mayMakeKeys)];
        if (usable.Length == 0)
            return new If(_expressions.Condition(0), [], []);

        int map = _choices.Of(usable);
        Expression? value = _maps[map].Kind == AggregateKind.Count ? null : _expressions.Integer(_maps[map].ValueType, 0);
        return new Aggregate(map, _expressions.Key(map, 0), value);
    }

    private IEnumerable<int> Usable(bool mayMakeKeys) => Enumerable.Range(0, _maps.Length).Where(m => mayMakeKeys || !_maps[m].IsKeyed);

    /// <summary>Locals that no loop counts with and that can hold a number.</summary>
    private int[] FreeLocals(int number) =>
        [.. Enumerable.Range(0, _locals.Length).Where(l => !_counters.Contains(l) && _locals[l].Wrap(number) == number)];
}
