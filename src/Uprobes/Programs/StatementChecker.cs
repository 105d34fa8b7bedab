using System.Globalization;
using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>Checks one program of a group whose definitions are good.</summary>
internal sealed class StatementChecker
{
    private readonly ProgramGroup _group;
    private readonly bool _isReturn;
    private readonly int _followWords;
    private readonly CheckState _state;
    private ExpressionChecker _expressions = null!;
    private IReadOnlyList<DataType> _locals = [];

    /// <summary>Locals that loops around the present statement count with.</summary>
    private readonly List<int> _counters = [];

    /// <summary>Loops around the present statement, and those of them that are not left by themselves.</summary>
    private int _loops, _endless;

    /// <param name="group">Its definitions.</param>
    /// <param name="isReturn">Which of the group's programs it is.</param>
    /// <param name="followWords">For a return program: how many words every call it is run for has.</param>
    /// <param name="problems">Where problems go.</param>
    internal StatementChecker(ProgramGroup group, bool isReturn, int followWords, List<ProgramProblem> problems)
    {
        (_group, _isReturn, _followWords) = (group, isReturn, followWords);
        _state = new(isReturn ? "return" : "entry", problems);
    }

    /// <summary>Words of the <see cref="FollowCall"/> that has fewest; null where there is none.</summary>
    internal int? LeastFollowWords { get; private set; }

    internal void Check(ProbeProgram program)
    {
        _locals = program.Locals;
        _expressions = new(_group, _state, _isReturn, _followWords, _locals);
        if (_locals.Count > ProgramLimits.Locals)
            _state.Add($"more than {ProgramLimits.Locals} locals");

        foreach (DataType local in _locals.Where(l => !DefinitionChecker.IsInteger(l)))
            _state.Add($"a local is {local}, not an integer");

        CheckAll(program.Body, "", 1, 1);
        if (_state.Nodes > ProgramLimits.Nodes)
            _state.Add($"more than {ProgramLimits.Nodes} statements and expressions");

        // Both walk the whole program, which is known to be bounded only now.
        if (!_state.IsGood)
            return;

        if (FollowPaths.Of(program.Body).Most > 1)
            _state.Add("a call can be followed twice in one run");

        if (ScratchNeed.Of(program) is > ProgramLimits.Scratch and int need)
            _state.Add($"its locals and intermediate values take {need} bytes, more than {ProgramLimits.Scratch}");
    }

    private void CheckAll(IReadOnlyList<Statement> statements, string list, int depth, int iterations)
    {
        for (int i = 0; i < statements.Count; i++)
        {
            bool isWithin = _state.Enter(string.Create(CultureInfo.InvariantCulture, $"{list}[{i}]"));
            if (isWithin && depth > ProgramLimits.StatementDepth)
                _state.Add($"statements are nested more than {ProgramLimits.StatementDepth} deep");
            else if (isWithin)
                Check(statements[i], depth, iterations);

            _state.Leave();
            if (!isWithin)
                break;
        }
    }

    private void Check(Statement statement, int depth, int iterations)
    {
        switch (statement)
        {
            case SetLocal set:
                CheckSetLocal(set);
                break;
            case If choice:
                _expressions.CheckInteger(choice.Condition, ".condition");
                CheckAll(choice.Then, ".then", depth + 1, iterations);
                CheckAll(choice.Else, ".else", depth + 1, iterations);
                break;
            case Repeat loop:
                CheckRepeat(loop, depth, iterations);
                break;
            case Loop loop:
                CheckLoop(loop, depth, iterations);
                break;
            case Break or Continue:
                if (_loops == 0)
                    _state.Add("leaves a loop where there is none");
                break;
            case Stop:
                break;
            case Aggregate aggregate:
                CheckAggregate(aggregate);
                break;
            case DeleteKey delete:
                _expressions.CheckCell(delete.Map, delete.Key, mustHoldValues: true, mayBeRead: true);
                break;
            case Emit emit:
                CheckEmit(emit);
                break;
            case FollowCall follow:
                CheckFollow(follow);
                break;
            default:
                _state.Add($"{statement.GetType().Name} is not a statement that programs can have");
                break;
        }
    }

    private void CheckSetLocal(SetLocal set)
    {
        if (!IsLocal(set.Index))
            return;

        if (_counters.Contains(set.Index))
            _state.Add($"sets ${set.Index}, which a loop around it counts with");

        _expressions.CheckOf(set.Value, _locals[set.Index], ".value");
    }

    private void CheckLoop(Loop loop, int depth, int iterations)
    {
        _loops++;
        _endless++;
        CheckAll(loop.Body, ".body", depth + 1, iterations);
        _endless--;
        _loops--;
        if (loop.Spent.Any(s => s is not (Aggregate or Emit)))
            _state.Add("does more than to count and to tell that there are no more rounds");
        else
            CheckAll(loop.Spent, ".spent", depth + 1, iterations);
    }

    private void CheckRepeat(Repeat loop, int depth, int iterations)
    {
        bool isCounter = IsLocal(loop.Counter);
        if (_endless > 0)
            _state.Add("repeats within a loop whose rounds are counted");
        if (isCounter && _counters.Contains(loop.Counter))
            _state.Add($"counts with ${loop.Counter}, as a loop around it does");

        if (loop.Times is < 1 or > ProgramLimits.Times)
            _state.Add($"{loop.Times} times, not 1 to {ProgramLimits.Times}");
        else if (iterations * loop.Times > ProgramLimits.Iterations)
            _state.Add($"{iterations * loop.Times} rounds with the loops around it, more than {ProgramLimits.Iterations}");
        else if (isCounter && _locals[loop.Counter].Wrap(loop.Times) != loop.Times)
            _state.Add($"its counter, {_locals[loop.Counter]}, cannot hold {loop.Times}");
        else
            iterations *= loop.Times;

        _counters.Add(loop.Counter);
        _loops++;
        CheckAll(loop.Body, ".body", depth + 1, iterations);
        _loops--;
        _counters.RemoveAt(_counters.Count - 1);
    }

    private void CheckAggregate(Aggregate aggregate)
    {
        if (_expressions.CheckCell(aggregate.Map, aggregate.Key, mustHoldValues: false) is not { } map)
            return;

        if (map.Kind == AggregateKind.Count)
        {
            if (aggregate.Value is not null)
                _state.Add("counts, but has a value");
        }
        else if (aggregate.Value is null)
        {
            _state.Add("has no value");
        }
        else
        {
            _expressions.CheckOf(aggregate.Value, map.ValueType, ".value");
        }
    }

    private void CheckEmit(Emit emit)
    {
        if (emit.Event < 0 || emit.Event >= _group.Events.Count)
            _state.Add($"there is no event !{emit.Event}");
        else
            _expressions.CheckParts(emit.Fields, _group.Events[emit.Event].Fields, ".field");
    }

    private void CheckFollow(FollowCall follow)
    {
        if (_isReturn)
            _state.Add("follows a call in a return program");
        else if (_group.Return is null)
            _state.Add("follows a call, but the group has no return program");

        if (_loops > 0)
            _state.Add("follows a call in a loop");

        if (follow.Words.Count > ProgramLimits.FollowWords)
            _state.Add($"{follow.Words.Count} words, more than {ProgramLimits.FollowWords}");
        else
            _expressions.CheckIntegers(follow.Words, ".word");

        LeastFollowWords = Math.Min(LeastFollowWords ?? int.MaxValue, follow.Words.Count);
    }

    private bool IsLocal(int index)
    {
        if (index >= 0 && index < _locals.Count)
            return true;

        _state.Add($"there is no local ${index}");
        return false;
    }
}
