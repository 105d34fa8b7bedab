using System.Globalization;
using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>Checks the expressions of one program.</summary>
internal sealed class ExpressionChecker
{
    private readonly ProgramGroup _group;
    private readonly CheckState _state;
    private readonly bool _isReturn;
    private readonly int _followWords;
    private readonly IReadOnlyList<DataType> _locals;
    private int _depth;

    internal ExpressionChecker(ProgramGroup group, CheckState state, bool isReturn, int followWords, IReadOnlyList<DataType> locals) =>
        (_group, _state, _isReturn, _followWords, _locals) = (group, state, isReturn, followWords, locals);

    /// <summary>An expression that must be an integer of any type.</summary>
    internal void CheckInteger(Expression expression, string step) => Check(expression, step, type: null, isInteger: true);

    /// <summary>An expression that must have a type.</summary>
    internal void CheckOf(Expression expression, DataType type, string step) => Check(expression, step, type, isInteger: false);

    internal void CheckIntegers(IReadOnlyList<Expression> expressions, string step)
    {
        for (int i = 0; i < expressions.Count; i++)
            CheckInteger(expressions[i], string.Create(CultureInfo.InvariantCulture, $"{step}[{i}]"));
    }

    /// <summary>A key's parts or an event's fields.</summary>
    internal void CheckParts(IReadOnlyList<Expression> parts, IReadOnlyList<DataType> types, string step)
    {
        if (parts.Count != types.Count)
        {
            _state.Add($"{parts.Count} values where {types.Count} belong");
            return;
        }

        for (int i = 0; i < parts.Count; i++)
            CheckOf(parts[i], types[i], string.Create(CultureInfo.InvariantCulture, $"{step}[{i}]"));
    }

    /// <summary>A map and a key of it.</summary>
    /// <param name="map">Its index.</param>
    /// <param name="key">The key's parts.</param>
    /// <param name="mustHoldValues">Whether it must be of kind <see cref="AggregateKind.Value"/>.</param>
    /// <param name="mayBeRead">Whether one that is read will do too.</param>
    /// <returns>The map, or null where there is none.</returns>
    internal MapDefinition? CheckCell(int map, IReadOnlyList<Expression> key, bool mustHoldValues, bool mayBeRead = false)
    {
        if (map < 0 || map >= _group.Maps.Count)
        {
            _state.Add($"there is no map @{map}");
            return null;
        }

        MapDefinition definition = _group.Maps[map];
        if (mustHoldValues && definition.Kind != AggregateKind.Value && !(mayBeRead && definition.IsRead))
            _state.Add($"map {definition.Name} holds a {definition.Kind}, not values that can be read and deleted");

        CheckParts(key, definition.Keys, ".key");
        return definition;
    }

    private void Check(Expression expression, string step, DataType? type, bool isInteger)
    {
        if (_state.Enter(step))
        {
            _depth++;
            if (_depth > ProgramLimits.ExpressionDepth)
                _state.Add(expression, $"expressions are nested more than {ProgramLimits.ExpressionDepth} deep");
            else
                CheckNode(expression);

            _depth--;
            if (type is { } wanted && expression.Type != wanted)
                _state.Add(expression, $"is {expression.Type}, not {wanted}");
            else if (isInteger && expression.Type.IsText)
                _state.Add(expression, "is a text, not an integer");
        }

        _state.Leave();
    }

    private void CheckNode(Expression expression)
    {
        switch (expression)
        {
            case Constant constant:
                Require(IsInteger(constant) && constant.Type.Wrap(constant.Value) == constant.Value, constant, "does not fit its type");
                break;
            case TextConstant text:
                Require(DefinitionChecker.IsType(text.Type) && text.Bytes.Length <= text.Capacity, text, "does not fit its type");
                Require(!text.Bytes.Span.Contains((byte)0), text, "has a zero in it");
                break;
            case RegisterValue register:
                Require(register.Number is >= 0 and < ProgramLimits.Registers, register, "there is no such register");
                break;
            case Argument argument:
                Require(!_isReturn, argument, "only entry programs see arguments");
                Require(argument.Index is >= 0 and < ProgramLimits.Arguments, argument, "there is no such argument");
                break;
            case ReturnValue:
                Require(_isReturn, expression, "only return programs see the return value");
                break;
            case EntryWord word:
                Require(_isReturn, word, "only return programs see what the entry program kept");
                Require(word.Index >= 0 && (!_isReturn || word.Index < _followWords), word, "not every followed call has such a word");
                break;
            case Builtin builtin:
                Require(Enum.IsDefined(builtin.Kind), builtin, "there is no such value");
                Require(_isReturn || builtin.Kind != BuiltinKind.Duration, builtin, "only return programs see the duration");
                break;
            case Load load:
                Require(IsInteger(load), load, "is not an integer of 8, 16, 32 or 64 bits");
                CheckInteger(load.Address, ".address");
                break;
            case LoadText load:
                Require(DefinitionChecker.IsType(load.Type) && load.Type.IsText, load, $"its capacity is not a multiple of 8 up to {ProgramLimits.FieldCapacity}");
                CheckInteger(load.Address, ".address");
                break;
            case LoadBytes load:
                Require(DefinitionChecker.IsType(load.Type) && load.Type.IsText, load, $"its capacity is not a multiple of 8 up to {ProgramLimits.FieldCapacity}");
                CheckInteger(load.Address, ".address");
                CheckInteger(load.Length, ".length");
                break;
            case StackBytes:
                Require(DefinitionChecker.IsType(expression.Type), expression, $"its capacity is not a multiple of 8 up to {ProgramLimits.FieldCapacity}");
                break;
            case ThreadName:
                break;
            case LocalValue local:
                Require(local.Index >= 0 && local.Index < _locals.Count, local, "there is no such local");
                Require(local.Index < 0 || local.Index >= _locals.Count || _locals[local.Index] == local.Type, local, "the local has another type");
                break;
            default:
                CheckOperation(expression);
                break;
        }
    }

    private void CheckOperation(Expression expression)
    {
        switch (expression)
        {
            case Unary unary:
                Require(Enum.IsDefined(unary.Operator), unary, "there is no such operator");
                CheckInteger(unary.Operand, ".operand");
                break;
            case Binary binary:
                CheckBinary(binary);
                break;
            case Cast cast:
                Require(IsInteger(cast), cast, "is not an integer of 8, 16, 32 or 64 bits");
                CheckInteger(cast.Operand, ".operand");
                break;
            case Conditional choice:
                CheckInteger(choice.Condition, ".condition");
                Check(choice.WhenTrue, ".whenTrue", type: null, isInteger: false);
                CheckOf(choice.WhenFalse, choice.WhenTrue.Type, ".whenFalse");
                break;
            case MapValue value:
                MapDefinition? map = CheckCell(value.Map, value.Key, mustHoldValues: true);
                Require(map is null || map.ValueType == value.Type, value, "the map's values have another type");
                break;
            case MapCell cell:
                MapDefinition? read = CheckCell(cell.Map, cell.Key, mustHoldValues: false);
                Require(read is null or { IsRead: true }, cell, "the map is not one that is read");
                Require(read is null || (cell.Word >= 0 && cell.Word < read.CellWords), cell, "its cells have no such word");
                break;
            case MapContains contains:
                CheckCell(contains.Map, contains.Key, mustHoldValues: true);
                break;
            default:
                CheckTexts(expression);
                break;
        }
    }

    private void CheckTexts(Expression expression)
    {
        switch (expression)
        {
            case TextLength length:
                CheckText(length.Text, ".text");
                break;
            case TextFind find:
                CheckText(find.Text, ".text");
                CheckText(find.Sought, ".sought");
                break;
            case TextDifference difference:
                CheckText(difference.Left, ".left");
                CheckOf(difference.Right, difference.Left.Type, ".right");
                break;
            case TextMatch match:
                CheckText(match.Text, ".text");
                Require(match.Pattern.Length <= ProgramLimits.PatternBytes, match, $"its pattern has more than {ProgramLimits.PatternBytes} bytes");
                break;
            case TextCut cut:
                Require(DefinitionChecker.IsType(cut.Type) && cut.Type.IsText, cut, $"its capacity is not a multiple of 8 up to {ProgramLimits.FieldCapacity}");
                Require(cut.Text.Type.Capacity <= cut.Capacity, cut, "its text has a larger capacity");
                CheckText(cut.Text, ".text");
                CheckInteger(cut.Length, ".length");
                break;
            default:
                _state.Add(expression, "is not an expression that programs can have");
                break;
        }
    }

    private void CheckText(Expression expression, string step)
    {
        Check(expression, step, type: null, isInteger: false);
        Require(expression.Type.IsText, expression, "is an integer, not a text");
    }

    private void CheckBinary(Binary binary)
    {
        Require(Enum.IsDefined(binary.Operator), binary, "there is no such operator");
        bool canBeTexts = binary.Operator is BinaryOperator.Equal or BinaryOperator.NotEqual;
        if (canBeTexts && binary.Left.Type.IsText)
        {
            Check(binary.Left, ".left", type: null, isInteger: false);
            Check(binary.Right, ".right", type: null, isInteger: false);
            Require(binary.Right.Type.IsText, binary, "compares a text with an integer");
            return;
        }

        CheckInteger(binary.Left, ".left");
        if (binary.Operator is BinaryOperator.ShiftLeft or BinaryOperator.ShiftRight or BinaryOperator.LogicalAnd or BinaryOperator.LogicalOr)
            CheckInteger(binary.Right, ".right");
        else
            CheckOf(binary.Right, binary.Left.Type, ".right");
    }

    private static bool IsInteger(Expression expression) => DefinitionChecker.IsInteger(expression.Type);

    private void Require(bool condition, Expression node, string what)
    {
        if (!condition)
            _state.Add(node, what);
    }
}
