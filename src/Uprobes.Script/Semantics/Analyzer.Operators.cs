using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>Operators and casts, with bpftrace's rules for integers: arithmetic has 64 bits.</summary>
internal sealed partial class Analyzer
{
    private TypedExpression CheckUnary(UnarySyntax unary)
    {
        TypedExpression operand = Value(unary.Operand);
        if (operand.Type is UnknownType)
            return new ErrorExpression(unary.Span);
        switch (unary.Operator)
        {
            case UnaryOperatorSyntax.Dereference:
                return Dereference(operand, unary.Span);
            case UnaryOperatorSyntax.Not when operand.Type.IsScalar:
                return operand is ConstantExpression known
                    ? new ConstantExpression(known.Value == 0 ? 1 : 0, ScriptType.Boolean, unary.Span)
                    : new UnaryExpression(UnaryOperatorSyntax.Not, operand, ScriptType.Boolean, unary.Span);
            case UnaryOperatorSyntax.Negate or UnaryOperatorSyntax.Complement when operand.Type.IsNumber:
                if (operand is not ConstantExpression constant)
                    return new UnaryExpression(unary.Operator, Convert(operand, ScriptType.I64), ScriptType.I64, unary.Span);
                long value = unary.Operator == UnaryOperatorSyntax.Negate ? unchecked(-constant.Value) : ~constant.Value;
                return new ConstantExpression(value, TypePromotion.Smallest(value, isUnsigned: false), unary.Span);
            default:
                return Wrong(DiagnosticId.Type, unary.Span, $"`{Operators.Symbol(unary.Operator)}` is not for {operand.Type}");
        }
    }

    private TypedExpression Dereference(TypedExpression operand, SourceSpan span) => operand.Type switch
    {
        PointerType { Target: VoidType } => Wrong(DiagnosticId.Type, span, "a `void *` points to nothing that can be read", "cast it to a pointer to what is there"),
        PointerType pointer => ReadMemory(operand, pointer.Target, span),
        // `*args` is from before arguments had a dot.
        RecordType when operand is TupleExpression => operand,
        _ when operand.Type.IsNumber => ReadMemory(Convert(operand, ScriptType.U64), ScriptType.U64, span),
        _ => Wrong(DiagnosticId.Type, span, $"{operand.Type} is no pointer"),
    };

    private TypedExpression CheckIncrement(IncrementSyntax increment)
    {
        TypedExpression target;
        if (increment.Target is MapSyntax map)
        {
            if (FindMap(map) is not { } symbol)
                return new ErrorExpression(increment.Span);
            TypedExpression? key = CheckKey(symbol, map);
            if (!symbol.ValueType.IsNumber && symbol.ValueType is not PointerType)
                DecideValue(symbol, ScriptType.I64, increment.Span);
            else
                DecideValue(symbol, Widened(symbol.ValueType), increment.Span);
            target = new MapExpression(symbol, key, map.Span);
        }
        else
        {
            target = Check(increment.Target);
            if (target is VariableExpression { Variable: { IsTypeFixed: false, Type.IsNumber: true } variable })
            {
                Decide(variable, Widened(variable.Type), increment.Span);
                target = new VariableExpression(variable, target.Span);
            }
        }

        if (target.Type is UnknownType)
            return new ErrorExpression(increment.Span);
        if (!target.Type.IsScalar)
            return Wrong(DiagnosticId.Type, increment.Span, $"`{(increment.IsIncrement ? "++" : "--")}` is not for {target.Type}");
        long step = target.Type is PointerType pointer ? Math.Max(1, _catalog.SizeOf(pointer.Target)) : 1;
        return new IncrementExpression(target, increment.IsIncrement ? step : -step, increment.IsPrefix, increment.Span);
    }

    /// <summary>What is counted in has 64 bits, so that it does not come back to 0 at 256.</summary>
    private static ScriptType Widened(ScriptType type) => type is IntegerType { Bits: 64 } or PointerType ? type : ScriptType.I64;

    private TypedExpression CheckBinary(BinaryOperatorSyntax operation, TypedExpression left, TypedExpression right, SourceSpan span)
    {
        left = Readable(left);
        right = Readable(right);
        if (left.Type is UnknownType || right.Type is UnknownType)
            return Undecided(operation, left, right, span);
        bool areNumbers = left.Type.IsNumber && right.Type.IsNumber, areScalars = left.Type.IsScalar && right.Type.IsScalar;
        switch (operation)
        {
            case BinaryOperatorSyntax.LogicalAnd or BinaryOperatorSyntax.LogicalOr when areScalars:
                return Fold(operation, left, right, ScriptType.Boolean, span);
            case BinaryOperatorSyntax.Equal or BinaryOperatorSyntax.NotEqual when !areScalars:
                return CheckEquality(operation, left, right, span);
            case >= BinaryOperatorSyntax.Equal and <= BinaryOperatorSyntax.GreaterOrEqual when areScalars:
                ScriptType common = areNumbers ? TypePromotion.ForComparison(left.Type, right.Type) : ScriptType.U64;
                return Fold(operation, Convert(left, common), Convert(right, common), ScriptType.Boolean, span);
            case BinaryOperatorSyntax.ShiftLeft or BinaryOperatorSyntax.ShiftRight when areNumbers:
                ScriptType shifted = TypePromotion.Integer(left.Type).IsSigned ? ScriptType.I64 : ScriptType.U64;
                return Fold(operation, Convert(left, shifted), right, shifted, span);
            case BinaryOperatorSyntax.Add or BinaryOperatorSyntax.Subtract when left.Type is PointerType pointer && right.Type.IsNumber:
                return Offset(operation, left, pointer, right, span);
            case BinaryOperatorSyntax.Add when left.Type.IsNumber && right.Type is PointerType pointer:
                return Offset(operation, right, pointer, left, span);
        }

        if (areNumbers && operation >= BinaryOperatorSyntax.Add || areNumbers && operation is BinaryOperatorSyntax.And or BinaryOperatorSyntax.Or or BinaryOperatorSyntax.Xor && areNumbers)
        {
            if (operation is BinaryOperatorSyntax.Divide or BinaryOperatorSyntax.Remainder && right is ConstantExpression { Value: 0 })
                return Wrong(DiagnosticId.Type, span, "division by zero");
            ScriptType type = TypePromotion.ForArithmetic(left.Type, right.Type, operation == BinaryOperatorSyntax.Subtract);
            return Fold(operation, Convert(left, type), Convert(right, type), type, span);
        }

        string? hint = left.Type is TextType && operation == BinaryOperatorSyntax.Add ? "str_concat(a, b) joins two texts" : null;
        return Wrong(DiagnosticId.Type, span, $"`{Operators.Symbol(operation)}` is not for {left.Type} and {right.Type}", hint);
    }

    /// <summary>
    /// Where one side is not known yet: a comparison is a Boolean all the same, and arithmetic with a number a number, so that
    /// <c>@a = @a + 1</c> finds its type.
    /// </summary>
    private static TypedExpression Undecided(BinaryOperatorSyntax operation, TypedExpression left, TypedExpression right, SourceSpan span)
    {
        ScriptType known = left.Type is UnknownType ? right.Type : left.Type;
        ScriptType type = operation is BinaryOperatorSyntax.LogicalAnd or BinaryOperatorSyntax.LogicalOr or (>= BinaryOperatorSyntax.Equal and <= BinaryOperatorSyntax.GreaterOrEqual) ? ScriptType.Boolean
            : known.IsNumber ? TypePromotion.ForArithmetic(known, known, operation == BinaryOperatorSyntax.Subtract)
            : ScriptType.Unknown;
        return type is UnknownType ? new ErrorExpression(span) : new BinaryExpression(operation, left, right, type, span);
    }

    private TypedExpression CheckEquality(BinaryOperatorSyntax operation, TypedExpression left, TypedExpression right, SourceSpan span)
    {
        if (left is TextConstantExpression a && right is TextConstantExpression b)
            return new ConstantExpression(a.Bytes.Span.SequenceEqual(b.Bytes.Span) == (operation == BinaryOperatorSyntax.Equal) ? 1 : 0, ScriptType.Boolean, span);
        if (left.Type is TextType && right.Type is TextType)
            return new BinaryExpression(operation, left, right, ScriptType.Boolean, span);
        if (left.Type is ArrayType array && array == right.Type)
            return new BinaryExpression(operation, left, right, ScriptType.Boolean, span);
        if (left.Type is TupleType or RecordType && TypePromotion.Merge(left.Type, right.Type) is { } common)
            return new BinaryExpression(operation, Convert(left, common), Convert(right, common), ScriptType.Boolean, span);
        string? hint = left.Type is TextType && right.Type is PointerType or IntegerType || right.Type is TextType && left.Type is PointerType or IntegerType
            ? "str(pointer) reads the text that a pointer points to" : null;
        return Wrong(DiagnosticId.Type, span, $"{left.Type} and {right.Type} cannot be compared", hint);
    }

    /// <summary>A pointer moved by elements.</summary>
    private BinaryExpression Offset(BinaryOperatorSyntax operation, TypedExpression pointer, PointerType type, TypedExpression count, SourceSpan span)
    {
        int size = Math.Max(1, _catalog.SizeOf(type.Target));
        TypedExpression bytes = Convert(Convert(count, TypePromotion.Integer(count.Type).IsSigned ? ScriptType.I64 : ScriptType.U64), ScriptType.U64);
        if (size > 1)
            bytes = Fold(BinaryOperatorSyntax.Multiply, bytes, new ConstantExpression(size, ScriptType.U64, count.Span), ScriptType.U64, count.Span, keepsType: true);
        return new BinaryExpression(operation, Convert(pointer, ScriptType.U64), bytes, type, span);
    }

    /// <summary>An operation, done at once where both sides are known.</summary>
    private static TypedExpression Fold(BinaryOperatorSyntax operation, TypedExpression left, TypedExpression right, ScriptType type, SourceSpan span, bool keepsType = false)
    {
        if (left is not ConstantExpression { Value: var a } || right is not ConstantExpression { Value: var b })
            return new BinaryExpression(operation, left, right, type, span);
        bool isSigned = left.Type is IntegerType { IsSigned: true };
        long value = unchecked(operation switch
        {
            BinaryOperatorSyntax.LogicalOr => a != 0 || b != 0 ? 1 : 0,
            BinaryOperatorSyntax.LogicalAnd => a != 0 && b != 0 ? 1 : 0,
            BinaryOperatorSyntax.Or => a | b,
            BinaryOperatorSyntax.Xor => a ^ b,
            BinaryOperatorSyntax.And => a & b,
            BinaryOperatorSyntax.Equal => a == b ? 1 : 0,
            BinaryOperatorSyntax.NotEqual => a != b ? 1 : 0,
            BinaryOperatorSyntax.Less => (isSigned ? a < b : (ulong)a < (ulong)b) ? 1 : 0,
            BinaryOperatorSyntax.LessOrEqual => (isSigned ? a <= b : (ulong)a <= (ulong)b) ? 1 : 0,
            BinaryOperatorSyntax.Greater => (isSigned ? a > b : (ulong)a > (ulong)b) ? 1 : 0,
            BinaryOperatorSyntax.GreaterOrEqual => (isSigned ? a >= b : (ulong)a >= (ulong)b) ? 1 : 0,
            BinaryOperatorSyntax.ShiftLeft => a << (int)b,
            BinaryOperatorSyntax.ShiftRight => isSigned ? a >> (int)b : (long)((ulong)a >> (int)b),
            BinaryOperatorSyntax.Add => a + b,
            BinaryOperatorSyntax.Subtract => a - b,
            BinaryOperatorSyntax.Multiply => a * b,
            BinaryOperatorSyntax.Divide => !isSigned ? (long)((ulong)a / (ulong)b) : b == -1 ? -a : a / b,
            _ => !isSigned ? (long)((ulong)a % (ulong)b) : b == -1 ? 0 : a % b,
        });
        ScriptType smallest = type is BooleanType || keepsType ? type : TypePromotion.Smallest(value, isUnsigned: !type.IsSignedNumber);
        return new ConstantExpression(value, smallest, span);
    }

    private TypedExpression CheckCast(CastSyntax cast)
    {
        ScriptType type = Resolve(cast.Type);
        TypedExpression operand = Check(cast.Operand);
        if (type is UnknownType || operand.Type is UnknownType)
            return type is UnknownType || !type.IsScalar ? new ErrorExpression(cast.Span) : new CastExpression(operand, type, cast.Span);
        operand = Readable(operand);
        if (type is PointerType { Target: StructType { Name: var name } target } && _catalog.LayoutOf(target) is null)
            Error(DiagnosticId.UnknownName, cast.Type.Span, $"nothing is known of `{target}`", Suggestion.Sentence(name, _catalog.StructNames) ?? "define it in the script, or have the probed program bring debug information");

        if (operand.Type == type)
            return operand with { Span = cast.Span };
        if (type.IsScalar && operand.Type.IsScalar)
            return Convert(operand, type) with { Span = cast.Span };
        switch (operand.Type, type)
        {
            // Without a count, an array is as large as what it is made from.
            case (_, ArrayType { Count: 0 } array) when _catalog.SizeOf(array.Element) is > 0 and var size && _catalog.SizeOf(operand.Type) % size == 0 && operand.Type is IntegerType or TextType:
                return new CastExpression(operand, array with { Count = _catalog.SizeOf(operand.Type) / size }, cast.Span);
            case (IntegerType or TextType, ArrayType array) when _catalog.SizeOf(array) >= _catalog.SizeOf(operand.Type) && array.Element is IntegerType:
                return new CastExpression(operand is ConstantExpression ? Convert(operand, ScriptType.U64) : operand, array, cast.Span);
            case (ArrayType { Element: IntegerType } array, IntegerType) when _catalog.SizeOf(array) <= 8:
                return new CastExpression(operand, type, cast.Span);
            case (TextType text, TextType wanted):
                return new CastExpression(operand, wanted.Capacity == 0 ? text : wanted, cast.Span);
            case (TupleType or RecordType, TupleType or RecordType) when TypePromotion.Merge(operand.Type, type) is not null:
                return new CastExpression(operand, type, cast.Span);
        }

        string? hint = type is TextType ? "str() reads a text" : type is StructType ? $"a pointer can be cast: ({type} *)" : null;
        return Wrong(DiagnosticId.Type, cast.Span, $"{operand.Type} cannot be cast to {type}", hint);
    }
}
