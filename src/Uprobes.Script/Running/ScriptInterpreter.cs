using Uprobes.Script.Output;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Running;

/// <summary>
/// Runs the actions of a checked script, one at a time: each thread that runs actions has an interpreter of its own, and they
/// share the maps.
/// </summary>
/// <param name="script">The script.</param>
/// <param name="maps">Its maps.</param>
/// <param name="host">The run.</param>
internal sealed partial class ScriptInterpreter(TypedScript script, IReadOnlyDictionary<MapSymbol, IScriptMap> maps, IActionHost host)
{
    /// <summary>
    /// Statements and expressions that one action may evaluate: some seconds of work. A thread of the target may wait for it, and
    /// a loop that never ends would be the end of the target.
    /// </summary>
    internal const long MostSteps = 50_000_000;

    private readonly Dictionary<VariableSymbol, ScriptValue> _variables = [];
    private ActionOccasion _occasion = null!;
    private long _steps;
    private Flow _flow;

    /// <summary>Where the action goes on.</summary>
    private enum Flow
    {
        Next,
        Break,
        Continue,
        Return,
    }

    /// <summary>What a benchmark or test returned; nothing otherwise.</summary>
    internal ScriptValue Returned { get; private set; }

    /// <summary>Runs a probe's action where its predicate holds.</summary>
    /// <param name="probe">The probe.</param>
    /// <param name="occasion">What it is run for.</param>
    /// <returns>Whether the predicate held.</returns>
    internal bool Run(TypedProbe probe, ActionOccasion occasion)
    {
        _occasion = occasion;
        _variables.Clear();
        _steps = 0;
        _flow = Flow.Next;
        Returned = default;
        try
        {
            if (probe.Predicate is { } predicate && Number(predicate) == 0)
                return false;
            Execute(probe.Body);
        }
        catch (ActionException e)
        {
            ScriptLocation location = host.Locate(e.Span);
            string message = e.Message;
            host.Post(writer => writer.Message(ScriptSeverity.Error, PrintfFormat.Parse("%s"), [ScriptValue.Literal(message)], location));
        }

        return true;
    }

    private void Execute(TypedStatement statement)
    {
        Step(statement.Span);
        switch (statement)
        {
            case BlockStatement block:
                for (int i = 0; i < block.Statements.Count && _flow == Flow.Next; i++)
                    Execute(block.Statements[i]);
                break;
            case ExpressionStatement { Expression: var expression }:
                Evaluate(expression);
                break;
            case AssignVariable { Variable: var variable, Value: var value }:
                ScriptValue assigned = value is null ? TypedValue.Zero(variable.Type, script.Types) : Evaluate(value);
                if (_flow == Flow.Next)
                    _variables[variable] = assigned;
                break;
            case AssignMap assignment:
                Assign(assignment);
                break;
            case AggregateStatement aggregate:
                Aggregate(aggregate);
                break;
            case WriteRegister write:
                ulong bits = (ulong)Number(write.Value);
                if (_occasion.Thread is not { } thread || !thread.TryWriteRegister(write.Register, bits))
                    throw new ActionException($"the register {write.Register} cannot be written here", write.Span);
                break;
            case IfStatement choice:
                if (Number(choice.Condition) != 0)
                    Execute(choice.Then);
                else if (choice.Else is { } otherwise)
                    Execute(otherwise);
                break;
            case WhileStatement loop:
                while (_flow == Flow.Next && Number(loop.Condition) != 0 && Round(loop.Body))
                    Step(loop.Span);
                break;
            case UnrollStatement loop:
                for (int i = 0; i < loop.Count && Round(loop.Body); i++)
                    Step(loop.Span);
                break;
            case ForRangeStatement loop:
                RunRange(loop);
                break;
            case ForMapStatement loop:
                RunEntries(loop);
                break;
            case LoopJump jump:
                _flow = jump.IsBreak ? Flow.Break : Flow.Continue;
                break;
            case ReturnStatement { Value: var result }:
                Returned = result is null ? default : Evaluate(result);
                _flow = Flow.Return;
                break;
            default:
                throw new InvalidOperationException($"Unknown statement {statement.GetType().Name}.");
        }
    }

    /// <summary>Runs a loop's body once; returns whether the loop goes on.</summary>
    private bool Round(TypedStatement body)
    {
        Execute(body);
        if (_flow == Flow.Continue)
            _flow = Flow.Next;
        if (_flow != Flow.Break)
            return _flow == Flow.Next;
        _flow = Flow.Next;
        return false;
    }

    private void RunRange(ForRangeStatement loop)
    {
        long value = Number(loop.Start), end = Number(loop.End);
        bool isSigned = loop.Variable.Type.IsSignedNumber;
        while (_flow == Flow.Next && (isSigned ? value < end : (ulong)value < (ulong)end))
        {
            _variables[loop.Variable] = TypedValue.OfBits(value, loop.Variable.Type, script.Types);
            if (!Round(loop.Body))
                break;
            Step(loop.Span);
            value++;
        }
    }

    /// <summary>Goes through the entries that there are at the beginning, in the order in which the map prints.</summary>
    private void RunEntries(ForMapStatement loop)
    {
        foreach (ScriptMapEntry entry in MapOrder.Of(MapOf(loop.Map).Snapshot(), top: 0))
        {
            _variables[loop.Variable] = ScriptValue.Tuple(entry.Key, entry.Value);
            if (!Round(loop.Body))
                break;
            Step(loop.Span);
        }
    }

    private void Assign(AssignMap assignment)
    {
        IScriptMap map = MapOf(assignment.Map);
        ScriptValue key = Key(assignment.Key);
        // What another thread's action does to the map comes before or behind `@a += 1`, not into it.
        lock (map)
        {
            (TypedExpression? outer, ScriptValue outerValue) = (_assignedKey, _assignedKeyValue);
            (_assignedKey, _assignedKeyValue) = (assignment.Key, key);
            ScriptValue value = Materialize(Evaluate(assignment.Value), assignment.Map.ValueType, assignment.Span);
            (_assignedKey, _assignedKeyValue) = (outer, outerValue);
            if (_flow == Flow.Next)
                Store(map, key, value, assignment.Span);
        }
    }

    private void Aggregate(AggregateStatement statement)
    {
        IScriptMap map = MapOf(statement.Map);
        ScriptValue key = Key(statement.Key);
        long value = statement.Value is { } expression ? Number(expression) : 1;
        if (_flow != Flow.Next)
            return;
        long before = map.Overflow;
        map.Aggregate(key, value);
        TellOverflow(map, before, statement.Span);
    }

    private void Store(IScriptMap map, in ScriptValue key, in ScriptValue value, SourceSpan span)
    {
        long before = map.Overflow;
        map.Set(key, value);
        TellOverflow(map, before, span);
    }

    private void TellOverflow(IScriptMap map, long before, SourceSpan span)
    {
        const int E2BIG = 7;
        if (map.Overflow != before)
            host.Fail("map_update_elem", E2BIG, span);
    }

    private IScriptMap MapOf(MapSymbol symbol) => maps[symbol];

    private void Step(SourceSpan span)
    {
        if (++_steps > MostSteps)
            throw new ActionException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the action was ended after {MostSteps:N0} steps: a loop in it goes on too long"), span);
    }
}
