using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Lowering;

/// <summary>How the actions that run in the target use the maps.</summary>
internal sealed class MapUses
{
    private readonly HashSet<MapSymbol> _used = [], _notCounters = [], _reset = [], _cleared = [], _zeroed = [], _filled = [], _numbers = [], _removed = [], _vanishing = [], _written = [], _printed = [];
    private readonly Dictionary<MapSymbol, List<TypedExpression>> _keys = [];

    /// <summary>Looks at actions.</summary>
    internal MapUses(IEnumerable<TypedProbe> probes)
    {
        foreach (TypedProbe probe in probes)
        {
            if (probe.Predicate is { } predicate)
                Look(predicate);
            Look(probe.Body);
        }
    }

    /// <summary>Whether an action has anything to do with it.</summary>
    internal bool IsUsed(MapSymbol map) => _used.Contains(map);

    /// <summary>Whether every action that uses it only adds to what it holds.</summary>
    internal bool IsCounter(MapSymbol map) => !_notCounters.Contains(map);

    /// <summary>Whether an action clears it, or a key of it.</summary>
    internal bool IsReset(MapSymbol map) => _reset.Contains(map);

    /// <summary>Whether an action clears all of it.</summary>
    internal bool IsCleared(MapSymbol map) => _cleared.Contains(map);

    /// <summary>Whether an action prints it.</summary>
    internal bool IsPrinted(MapSymbol map) => _printed.Contains(map);

    /// <summary>Whether an action sets what it holds to zero.</summary>
    internal bool IsZeroed(MapSymbol map) => _zeroed.Contains(map);

    /// <summary>Whether an action puts something into it, in whatever way.</summary>
    internal bool IsWritten(MapSymbol map) => _written.Contains(map);

    /// <summary>Whether an action has it aggregate something.</summary>
    internal bool IsFilled(MapSymbol map) => _filled.Contains(map);

    /// <summary>Whether an action works with what it has aggregated, as a number.</summary>
    internal bool IsNumber(MapSymbol map) => _numbers.Contains(map);

    /// <summary>Whether an action deletes a key of what it has aggregated, where that is no number.</summary>
    internal bool IsRemovedFrom(MapSymbol map) => _removed.Contains(map);

    /// <summary>Whether what actions add to it may come to 0, which a sum by itself does not tell from nothing.</summary>
    internal bool MayVanish(MapSymbol map) => _vanishing.Contains(map);

    /// <summary>The keys that it is used with.</summary>
    internal IReadOnlyList<TypedExpression> KeysOf(MapSymbol map) => _keys.TryGetValue(map, out List<TypedExpression>? keys) ? keys : [];

    /// <summary>What <c>@x = @x + n</c>, as <c>@x += n</c> is held, adds; null for another statement.</summary>
    internal static TypedExpression? Addend(AssignMap assign, out bool subtracts)
    {
        subtracts = false;
        TypedExpression value = assign.Value;
        while (value is CastExpression cast)
            value = cast.Operand;
        if (value is not BinaryExpression { Operator: BinaryOperatorSyntax.Add or BinaryOperatorSyntax.Subtract } sum)
            return null;
        TypedExpression left = sum.Left;
        while (left is CastExpression cast)
            left = cast.Operand;
        subtracts = sum.Operator == BinaryOperatorSyntax.Subtract;
        return left is MapExpression read && read.Map == assign.Map && ReferenceEquals(read.Key, assign.Key) ? sum.Right : null;
    }

    private void Use(MapSymbol map, TypedExpression? key)
    {
        _used.Add(map);
        if (key is null)
            return;
        if (!_keys.TryGetValue(map, out List<TypedExpression>? keys))
            _keys.Add(map, keys = []);
        keys.Add(key);
        Look(key);
    }

    private void Look(TypedStatement statement)
    {
        switch (statement)
        {
            case ExpressionStatement { Expression: IncrementExpression { Target: MapExpression target, Step: var step } }:
                Use(target.Map, target.Key);
                _written.Add(target.Map);
                if (step < 0)
                    _vanishing.Add(target.Map);
                return;
            case AssignMap assign:
                Use(assign.Map, assign.Key);
                _written.Add(assign.Map);
                TypedExpression? addend = Addend(assign, out bool subtracts);
                if (addend is null)
                    _notCounters.Add(assign.Map);
                else if (subtracts || addend is not ConstantExpression { Value: > 0 })
                    _vanishing.Add(assign.Map);
                Look(addend ?? assign.Value);
                return;
            case AggregateStatement aggregate:
                _filled.Add(aggregate.Map);
                _written.Add(aggregate.Map);
                if (aggregate.Value is not ConstantExpression { Value: > 0 })
                    _vanishing.Add(aggregate.Map);
                Use(aggregate.Map, aggregate.Key);
                if (aggregate.Value is { } sample)
                    Look(sample);
                return;
            case ForMapStatement loop:
                Read(loop.Map);
                break;
        }

        foreach (TypedExpression part in StatementParts.Expressions(statement))
            Look(part);
        foreach (TypedStatement inner in StatementParts.Within(statement))
            Look(inner);
    }

    private void Look(TypedExpression expression)
    {
        switch (expression)
        {
            case MapExpression map:
                Use(map.Map, map.Key);
                _notCounters.Add(map.Map);
                break;
            case CastExpression { Operand: MapExpression { Map.ValueType: AggregateType } number }:
                _numbers.Add(number.Map);
                Look(number);
                break;
            case MapReferenceExpression reference:
                _used.Add(reference.Map);
                break;
            case IncrementExpression increment:
                if (increment.Target is MapExpression { Map: var incremented })
                    _written.Add(incremented);
                Look(increment.Target);
                break;
            case CallExpression call:
                LookAtCall(call);
                break;
            case BlockExpression block:
                Look(block.Statements);
                if (block.Result is { } result)
                    Look(result);
                break;
            default:
                foreach (TypedExpression part in ExpressionParts.Of(expression))
                    Look(part);
                break;
        }
    }

    /// <summary>Functions of a map and a key have the key as their second argument.</summary>
    private void LookAtCall(CallExpression call)
    {
        if (call.Function is ScriptFunction.Clear or ScriptFunction.Zero or ScriptFunction.Delete && call.Arguments is [MapReferenceExpression { Map: var reset }, ..])
        {
            _reset.Add(reset);
            if (call.Function == ScriptFunction.Zero)
                _zeroed.Add(reset);
            else if (call.Function == ScriptFunction.Clear)
                _cleared.Add(reset);
        }

        if (call is { Function: ScriptFunction.Print, Arguments: [MapReferenceExpression { Map: var shown }, ..] })
            _printed.Add(shown);
        if (call is { Function: ScriptFunction.Delete, Arguments: [MapExpression entry] })
        {
            _reset.Add(entry.Map);
            Use(entry.Map, entry.Key);
            Read(entry.Map);
            Delete(entry.Map);
            return;
        }

        bool isOfKey = call.Function is ScriptFunction.Delete or ScriptFunction.HasKey or ScriptFunction.Find;
        if (!isOfKey || call.Arguments is not [MapReferenceExpression { Map: var map }, ..])
        {
            foreach (TypedExpression argument in call.Arguments)
                Look(argument);
            return;
        }

        if (call.Function == ScriptFunction.HasKey && map.ValueType is AggregateType { IsReadable: true })
            _numbers.Add(map);
        if (call.Function == ScriptFunction.Delete)
            Delete(map);
        Use(map, call.Arguments.Count > 1 ? call.Arguments[1] : null);
        Read(map);
    }

    /// <summary>What is aggregated after it is not to go with it: either programs delete it themselves, or the reader has all of it in order.</summary>
    private void Delete(MapSymbol map)
    {
        if (map.ValueType is AggregateType aggregate)
            (aggregate.IsReadable ? _numbers : _removed).Add(map);
    }

    private void Read(MapSymbol map)
    {
        _used.Add(map);
        _notCounters.Add(map);
    }
}
