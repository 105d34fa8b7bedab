using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>Expressions, but for operators, names and calls.</summary>
internal sealed partial class Analyzer
{
    private TypedExpression Check(ExpressionSyntax syntax) => syntax switch
    {
        MissingSyntax => new ErrorExpression(syntax.Span),
        IntegerSyntax integer => new ConstantExpression((long)integer.Value, TypePromotion.Smallest((long)integer.Value, isUnsigned: true), integer.Span),
        BooleanSyntax boolean => new ConstantExpression(boolean.Value ? 1 : 0, ScriptType.Boolean, boolean.Span),
        TextSyntax text => new TextConstantExpression(text.Bytes, text.Span),
        NamedExpressionSyntax name => CheckName(name),
        VariableSyntax variable => CheckVariable(variable),
        MapSyntax map => CheckMapRead(map),
        PositionalSyntax positional => CheckPositional(positional),
        PositionalCountSyntax count => new ConstantExpression(_options.Positional.Count, ScriptType.U64, count.Span),
        UnarySyntax unary => CheckUnary(unary),
        IncrementSyntax increment => CheckIncrement(increment),
        AddressSyntax address => Wrong(DiagnosticId.Unsupported, address.Span, "variables and maps have no address here"),
        BinarySyntax binary => CheckBinary(binary.Operator, Value(binary.Left), Value(binary.Right), binary.Span),
        ConditionalSyntax conditional => CheckConditional(conditional),
        CastSyntax cast => CheckCast(cast),
        SizeofSyntax size => CheckSizeof(size),
        OffsetofSyntax offset => CheckOffsetof(offset),
        MemberSyntax member => CheckMember(member),
        ElementSyntax element => CheckElement(element),
        IndexSyntax index => CheckIndex(index),
        CallSyntax call => CheckCall(call),
        TupleSyntax tuple => CheckTuple(tuple),
        RecordSyntax record => CheckRecord(record),
        BlockSyntax block => CheckBlockExpression(block),
        IfSyntax choice => CheckIfExpression(choice),
        ComptimeSyntax comptime => CheckComptime(comptime),
        _ => throw new InvalidOperationException($"An expression of an unknown kind: {syntax.GetType().Name}"),
    };

    /// <summary>An expression that must have a value; that of an aggregate is its number.</summary>
    private TypedExpression Value(ExpressionSyntax syntax)
    {
        TypedExpression expression = Check(syntax);
        return expression.Type is VoidType ? Wrong(DiagnosticId.Type, syntax.Span, "this has no value") : Readable(expression);
    }

    /// <summary>The number of an aggregate; anything else as it is.</summary>
    private TypedExpression Readable(TypedExpression expression)
    {
        if (expression.Type is not AggregateType aggregate)
            return expression;
        return aggregate.IsReadable
            ? new CastExpression(expression, TypePromotion.Integer(aggregate), expression.Span)
            : Wrong(DiagnosticId.Type, expression.Span, $"{aggregate} can be printed, and has no value to work with");
    }

    /// <summary>An expression that must be a number.</summary>
    private TypedExpression Number(ExpressionSyntax syntax)
    {
        TypedExpression value = Value(syntax);
        return value.Type.IsNumber || value.Type is UnknownType ? value : Wrong(DiagnosticId.Type, syntax.Span, $"a number is needed here, not {value.Type}");
    }

    /// <summary>An expression that must be a number or a pointer.</summary>
    private TypedExpression Scalar(ExpressionSyntax syntax)
    {
        TypedExpression value = Value(syntax);
        return value.Type.IsScalar || value.Type is UnknownType ? value : Wrong(DiagnosticId.Type, syntax.Span, $"a number or a pointer is needed here, not {value.Type}");
    }

    private TypedExpression Condition(ExpressionSyntax syntax)
    {
        TypedExpression value = Value(syntax);
        if (value.Type.IsScalar || value.Type is UnknownType)
            return value;
        return Wrong(DiagnosticId.Type, syntax.Span, $"a condition is a number or a pointer, not {value.Type}", value.Type is TextType ? "compare the text with another one" : null);
    }

    /// <summary>An expression in another type, by a cast in the tree where it is not of that type already.</summary>
    private static TypedExpression Convert(TypedExpression expression, ScriptType type)
    {
        if (expression.Type == type || expression.Type is UnknownType || type is UnknownType or VoidType)
            return expression;
        return expression is ConstantExpression constant && type.IsScalar ? new ConstantExpression(Wrap(constant.Value, type), type, constant.Span) : new CastExpression(expression, type, expression.Span);
    }

    /// <summary>64 bits as a value of a type.</summary>
    private static long Wrap(long value, ScriptType type) => type switch
    {
        BooleanType => value != 0 ? 1 : 0,
        IntegerType { IsSigned: true, Bits: var bits } => value << (64 - bits) >> (64 - bits),
        IntegerType { Bits: < 64 and var bits } => value & ((1L << bits) - 1),
        EnumType { IsSigned: true, Bits: var bits } => value << (64 - bits) >> (64 - bits),
        EnumType { Bits: < 64 and var bits } => value & ((1L << bits) - 1),
        _ => value,
    };

    private TupleExpression CheckTuple(TupleSyntax tuple)
    {
        TypedExpression[] elements = [.. tuple.Elements.Select(Value)];
        return new TupleExpression(elements, new TupleType(new TypeList([.. elements.Select(element => element.Type)])), tuple.Span);
    }

    private TupleExpression CheckRecord(RecordSyntax record)
    {
        foreach (IGrouping<string, RecordFieldSyntax> twice in record.Fields.GroupBy(field => field.Name.Text).Where(group => group.Count() > 1))
            Error(DiagnosticId.Misplaced, twice.Last().Name.Span, $"the record has two elements `{twice.Key}`");
        TypedExpression[] elements = [.. record.Fields.Select(field => Value(field.Value))];
        RecordType type = new(new NameList([.. record.Fields.Select(field => field.Name.Text)]), new TypeList([.. elements.Select(element => element.Type)]));
        return new TupleExpression(elements, type, record.Span);
    }

    private TypedExpression CheckConditional(ConditionalSyntax conditional)
    {
        TypedExpression condition = Condition(conditional.Condition);
        TypedExpression whenTrue = conditional.WhenTrue is { } syntax ? Reachable(condition, isTaken: true, () => Check(syntax)) : condition;
        TypedExpression whenFalse = Reachable(condition, isTaken: false, () => Check(conditional.WhenFalse));
        return Choose(condition, whenTrue, whenFalse, conditional.Span);
    }

    /// <summary>One of two values, which need a type for both.</summary>
    private TypedExpression Choose(TypedExpression condition, TypedExpression whenTrue, TypedExpression whenFalse, SourceSpan span)
    {
        if (whenTrue.Type is VoidType && whenFalse.Type is VoidType)
            return new ConditionalExpression(condition, whenTrue, whenFalse, ScriptType.Void, span);
        whenTrue = Readable(whenTrue);
        whenFalse = Readable(whenFalse);
        if (whenTrue.Type is VoidType || whenFalse.Type is VoidType || TypePromotion.Merge(whenTrue.Type, whenFalse.Type) is not { } type)
        {
            return Wrong(DiagnosticId.Type, span, $"the two values are {whenTrue.Type} and {whenFalse.Type}, which have no type in common", null,
                new RelatedPlace(whenTrue.Span, $"this is {whenTrue.Type}"), new RelatedPlace(whenFalse.Span, $"this is {whenFalse.Type}"));
        }

        if (condition is ConstantExpression known)
            return Convert(known.Value != 0 ? whenTrue : whenFalse, type);
        return new ConditionalExpression(condition, Convert(whenTrue, type), Convert(whenFalse, type), type, span);
    }

    private BlockExpression CheckBlockExpression(BlockSyntax block)
    {
        Scope outer = _scope;
        _scope = new Scope(outer);
        BlockStatement statements = new(CheckStatements(block), block.Span);
        TypedExpression? result = block.Result is { } syntax ? Readable(Check(syntax)) : null;
        _scope = outer;
        return new BlockExpression(statements, result, result?.Type ?? ScriptType.Void, block.Span);
    }

    private TypedExpression CheckIfExpression(IfSyntax choice)
    {
        TypedExpression condition = Condition(choice.Condition);
        TypedExpression then = Reachable<TypedExpression>(condition, isTaken: true, () => CheckBlockExpression(choice.Then));
        if (choice.Else is null)
            return new ConditionalExpression(condition, then, new BlockExpression(new BlockStatement([], choice.Span), null, ScriptType.Void, choice.Span), ScriptType.Void, choice.Span);
        TypedExpression otherwise = Reachable(condition, isTaken: false, () => Check(choice.Else));
        return Choose(condition, then, otherwise, choice.Span);
    }

    private TypedExpression CheckComptime(ComptimeSyntax comptime)
    {
        TypedExpression value = Check(comptime.Operand);
        return value is ConstantExpression or TextConstantExpression or ErrorExpression ? value : Wrong(DiagnosticId.Type, comptime.Span, "this is not known before the script runs");
    }

    private TypedExpression CheckSizeof(SizeofSyntax syntax)
    {
        ScriptType type = syntax switch
        {
            { Type: { } written } => Resolve(written),
            { Expression: NamedExpressionSyntax name } when NamedType(name.Name) is { } named => named,
            // In the target's memory there is no room for a zero behind the characters.
            _ => Check(syntax.Expression!) is var value && value is CharacterArrayExpression characters ? new BufferType(characters.Count) : value.Type,
        };
        if (type is UnknownType)
            return new ErrorExpression(syntax.Span);
        int size = _catalog.SizeOf(type);
        return size == 0 && (type is VoidType or StructType)
            ? Wrong(DiagnosticId.Type, syntax.Span, $"the size of {type} is not known")
            : new ConstantExpression(size, ScriptType.U64, syntax.Span);
    }

    /// <summary>The type of a bare name that means nothing else.</summary>
    private ScriptType? NamedType(string name) =>
        BuiltinTable.Find(name) is null && !_defines.ContainsKey(name) && _macro?.Expressions.ContainsKey(name) != true ? TypeNamed(name) : null;

    private TypedExpression CheckOffsetof(OffsetofSyntax syntax)
    {
        ScriptType type = syntax switch
        {
            { Type: { } written } => Resolve(written),
            { Expression: NamedExpressionSyntax name } when NamedType(name.Name) is { } named => named,
            _ => Check(syntax.Expression!).Type,
        };
        int offset = 0;
        foreach (NameSyntax name in syntax.Fields)
        {
            if (FindField(type, name) is not { } field)
                return new ErrorExpression(syntax.Span);
            offset += field.Offset;
            type = field.Type;
        }

        return new ConstantExpression(offset, ScriptType.U64, syntax.Span);
    }
}
