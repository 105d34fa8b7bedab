namespace Uprobes.Programs;

/// <summary>
/// Puts other expressions in place of some: at a static probe, arguments are where its note says, and not where a function has them. Those that are to be replaced
/// need not be ones that programs can have.
/// </summary>
/// <param name="replace">What is to stand for an expression, of its type; null where it stays. What is put in is not looked at again.</param>
internal sealed class ExpressionSubstitution(Func<Expression, Expression?> replace)
{
    /// <summary>The same programs with other expressions.</summary>
    internal ProbePrograms In(ProbePrograms programs) => new(In(programs.Entry), programs.Return is { } end ? In(end) : null);

    /// <summary>The same program with other expressions.</summary>
    internal ProbeProgram In(ProbeProgram program) => program with { Body = All(program.Body) };

    private Statement[] All(IReadOnlyList<Statement> statements) => [.. statements.Select(In)];

    private Expression[] All(IReadOnlyList<Expression> expressions) => [.. expressions.Select(In)];

    private Statement In(Statement statement) => statement switch
    {
        SetLocal set => set with { Value = In(set.Value) },
        If choice => new If(In(choice.Condition), All(choice.Then), All(choice.Else)),
        Repeat loop => loop with { Body = All(loop.Body) },
        Loop loop => new Loop(All(loop.Body), All(loop.Spent)),
        Stop or Break or Continue => statement,
        Aggregate aggregate => aggregate with { Key = All(aggregate.Key), Value = aggregate.Value is { } value ? In(value) : null },
        DeleteKey delete => delete with { Key = All(delete.Key) },
        Emit emit => emit with { Fields = All(emit.Fields) },
        FollowCall follow => new FollowCall(All(follow.Words)),
        _ => throw new ArgumentException($"no statement that is known: {statement.GetType().Name}", nameof(statement)),
    };

    private Expression In(Expression expression) => replace(expression) ?? expression switch
    {
        Constant or TextConstant or RegisterValue or Argument or ReturnValue or EntryWord or Builtin or ThreadName or StackBytes or LocalValue => expression,
        Load load => load with { Address = In(load.Address) },
        LoadText load => load with { Address = In(load.Address) },
        LoadBytes load => load with { Address = In(load.Address), Length = In(load.Length) },
        Unary unary => new Unary(unary.Operator, In(unary.Operand)),
        Binary binary => new Binary(binary.Operator, In(binary.Left), In(binary.Right)),
        Cast cast => cast with { Operand = In(cast.Operand) },
        Conditional choice => new Conditional(In(choice.Condition), In(choice.WhenTrue), In(choice.WhenFalse)),
        TextLength length => new TextLength(In(length.Text)),
        TextFind find => new TextFind(In(find.Text), In(find.Sought)),
        TextDifference difference => new TextDifference(In(difference.Left), In(difference.Right)),
        TextMatch match => match with { Text = In(match.Text) },
        TextCut cut => cut with { Text = In(cut.Text), Length = In(cut.Length) },
        MapValue map => map with { Key = All(map.Key) },
        MapCell map => map with { Key = All(map.Key) },
        MapContains map => map with { Key = All(map.Key) },
        _ => throw new ArgumentException($"no expression that is known: {expression.GetType().Name}", nameof(expression)),
    };
}
