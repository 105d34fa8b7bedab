using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>
/// How many bytes of intermediate values a program has to hold at a time, if one value is in a register and all others that are
/// still wanted are not: the left operand while the right one is evaluated, a key while its parts are evaluated, the texts of a
/// comparison while their addresses are. Keys, fields and words of a statement are put together in order, the value last. An event's
/// fields go to where the event will be, which is not counted. Expects programs that are not too deep.
/// </summary>
internal static class ScratchNeed
{
    private const int Word = 8;

    /// <summary>Locals, and the neediest statement's intermediate values.</summary>
    internal static int Of(ProbeProgram program) => (program.Locals.Count * Word) + OfAll(program.Body);

    private static int OfAll(IReadOnlyList<Statement> statements)
    {
        int need = 0;
        foreach (Statement statement in statements)
            need = Math.Max(need, Of(statement));

        return need;
    }

    private static int Of(Statement statement) => statement switch
    {
        SetLocal set => Of(set.Value),
        If choice => Math.Max(Of(choice.Condition), Math.Max(OfAll(choice.Then), OfAll(choice.Else))),
        Repeat loop => OfAll(loop.Body),
        Loop loop => Math.Max(OfAll(loop.Body), OfAll(loop.Spent)),
        Aggregate { Value: { } value } aggregate => Math.Max(OfParts(aggregate.Key), SizeOf(aggregate.Key) + Of(value)),
        Aggregate aggregate => OfParts(aggregate.Key),
        DeleteKey delete => OfParts(delete.Key),
        Emit emit => emit.Fields.Count == 0 ? 0 : emit.Fields.Max(Of),
        FollowCall follow => OfParts(follow.Words),
        _ => 0,
    };

    /// <summary>Bytes while an expression is evaluated; for a text without those of the text itself.</summary>
    internal static int Of(Expression expression) => expression switch
    {
        Load load => Of(load.Address),
        LoadText load => Of(load.Address),
        StackBytes => Word,
        LoadBytes load => Word + Math.Max(Of(load.Length), Of(load.Address)),
        Unary unary => Of(unary.Operand),
        Cast cast => Of(cast.Operand),
        Binary { Left.Type.IsText: true } texts => SizeOfText(texts.Left) + Math.Max(Of(texts.Left), SizeOfText(texts.Right) + Of(texts.Right)),
        Binary { Operator: BinaryOperator.LogicalAnd or BinaryOperator.LogicalOr } logical => Math.Max(Of(logical.Left), Of(logical.Right)),
        Binary binary => Math.Max(Of(binary.Left), Word + Of(binary.Right)),
        Conditional choice => Math.Max(Of(choice.Condition), Math.Max(Of(choice.WhenTrue), Of(choice.WhenFalse))),
        TextLength length => OfText(length.Text),
        TextMatch match => OfText(match.Text),
        TextFind find => OfTexts(find.Text, find.Sought),
        TextDifference difference => OfTexts(difference.Left, difference.Right),
        TextCut cut => Word + Math.Max(Of(cut.Length), Of(cut.Text)),
        MapValue value => OfParts(value.Key),
        MapCell cell => OfParts(cell.Key),
        MapContains contains => OfParts(contains.Key),
        _ => 0,
    };

    private static int OfText(Expression text) => text.Type.StoredSize + Of(text);

    private static int OfTexts(Expression first, Expression second) => first.Type.StoredSize + Math.Max(Of(first), OfText(second));

    private static int OfParts(IReadOnlyList<Expression> parts)
    {
        int need = 0;
        foreach (Expression part in parts)
            need = Math.Max(need, Of(part));

        return SizeOf(parts) + need;
    }

    /// <summary>In a comparison: a constant text stays where it is.</summary>
    private static int SizeOfText(Expression text) => text is TextConstant ? 0 : text.Type.StoredSize;

    private static int SizeOf(IReadOnlyList<Expression> parts)
    {
        int size = 0;
        foreach (Expression part in parts)
            size += part.Type.StoredSize;

        return size;
    }
}
