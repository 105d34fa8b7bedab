using CsCheck;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Tests.Syntax;

/// <summary>Random trees, of everything that the printer can write.</summary>
internal static class TreeGenerator
{
    private static readonly SourceSpan Nowhere = new(0, 0);

    private static readonly Gen<string> Name = Gen.OneOf("a", "b", "x1", "_y", "count", "pid", "arg0", "long_name");

    private static readonly Gen<NameSyntax> NameNode = Name.Select(name => new NameSyntax(name, Nowhere));

    private static readonly Gen<VariableSyntax> Variable = Name.Select(name => new VariableSyntax(name, Nowhere));

    private static readonly Gen<ExpressionSyntax> Leaf = Gen.OneOf<ExpressionSyntax>(
        Gen.ULong.Select(value => (ExpressionSyntax)new IntegerSyntax(value, Nowhere)),
        Gen.Bool.Select(value => (ExpressionSyntax)new BooleanSyntax(value, Nowhere)),
        Gen.Byte.Array[0, 8].Select(bytes => (ExpressionSyntax)new TextSyntax(bytes, Nowhere)),
        Name.Select(name => (ExpressionSyntax)new NamedExpressionSyntax(name, Nowhere)),
        Variable.Select(variable => (ExpressionSyntax)variable),
        Name.Select(name => (ExpressionSyntax)new MapSyntax(name, null, Nowhere, Nowhere)),
        Gen.Const((ExpressionSyntax)new MapSyntax("", null, Nowhere, Nowhere)),
        Gen.Int[1, 99].Select(number => (ExpressionSyntax)new PositionalSyntax(number, Nowhere)),
        Gen.Const((ExpressionSyntax)new PositionalCountSyntax(Nowhere)));

    private static readonly Gen<TypeSyntax> NamedType = Gen.OneOf<TypeSyntax>(
        Gen.OneOf("uint8", "int64", "char", "unsigned long", "bool", "foo_t").Select(name => (TypeSyntax)new NamedTypeSyntax(TypeKeyword.None, name, Nowhere)),
        Gen.Select(Gen.OneOf(TypeKeyword.Struct, TypeKeyword.Union, TypeKeyword.Enum), Name, (keyword, name) => (TypeSyntax)new NamedTypeSyntax(keyword, name, Nowhere)));

    private static readonly Gen<TypeSyntax> Type = Gen.Select(NamedType, Gen.Int[0, 2], Gen.Int[-1, 8], (type, stars, count) =>
    {
        for (int i = 0; i < stars; i++)
            type = new PointerTypeSyntax(type, Nowhere);
        return count < 0 ? type : new ArrayTypeSyntax(type, count == 0 ? null : new IntegerSyntax((ulong)count, Nowhere), Nowhere);
    });

    private static Gen<ExpressionSyntax> Expression(int depth)
    {
        if (depth == 0)
            return Leaf;
        Gen<ExpressionSyntax> inner = Expression(depth - 1);
        Gen<ExpressionSyntax> target = Gen.OneOf<ExpressionSyntax>(Variable.Select(variable => (ExpressionSyntax)variable), Map(inner));
        return Gen.OneOf<ExpressionSyntax>(
            Leaf,
            Map(inner),
            Gen.Select(Gen.Enum<UnaryOperatorSyntax>(), inner, (operation, operand) => (ExpressionSyntax)new UnarySyntax(operation, operand, Nowhere)),
            Gen.Select(Gen.Enum<BinaryOperatorSyntax>(), inner, inner, (operation, left, right) => (ExpressionSyntax)new BinarySyntax(operation, left, right, Nowhere, Nowhere)),
            Gen.Select(target, Gen.Bool, Gen.Bool, (operand, up, before) => (ExpressionSyntax)new IncrementSyntax(operand, up, before, Nowhere)),
            Gen.Select(target, operand => (ExpressionSyntax)new AddressSyntax(operand, Nowhere)),
            Gen.Select(inner, inner, inner, Gen.Bool, (condition, yes, no, isShort) => (ExpressionSyntax)new ConditionalSyntax(condition, isShort ? null : yes, no, Nowhere)),
            Gen.Select(Type, inner, (type, operand) => (ExpressionSyntax)new CastSyntax(type, operand, Nowhere)),
            Type.Select(type => (ExpressionSyntax)new SizeofSyntax(type, null, Nowhere)),
            Gen.Select(NamedType, NameNode.List[1, 3], (type, fields) => (ExpressionSyntax)new OffsetofSyntax(type, null, fields, Nowhere)),
            Gen.Select(inner, NameNode, (operand, name) => (ExpressionSyntax)new MemberSyntax(NotNumber(operand), name, Nowhere)),
            Gen.Select(inner, Gen.Int[0, 9], (operand, index) => (ExpressionSyntax)new ElementSyntax(NotNumber(operand), index, Nowhere)),
            // Brackets directly behind a map are its keys.
            Gen.Select(Variable, inner, (operand, index) => (ExpressionSyntax)new IndexSyntax(operand, index, Nowhere)),
            Gen.Select(NameNode, inner.List[0, 3], (name, arguments) => (ExpressionSyntax)new CallSyntax(name, arguments, Nowhere)),
            inner.List[0, 3].Select(elements => (ExpressionSyntax)new TupleSyntax(elements, Nowhere)),
            Gen.Select(NameNode, inner, (name, value) => new RecordFieldSyntax(name, value, Nowhere)).List[1, 3].Select(fields => (ExpressionSyntax)new RecordSyntax(fields, Nowhere)),
            Block(depth - 1, withResult: true).Select(block => (ExpressionSyntax)block),
            If(depth - 1));
    }

    /// <summary><c>1.2</c> would be one word.</summary>
    private static ExpressionSyntax NotNumber(ExpressionSyntax operand) => operand is IntegerSyntax ? new VariableSyntax("n", Nowhere) : operand;

    private static Gen<ExpressionSyntax> Map(Gen<ExpressionSyntax> key) =>
        Gen.Select(Name, key.List[1, 3], (name, keys) => (ExpressionSyntax)new MapSyntax(name, keys, Nowhere, Nowhere));

    private static Gen<ExpressionSyntax> If(int depth) => Gen.Select(
        Expression(depth), Block(depth, withResult: true), Block(depth, withResult: true), Gen.Bool,
        (condition, then, otherwise, hasElse) => (ExpressionSyntax)new IfSyntax(condition, then, hasElse ? otherwise : null, Nowhere));

    private static Gen<BlockSyntax> Block(int depth, bool withResult) => Gen.Select(
        Statement(depth).List[0, 3], Expression(depth), Gen.Bool,
        (statements, result, hasResult) => new BlockSyntax(statements, withResult && hasResult ? result : null, Nowhere));

    private static Gen<StatementSyntax> Statement(int depth)
    {
        Gen<ExpressionSyntax> value = Expression(depth);
        Gen<StatementSyntax> simple = Gen.OneOf<StatementSyntax>(
            value.Select(expression => (StatementSyntax)new ExpressionStatementSyntax(expression, Nowhere)),
            Gen.Select(Variable, value, Gen.Bool, (target, right, isCompound) => (StatementSyntax)new AssignmentSyntax(target, isCompound ? BinaryOperatorSyntax.ShiftLeft : null, right, Nowhere)),
            Gen.Select(Name, value, (name, right) => (StatementSyntax)new AssignmentSyntax(new MapSyntax(name, null, Nowhere, Nowhere), null, right, Nowhere)),
            Gen.Select(Variable, Type, value, Gen.Bool, Gen.Bool, (variable, type, initial, hasType, hasValue) => (StatementSyntax)new LetSyntax(variable, hasType ? type : null, hasValue ? initial : null, Nowhere)),
            value.Select(expression => (StatementSyntax)new DiscardSyntax(expression, Nowhere)),
            Gen.Select(Gen.Enum<JumpKind>(), value, Gen.Bool, (kind, returned, hasValue) => (StatementSyntax)new JumpSyntax(kind, kind == JumpKind.Return && hasValue ? returned : null, Nowhere)));
        if (depth == 0)
            return simple;

        Gen<BlockSyntax> body = Block(depth - 1, withResult: false);
        return Gen.OneOf<StatementSyntax>(
            simple,
            Gen.Select(value, body, (condition, block) => (StatementSyntax)new WhileSyntax(condition, block, Nowhere)),
            Gen.Select(value, body, (count, block) => (StatementSyntax)new UnrollSyntax(count, block, Nowhere)),
            Gen.Select(Variable, Name, body, (variable, map, block) => (StatementSyntax)new ForMapSyntax(variable, new MapSyntax(map, null, Nowhere, Nowhere), block, Nowhere)),
            Gen.Select(Variable, value, value, body, (variable, start, end, block) => (StatementSyntax)new ForRangeSyntax(variable, start, end, block, Nowhere)));
    }

    private static readonly Gen<AttachPointSyntax> AttachPoint = Gen.OneOf(
        "BEGIN", "end", "uprobe:/bin/sh:main", "ur:libc:mem*", "u:\"/a b\":\"f(int, char)\"", "usdt:/usr/lib/x.so:p:n", "interval:s:1", "self:signal:SIGUSR1", "kprobe:f")
        .Select(text => new AttachPointSyntax(null, text, Nowhere));

    private static readonly Gen<DefinitionSyntax> Definition = Gen.OneOf<DefinitionSyntax>(
        Gen.Select(Gen.Bool, NameNode, Gen.Select(NameNode, Type, (name, type) => new FieldSyntax(name, type, null, Nowhere)).List[0, 4], Gen.Bool,
            (isUnion, name, fields, isPacked) => (DefinitionSyntax)new StructSyntax(isUnion, name, fields, isPacked, Nowhere)),
        Gen.Select(NameNode, Gen.Select(NameNode, Leaf, Gen.Bool, (name, value, hasValue) => new EnumMemberSyntax(name, hasValue ? value : null, Nowhere)).List[0, 4],
            (name, members) => (DefinitionSyntax)new EnumSyntax(name, members, Nowhere)),
        Gen.Select(NameNode, Leaf, (name, value) => (DefinitionSyntax)new DefineSyntax(name, value, Nowhere)));

    internal static readonly Gen<ScriptSyntax> Script = Gen.Select(
        Definition.List[0, 3],
        Gen.Select(NameNode, Leaf, (name, value) => new OptionSyntax(name, value, Nowhere)).List[0, 2],
        Gen.Select(NameNode, NameNode, Gen.ULong, (map, kind, entries) => new MapDeclarationSyntax(map, kind, entries, Nowhere)).List[0, 2],
        Gen.Select(NameNode, Gen.Select(Gen.Enum<MacroParameterKind>(), NameNode, (kind, name) => new MacroParameterSyntax(kind, name)).List[0, 3], Block(2, withResult: true),
            (name, parameters, body) => new MacroSyntax(name, parameters, body, Nowhere)).List[0, 2],
        Gen.Select(AttachPoint.List[1, 3], Expression(2), Gen.Bool, Block(3, withResult: false),
            (points, predicate, hasPredicate, body) => new ProbeSyntax(points, hasPredicate ? predicate : null, body, Nowhere)).List[0, 3],
        (definitions, options, maps, macros, probes) => new ScriptSyntax(definitions, options, maps, macros, probes, Nowhere));
}
