using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>Maps: their keys, what they hold, and the functions that gather.</summary>
internal sealed partial class Analyzer
{
    /// <summary>The map of a name; null where a macro may not use it, which is told.</summary>
    private MapSymbol? FindMap(MapSyntax syntax)
    {
        if (_macro is null)
            return Map(syntax.Name, syntax.NameSpan);
        if (_macro.Maps.TryGetValue(syntax.Name, out MapSymbol? given))
            return given;
        Error(DiagnosticId.UnknownName, syntax.NameSpan, $"the macro `{_macro.Macro.Name.Text}` is not given the map `@{syntax.Name}`", $"a parameter `@{syntax.Name}` would bring it in");
        return null;
    }

    /// <summary>Notes whether a map is used with keys; it is one or the other in the whole script.</summary>
    private bool SetKeys(MapSymbol map, bool hasKeys, SourceSpan span)
    {
        if (map.HasKeys is null)
        {
            map.HasKeys = hasKeys;
            map.KeysSpan = span;
            _hasChanged = true;
        }

        if (map.HasKeys == hasKeys)
            return true;
        string here = hasKeys ? "with" : "without", there = hasKeys ? "without" : "with";
        Error(DiagnosticId.Type, span, $"`{map}` is used {here} keys here, and {there} keys elsewhere", null, new RelatedPlace(map.KeysSpan, $"used {there} keys here"));
        return false;
    }

    /// <summary>Checks the keys of a use of a map.</summary>
    /// <returns>The key in the map's type; null for none.</returns>
    private TypedExpression? CheckKey(MapSymbol map, MapSyntax syntax)
    {
        if (syntax.Keys is not { } keys)
        {
            SetKeys(map, hasKeys: false, syntax.Span);
            return null;
        }

        TypedExpression[] values = [.. keys.Select(Value)];
        SourceSpan span = keys.Count == 0 ? syntax.Span : SourceSpan.Cover(keys[0].Span, keys[^1].Span);
        TypedExpression key = values.Length == 1
            ? values[0]
            : new TupleExpression(values, new TupleType(new TypeList([.. values.Select(value => value.Type)])), span);
        return SetKeys(map, hasKeys: true, syntax.Span) ? DecideKey(map, key) : key;
    }

    /// <summary>A key is used: its type grows, or does not fit.</summary>
    private TypedExpression DecideKey(MapSymbol map, TypedExpression key)
    {
        if (HoldsUnknown(key.Type))
            return key;
        if (key.Type is StructType or VoidType or OpaqueType)
            return Wrong(DiagnosticId.Type, key.Span, $"{key.Type} cannot be a key", "take its fields, or the pointer to it");
        if (TypePromotion.Merge(map.KeyType, key.Type) is not { } merged)
            return Wrong(DiagnosticId.Type, key.Span, $"the key of `{map}` is {map.KeyType}, not {key.Type}", null, new RelatedPlace(map.KeysSpan, $"the first use with {map.KeyType}"));
        if (merged != map.KeyType)
        {
            map.KeyType = merged;
            _hasChanged = true;
        }

        return Convert(key, merged);
    }

    /// <summary>The type of what is not known yet says nothing of the key.</summary>
    private static bool HoldsUnknown(ScriptType type) => type switch
    {
        UnknownType => true,
        TupleType tuple => tuple.Elements.Any(HoldsUnknown),
        RecordType record => record.Elements.Any(HoldsUnknown),
        _ => false,
    };

    private TypedExpression CheckMapRead(MapSyntax syntax)
    {
        if (FindMap(syntax) is not { } map)
            return new ErrorExpression(syntax.Span);
        TypedExpression? key = CheckKey(map, syntax);
        if (map.ValueType is UnknownType)
            return Wrong(DiagnosticId.UnknownName, syntax.Span, $"nothing is ever put into `{map}`", Suggestion.For(map.Name, _mapsInOrder.Where(other => other.ValueType is not UnknownType).Select(other => other.Name)) is { } near ? $"did you mean `@{near}`?" : null);
        return new MapExpression(map, key, syntax.Span);
    }

    private TypedStatement CheckMapAssignment(AssignmentSyntax assignment, MapSyntax syntax)
    {
        if (FindMap(syntax) is not { } map)
            return new ExpressionStatement(Check(assignment.Value), assignment.Span);
        if (assignment.Operator is null && AggregateCall(assignment.Value) is { } call)
            return CheckAggregate(assignment, syntax, map, call);

        TypedExpression? key = CheckKey(map, syntax);
        TypedExpression value;
        if (assignment.Operator is { } operation)
        {
            // A map that nothing was put into is 0.
            ScriptType type = map.ValueType is UnknownType ? ScriptType.I64 : map.ValueType;
            TypedExpression current = map.ValueType is UnknownType ? new ConstantExpression(0, type, syntax.Span) : new MapExpression(map, key, syntax.Span);
            value = CheckBinary(operation, Readable(current), Value(assignment.Value), assignment.Span);
        }
        else
        {
            TypedExpression right = Check(assignment.Value);
            if (right.Type is AggregateType { IsReadable: true } source && map.ValueType is not IntegerType && right is MapExpression other)
                return new ExpressionStatement(Wrong(DiagnosticId.Type, assignment.Span, $"`{map}` cannot be set to {source}, what `{other.Map}` gathers", $"its number can be had: `{map} = (int64){other.Map}`"), assignment.Span);
            value = Readable(right);
        }

        DecideValue(map, value.Type, assignment.Span);
        return new AssignMap(map, key, Convert(value, map.ValueType), assignment.Span);
    }

    /// <summary>A value is put into a map: its type grows, or does not fit.</summary>
    private void DecideValue(MapSymbol map, ScriptType added, SourceSpan span)
    {
        if (HoldsUnknown(added))
            return;
        if (added is VoidType or OpaqueType)
            Error(DiagnosticId.Type, span, $"`{map}` cannot hold {added}");
        else if (added is StructType)
            Error(DiagnosticId.Unsupported, span, $"`{map}` cannot hold a whole {added}", "keep the pointer to it, or the fields that are needed");
        else if (TypePromotion.Merge(map.ValueType, added) is not { } merged)
            Error(DiagnosticId.Type, span, $"`{map}` holds {map.ValueType} and cannot be set to {added}", null, new RelatedPlace(map.ValueSpan, $"here it became {map.ValueType}"));
        else if (merged != map.ValueType)
        {
            if (map.ValueType is UnknownType)
                map.ValueSpan = span;
            map.ValueType = merged;
            _hasChanged = true;
        }
    }

    /// <summary>The call of a function that gathers, where an expression is one.</summary>
    private CallSyntax? AggregateCall(ExpressionSyntax expression) =>
        expression is CallSyntax call && !_macros.ContainsKey(call.Name.Text) && FunctionTable.FindAggregate(call.Name.Text) is not null ? call : null;

    private TypedStatement CheckAggregate(AssignmentSyntax assignment, MapSyntax syntax, MapSymbol map, CallSyntax call)
    {
        TypedExpression? key = CheckKey(map, syntax);
        AggregateFunction function = FunctionTable.FindAggregate(call.Name.Text)!.Value;
        (int least, int most) = function switch
        {
            AggregateFunction.Count => (0, 0),
            AggregateFunction.Hist => (1, 2),
            AggregateFunction.Lhist => (4, 4),
            AggregateFunction.Tseries => (3, 4),
            _ => (1, 1),
        };
        if (!CheckCount(call, least, most))
            return new ExpressionStatement(new ErrorExpression(call.Span), assignment.Span);

        TypedExpression? value = most == 0 ? null : Number(call.Arguments[0]);
        if (value?.Type is UnknownType)
            return new ExpressionStatement(value, assignment.Span);
        bool isSigned = value is null || TypePromotion.Integer(value.Type).IsSigned;
        DecideValue(map, new AggregateType(function, isSigned && function != AggregateFunction.Count), assignment.Span);
        SetParameters(map, function, call);
        return new AggregateStatement(map, key, value is null ? null : Convert(value, isSigned ? ScriptType.I64 : ScriptType.U64), assignment.Span);
    }

    /// <summary>The constants of hist(), lhist() and tseries(): one set for a map.</summary>
    private void SetParameters(MapSymbol map, AggregateFunction function, CallSyntax call)
    {
        List<long> parameters = [];
        for (int i = 1; i < call.Arguments.Count; i++)
        {
            ExpressionSyntax argument = call.Arguments[i];
            TypedExpression value = Check(argument);
            if (function == AggregateFunction.Tseries && i == 3)
                parameters.Add(SeriesFunction(value));
            else if (value is ConstantExpression { Type: IntegerType } constant)
                parameters.Add(constant.Value);
            else if (value is not ErrorExpression)
                Error(DiagnosticId.Arguments, argument.Span, $"argument {i + 1} of {call.Name.Text}() is a constant number");
        }

        if (parameters.Count != call.Arguments.Count - 1)
            return;
        if (function == AggregateFunction.Hist && parameters.Count == 0)
            parameters.Add(0);
        if (function == AggregateFunction.Tseries && parameters.Count == 2)
            parameters.Add(-1);
        string? wrong = function switch
        {
            AggregateFunction.Hist when parameters[0] is < 0 or > 5 => "the second argument of hist() is from 0 to 5",
            AggregateFunction.Lhist when parameters[2] <= 0 => "the step of lhist() is greater than 0",
            AggregateFunction.Lhist when parameters[0] >= parameters[1] => "lhist() goes from a smaller number to a larger one",
            AggregateFunction.Lhist when (Int128)parameters[1] - parameters[0] < parameters[2] => "the step of lhist() is larger than its range",
            AggregateFunction.Lhist when ((Int128)parameters[1] - parameters[0]) / parameters[2] > 1000 => "lhist() has at most 1000 buckets",
            AggregateFunction.Tseries when parameters[0] <= 0 => "the interval of tseries() is greater than 0",
            AggregateFunction.Tseries when parameters[1] is < 1 or > 1_000_000 => "tseries() keeps 1 to 1000000 intervals",
            _ => null,
        };
        if (wrong is not null)
            Error(DiagnosticId.Arguments, call.Span, wrong);
        else if (map.Parameters.Count == 0)
            map.Parameters = parameters;
        else if (!map.Parameters.SequenceEqual(parameters))
            Error(DiagnosticId.Arguments, call.Span, $"`{map}` has other parameters of {call.Name.Text}() elsewhere", null, new RelatedPlace(map.ValueSpan, "the first use"));
    }

    private long SeriesFunction(TypedExpression value)
    {
        string? name = value is TextConstantExpression text ? System.Text.Encoding.UTF8.GetString(text.Bytes.Span) : null;
        AggregateFunction? function = name switch
        {
            "avg" => AggregateFunction.Avg,
            "max" => AggregateFunction.Max,
            "min" => AggregateFunction.Min,
            "sum" => AggregateFunction.Sum,
            _ => null,
        };
        if (function is null && value is not ErrorExpression)
            Error(DiagnosticId.Arguments, value.Span, "the last argument of tseries() is \"avg\", \"max\", \"min\" or \"sum\"");
        return function is { } found ? (long)found : -1;
    }
}
