using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>Fields, elements and what pointers point to: all become reads at an address.</summary>
internal sealed partial class Analyzer
{
    /// <summary>The value of a type at an address.</summary>
    private TypedExpression ReadMemory(TypedExpression address, ScriptType type, SourceSpan span)
    {
        switch (type)
        {
            case ArrayType { Element: IntegerType { Bits: 8, IsSigned: true }, Count: > 0 and var count }:
                return new CharacterArrayExpression(Convert(address, ScriptType.U64), count, span);
            case OpaqueType or VoidType:
                return Wrong(DiagnosticId.Unsupported, span, $"a value of type {type} cannot be read");
            case StructType named when _catalog.LayoutOf(named) is null:
                return Wrong(DiagnosticId.UnknownName, span, $"nothing is known of `{named}`", "define it in the script, or have the probed program bring debug information");
            default:
                return new MemoryExpression(Convert(address, ScriptType.U64), type, span);
        }
    }

    /// <summary>Where a value lies in the target's memory; null for one that lies nowhere.</summary>
    private static TypedExpression? AddressOf(TypedExpression value) => value switch
    {
        // A pointer in memory points somewhere else: its value is what counts.
        MemoryExpression { Type.IsScalar: false } memory => memory.Address,
        CharacterArrayExpression characters => characters.Address,
        // A variable of a struct holds its address.
        { Type: StructType } => new CastExpression(value, ScriptType.U64, value.Span),
        { Type: PointerType } => Convert(value, ScriptType.U64),
        { Type.IsNumber: true } => Convert(value, ScriptType.U64),
        _ => null,
    };

    private static TypedExpression Add(TypedExpression address, long offset, SourceSpan span)
    {
        if (offset == 0)
            return address;
        return address is BinaryExpression { Operator: BinaryOperatorSyntax.Add, Right: ConstantExpression before }
            ? new BinaryExpression(BinaryOperatorSyntax.Add, ((BinaryExpression)address).Left, new ConstantExpression(before.Value + offset, ScriptType.U64, span), ScriptType.U64, span)
            : new BinaryExpression(BinaryOperatorSyntax.Add, address, new ConstantExpression(offset, ScriptType.U64, span), ScriptType.U64, span);
    }

    private StructField? FindField(ScriptType type, NameSyntax name)
    {
        if (type is UnknownType)
            return null;
        if (type is not StructType owner)
        {
            Error(DiagnosticId.Type, name.Span, $"{type} has no fields");
            return null;
        }

        if (_catalog.LayoutOf(owner) is not { } layout)
        {
            Error(DiagnosticId.UnknownName, name.Span, $"nothing is known of `{owner}`", "define it in the script, or have the probed program bring debug information");
            return null;
        }

        if (layout.Find(name.Text) is { } field)
            return field;
        Error(DiagnosticId.UnknownName, name.Span, $"`{owner}` has no field `{name.Text}`", Suggestion.Sentence(name.Text, layout.Fields.Select(other => other.Name)));
        return null;
    }

    private TypedExpression CheckMember(MemberSyntax member)
    {
        if (member.Target is NamedExpressionSyntax { Name: "args" } && _macro?.Expressions.ContainsKey("args") != true)
            return CheckParameter(member.Name, member.Span);
        TypedExpression target = Value(member.Target);
        while (target.Type is PointerType { Target: PointerType inner })
            target = ReadMemory(target, inner, member.Target.Span);
        if (target.Type is UnknownType)
            return new ErrorExpression(member.Span);
        if (target.Type is RecordType record)
        {
            int index = record.Names.IndexOf(member.Name.Text);
            return index >= 0
                ? new ElementExpression(target, index, record.Elements[index], member.Span)
                : Wrong(DiagnosticId.UnknownName, member.Name.Span, $"the record has no element `{member.Name.Text}`", Suggestion.Sentence(member.Name.Text, record.Names));
        }

        ScriptType owner = target.Type is PointerType pointer ? pointer.Target : target.Type;
        if (FindField(owner, member.Name) is not { } field || AddressOf(target) is not { } address)
            return new ErrorExpression(member.Span);
        TypedExpression place = Add(address, field.Offset, member.Span);
        return field.Bits == 0 ? ReadMemory(place, field.Type, member.Span) : ReadBits(place, field, member.Span);
    }

    /// <summary>A bit field: the integer that holds it, moved to one end and back, which extends it by its sign.</summary>
    private static TypedExpression ReadBits(TypedExpression address, StructField field, SourceSpan span)
    {
        IntegerType holder = TypePromotion.Integer(field.Type), wide = holder.IsSigned ? ScriptType.I64 : ScriptType.U64;
        TypedExpression value = new MemoryExpression(address, holder, span);
        value = Convert(value, wide);
        value = Fold(BinaryOperatorSyntax.ShiftLeft, value, new ConstantExpression(64 - field.BitOffset - field.Bits, ScriptType.U64, span), wide, span);
        value = Fold(BinaryOperatorSyntax.ShiftRight, value, new ConstantExpression(64 - field.Bits, ScriptType.U64, span), wide, span);
        return Convert(value, field.Type);
    }

    private TypedExpression CheckElement(ElementSyntax element)
    {
        TypedExpression target = Value(element.Target);
        return target.Type is UnknownType ? new ErrorExpression(element.Span) : ElementOf(target, element.Index, element.Span);
    }

    private TypedExpression ElementOf(TypedExpression target, long index, SourceSpan span)
    {
        if (target.Type is not TupleType tuple)
            return Wrong(DiagnosticId.Type, span, $"{target.Type} is no tuple");
        if (index < 0 || index >= tuple.Elements.Count)
            return Wrong(DiagnosticId.Type, span, $"the tuple {tuple} has {tuple.Elements.Count} element{(tuple.Elements.Count == 1 ? "" : "s")}, counted from 0");
        if (target is TupleExpression literal && literal.Elements[(int)index] is ConstantExpression or TextConstantExpression)
            return ((TupleExpression)target).Elements[(int)index];
        return new ElementExpression(target, (int)index, tuple.Elements[(int)index], span);
    }

    private TypedExpression CheckIndex(IndexSyntax syntax)
    {
        TypedExpression target = Value(syntax.Target), index = Number(syntax.Index);
        if (target.Type is UnknownType || index.Type is UnknownType)
            return new ErrorExpression(syntax.Span);
        switch (target)
        {
            case { Type: TupleType }:
                return index is ConstantExpression constant ? ElementOf(target, constant.Value, syntax.Span) : Wrong(DiagnosticId.Type, syntax.Index.Span, "the index of a tuple is a constant");
            case CharacterArrayExpression characters:
                return CheckBounds(index, characters.Count, syntax) ?? ReadMemory(Offset(BinaryOperatorSyntax.Add, characters.Address, new PointerType(ScriptType.I8), index, syntax.Span), ScriptType.I8, syntax.Span);
            case { Type: PointerType { Target: var element } pointer } when element is not VoidType:
                return ReadMemory(Offset(BinaryOperatorSyntax.Add, target, pointer, index, syntax.Span), element, syntax.Span);
            case { Type: ArrayType array } when AddressOf(target) is { } address:
                return CheckBounds(index, array.Count, syntax) ?? ReadMemory(Offset(BinaryOperatorSyntax.Add, address, new PointerType(array.Element), index, syntax.Span), array.Element, syntax.Span);
            case { Type: ArrayType array } when CheckBounds(index, array.Count, syntax) is null:
                return index is ConstantExpression { Value: var at } ? new ElementExpression(target, (int)at, array.Element, syntax.Span) : Wrong(DiagnosticId.Unsupported, syntax.Index.Span, "the index of an array that is not in memory is a constant");
            default:
                return Wrong(DiagnosticId.Type, syntax.Span, $"`[…]` is for arrays, pointers and tuples, not for {target.Type}");
        }
    }

    /// <summary>An index that is known must be in the array; C's flexible arrays have no count.</summary>
    private ErrorExpression? CheckBounds(TypedExpression index, int count, IndexSyntax syntax) =>
        index is ConstantExpression constant && count > 0 && (constant.Value < 0 || constant.Value >= count)
            ? Wrong(DiagnosticId.Type, syntax.Index.Span, $"the index is outside of the array, which has {count} element{(count == 1 ? "" : "s")}")
            : null;
}
