namespace Uprobes.Programs.X64;

/// <summary>What parts of a program need of the code around them.</summary>
internal static class ProgramNeeds
{
    /// <summary>Locals that are kept in registers where there is no frame.</summary>
    internal const int SmallLocals = 2;

    /// <summary>Whether the program cannot do without a scratch frame: it reads memory, puts keys together, counts rounds, or has many locals.</summary>
    internal static bool Frame(ProbeProgram program) =>
        program.Locals.Count > SmallLocals || Any(program.Body, NeedsFrame, NeedsFrame);

    /// <summary>Registers of the target that the program reads.</summary>
    internal static RegisterSet ReadRegisters(ProbeProgram program)
    {
        RegisterSet read = default;
        _ = Any(program.Body, static _ => false, expression =>
        {
            read |= Source(expression)?.Alone ?? default;
            return false;
        });
        return read;
    }

    /// <summary>The register that an expression is the value of, if that is all it is.</summary>
    internal static Gpr? Source(Expression expression) => expression switch
    {
        RegisterValue register => new(register.Number),
        Argument argument when argument.Index < Gpr.ArgumentNumbers.Length => new(Gpr.ArgumentNumbers[argument.Index]),
        ReturnValue => Gpr.Rax,
        _ => null,
    };

    /// <summary>Whether the thread's id is wanted.</summary>
    internal static bool ThreadId(ProbeProgram program) => Any(program.Body, static statement => statement is Emit, IsThreadId);

    /// <summary>Whether the time stamp counter is read: for events, for calls that are followed, or as a value.</summary>
    internal static bool Ticks(ProgramGroup group) =>
        Ticks(group.Entry) || (group.Return is { } program && Ticks(program));

    private static bool Ticks(ProbeProgram program) => Any(program.Body, static statement => statement is Emit or FollowCall,
        static expression => expression is Builtin { Kind: BuiltinKind.Timestamp or BuiltinKind.Duration or BuiltinKind.Random });

    /// <summary>Whether users or groups are asked for.</summary>
    internal static bool Users(ProgramGroup group) => Asks(group, static kind => kind is BuiltinKind.UserId or BuiltinKind.GroupId);

    /// <summary>Whether the parent is asked for.</summary>
    internal static bool Parent(ProgramGroup group) => Asks(group, static kind => kind == BuiltinKind.ParentId);

    private static bool Asks(ProgramGroup group, Func<BuiltinKind, bool> isWanted) =>
        new[] { group.Entry, group.Return }.OfType<ProbeProgram>().Any(program =>
            Any(program.Body, static _ => false, expression => expression is Builtin builtin && isWanted(builtin.Kind)));

    /// <summary>Whether a statement needs the thread's record, and not only to count a loss.</summary>
    internal static bool Record(Statement statement) => Any([statement], NeedsRecord, NeedsRecord);

    /// <summary>Whether an expression needs the thread's record.</summary>
    internal static bool Record(Expression expression) => Any(expression, NeedsRecord);

    private static bool IsThreadId(Expression expression) => expression is Builtin { Kind: BuiltinKind.ThreadId };

    private static bool NeedsRecord(Statement statement) =>
        statement is Aggregate { Key.Count: 0 } or DeleteKey { Key.Count: 0 } or Emit || NeedsFrame(statement);

    private static bool NeedsRecord(Expression expression) =>
        expression is MapValue { Key.Count: 0 } or MapContains { Key.Count: 0 } || IsThreadId(expression) || NeedsFrame(expression);

    private static bool NeedsFrame(Expression expression) => expression switch
    {
        Load or LoadText or LoadBytes or StackBytes or ThreadName or TextLength or TextFind or TextDifference or TextMatch or TextCut => true,
        Builtin { Kind: BuiltinKind.UserId or BuiltinKind.GroupId or BuiltinKind.ParentId } => true,
        Argument argument => argument.Index >= Gpr.ArgumentNumbers.Length,
        MapValue value => HasText(value.Key),
        MapCell cell => HasText(cell.Key),
        MapContains contains => HasText(contains.Key),
        Binary { Left.Type.IsText: true } => true,
        _ => false,
    };

    /// <summary>Whether rounds of loops are counted.</summary>
    internal static bool Rounds(ProbeProgram program) => Any(program.Body, static statement => statement is Loop, static _ => false);

    private static bool NeedsFrame(Statement statement) => statement switch
    {
        Loop => true,
        Aggregate aggregate => HasText(aggregate.Key),
        DeleteKey delete => HasText(delete.Key),
        Emit emit => HasText(emit.Fields),
        _ => false,
    };

    private static bool HasText(IReadOnlyList<Expression> parts) => parts.Any(p => p.Type.IsText);

    private static bool Any(IReadOnlyList<Statement> statements, Func<Statement, bool> isStatement, Func<Expression, bool> isExpression)
    {
        foreach (Statement statement in statements)
        {
            if (isStatement(statement) || Any(Expressions(statement), isExpression))
                return true;
            bool within = statement switch
            {
                If choice => Any(choice.Then, isStatement, isExpression) || Any(choice.Else, isStatement, isExpression),
                Repeat loop => Any(loop.Body, isStatement, isExpression),
                Loop loop => Any(loop.Body, isStatement, isExpression) || Any(loop.Spent, isStatement, isExpression),
                _ => false,
            };
            if (within)
                return true;
        }

        return false;
    }

    private static IReadOnlyList<Expression> Expressions(Statement statement) => statement switch
    {
        SetLocal set => [set.Value],
        If choice => [choice.Condition],
        Aggregate { Value: { } value } aggregate => [.. aggregate.Key, value],
        Aggregate aggregate => aggregate.Key,
        DeleteKey delete => delete.Key,
        Emit emit => emit.Fields,
        FollowCall follow => follow.Words,
        _ => [],
    };

    private static bool Any(IReadOnlyList<Expression> expressions, Func<Expression, bool> isWanted)
    {
        foreach (Expression expression in expressions)
        {
            if (Any(expression, isWanted))
                return true;
        }

        return false;
    }

    private static bool Any(Expression expression, Func<Expression, bool> isWanted) => isWanted(expression) || expression switch
    {
        Load load => Any(load.Address, isWanted),
        LoadText load => Any(load.Address, isWanted),
        LoadBytes load => Any(load.Address, isWanted) || Any(load.Length, isWanted),
        Unary unary => Any(unary.Operand, isWanted),
        Binary binary => Any(binary.Left, isWanted) || Any(binary.Right, isWanted),
        Cast cast => Any(cast.Operand, isWanted),
        Conditional choice => Any(choice.Condition, isWanted) || Any(choice.WhenTrue, isWanted) || Any(choice.WhenFalse, isWanted),
        TextLength length => Any(length.Text, isWanted),
        TextFind find => Any(find.Text, isWanted) || Any(find.Sought, isWanted),
        TextDifference difference => Any(difference.Left, isWanted) || Any(difference.Right, isWanted),
        TextMatch match => Any(match.Text, isWanted),
        TextCut cut => Any(cut.Text, isWanted) || Any(cut.Length, isWanted),
        MapValue value => Any(value.Key, isWanted),
        MapCell cell => Any(cell.Key, isWanted),
        MapContains contains => Any(contains.Key, isWanted),
        _ => false,
    };
}
