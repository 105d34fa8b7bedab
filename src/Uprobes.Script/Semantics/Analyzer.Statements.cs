using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>Statements.</summary>
internal sealed partial class Analyzer
{
    /// <summary>bpftrace's own limit: the block is compiled as often.</summary>
    private const int MostUnrolled = 100;

    private int _loops;

    /// <summary>Inside of a branch whose condition is known not to hold.</summary>
    private int _unreachable;

    private BlockStatement CheckBody(BlockSyntax block)
    {
        Scope outer = _scope;
        _scope = new Scope(outer);
        List<TypedStatement> statements = CheckStatements(block);
        if (block.Result is { } result)
            statements.Add(CheckForEffect(result, result.Span));
        _scope = outer;
        return new BlockStatement(statements, block.Span);
    }

    private List<TypedStatement> CheckStatements(BlockSyntax block)
    {
        List<TypedStatement> statements = [];
        foreach (StatementSyntax statement in block.Statements)
            statements.Add(CheckStatement(statement));
        return statements;
    }

    private TypedStatement CheckStatement(StatementSyntax statement) => statement switch
    {
        ExpressionStatementSyntax effect => CheckForEffect(effect.Expression, effect.Span),
        AssignmentSyntax assignment => CheckAssignment(assignment),
        LetSyntax let => CheckLet(let),
        DiscardSyntax discard => new ExpressionStatement(Check(discard.Value), discard.Span),
        WhileSyntax loop => new WhileStatement(Condition(loop.Condition), CheckLoop(loop.Body), loop.Span),
        UnrollSyntax loop => CheckUnroll(loop),
        ForRangeSyntax loop => CheckForRange(loop),
        ForMapSyntax loop => CheckForMap(loop),
        JumpSyntax jump => CheckJump(jump),
        _ => throw new InvalidOperationException($"A statement of an unknown kind: {statement.GetType().Name}"),
    };

    /// <summary>An expression whose value nobody asks for.</summary>
    private TypedStatement CheckForEffect(ExpressionSyntax syntax, SourceSpan span)
    {
        switch (syntax)
        {
            case BlockSyntax block:
                return CheckBody(block);
            case IfSyntax choice:
                return CheckIf(choice);
        }

        TypedExpression expression = Check(syntax);
        if (syntax is BinarySyntax or UnarySyntax or IntegerSyntax or TextSyntax or VariableSyntax or MemberSyntax or TupleSyntax or CastSyntax && expression is not ErrorExpression)
        {
            string? hint = syntax is BinarySyntax { Operator: BinaryOperatorSyntax.Equal } ? "`=` assigns; `_ = …` says that the value is not wanted" : "`_ = …` says that it is not wanted";
            _diagnostics.Warning(DiagnosticId.Suspicious, span, "the value is not used", hint);
        }

        return new ExpressionStatement(expression, span);
    }

    private IfStatement CheckIf(IfSyntax choice)
    {
        TypedExpression condition = Condition(choice.Condition);
        TypedStatement then = Reachable(condition, isTaken: true, () => CheckBody(choice.Then));
        TypedStatement? otherwise = choice.Else is { } syntax ? Reachable(condition, isTaken: false, () => CheckForEffect(syntax, syntax.Span)) : null;
        return new IfStatement(condition, then, otherwise, choice.Span);
    }

    /// <summary>Checks a branch; what a script asks to be told as an error is told only if the branch can be taken.</summary>
    private T Reachable<T>(TypedExpression condition, bool isTaken, Func<T> check)
    {
        bool isDead = condition is ConstantExpression constant && constant.Value != 0 != isTaken;
        _unreachable += isDead ? 1 : 0;
        T branch = check();
        _unreachable -= isDead ? 1 : 0;
        return branch;
    }

    private BlockStatement CheckLoop(BlockSyntax body)
    {
        _loops++;
        BlockStatement statements = CheckBody(body);
        _loops--;
        return statements;
    }

    private UnrollStatement CheckUnroll(UnrollSyntax loop)
    {
        TypedExpression count = Check(loop.Count);
        long times = count is ConstantExpression { Type: IntegerType } constant ? constant.Value : 0;
        if (times is < 1 or > MostUnrolled && count is not ErrorExpression)
            Error(DiagnosticId.Limit, loop.Count.Span, $"`unroll` is done a constant number of times, from 1 to {MostUnrolled}");
        return new UnrollStatement((int)Math.Clamp(times, 1, MostUnrolled), CheckLoop(loop.Body), loop.Span);
    }

    private ForRangeStatement CheckForRange(ForRangeSyntax loop)
    {
        TypedExpression start = Number(loop.Start), end = Number(loop.End);
        VariableSymbol variable = LoopVariable(loop.Variable);
        ScriptType type = TypePromotion.Merge(start.Type, end.Type) ?? ScriptType.Unknown;
        Decide(variable, type, loop.Start.Span);
        BlockStatement body = CheckLoopOf(variable, loop.Body);
        return new ForRangeStatement(variable, Convert(start, variable.Type), Convert(end, variable.Type), body, loop.Span);
    }

    private ForMapStatement CheckForMap(ForMapSyntax loop)
    {
        MapSymbol? map = FindMap(loop.Map);
        VariableSymbol variable = LoopVariable(loop.Variable);
        if (map is null)
            return new ForMapStatement(variable, new MapSymbol(""), CheckLoopOf(variable, loop.Body), loop.Span);
        if (!SetKeys(map, hasKeys: true, loop.Map.Span))
            return new ForMapStatement(variable, map, CheckLoopOf(variable, loop.Body), loop.Span);
        if (map.ValueType is AggregateType { IsReadable: false })
            Error(DiagnosticId.Type, loop.Map.Span, $"`{map}` holds {map.ValueType}, over which there is no loop");
        else if (map.KeyType is UnknownType || map.ValueType is UnknownType)
            Error(DiagnosticId.UnknownName, loop.Map.Span, $"nothing is ever put into `{map}`");
        else
            Decide(variable, new TupleType(new TypeList([map.KeyType, ValueOf(map)])), loop.Map.Span);
        return new ForMapStatement(variable, map, CheckLoopOf(variable, loop.Body), loop.Span);
    }

    /// <summary>What is read from a map: the number of an aggregate.</summary>
    private static ScriptType ValueOf(MapSymbol map) => map.ValueType is AggregateType ? TypePromotion.Integer(map.ValueType) : map.ValueType;

    private VariableSymbol LoopVariable(VariableSyntax syntax)
    {
        if (_scope.Find(syntax.Name) is { } outer)
            Error(DiagnosticId.Misplaced, syntax.Span, $"`{outer}` is a variable already: a loop needs one of its own", null, new RelatedPlace(outer.Declared, "the other one"));
        return NewVariable(syntax);
    }

    private BlockStatement CheckLoopOf(VariableSymbol variable, BlockSyntax body)
    {
        Scope outer = _scope;
        _scope = new Scope(outer);
        _scope.Add(variable);
        BlockStatement statements = CheckLoop(body);
        _scope = outer;
        return statements;
    }

    private TypedStatement CheckJump(JumpSyntax jump)
    {
        if (jump.Kind == JumpKind.Return)
            return new ReturnStatement(jump.Value is { } value ? Number(value) : null, jump.Span);
        if (_loops == 0)
            Error(DiagnosticId.Misplaced, jump.Span, $"`{(jump.Kind == JumpKind.Break ? "break" : "continue")}` stands in no loop");
        return new LoopJump(jump.Kind == JumpKind.Break, jump.Span);
    }

    private AssignVariable CheckLet(LetSyntax let)
    {
        ScriptType? type = let.Type is { } syntax ? Resolve(syntax) : null;
        TypedExpression? value = let.Value is { } initial ? Value(initial) : null;
        if (_scope.Find(let.Variable.Name) is { } outer)
            Error(DiagnosticId.Misplaced, let.Variable.Span, $"`{outer}` is a variable already", null, new RelatedPlace(outer.Declared, "declared here"));
        VariableSymbol variable = NewVariable(let.Variable);
        _scope.Add(variable);
        if (type is not null and not UnknownType)
        {
            variable.IsTypeFixed = type is not (TextType { Capacity: 0 } or BufferType { Capacity: 0 } or ArrayType { Count: 0 });
            if (variable.IsTypeFixed)
                variable.Type = type;
            else if (variable.Type is UnknownType && type is not ArrayType)
                SetType(variable, type, let.Span);
            variable.TypeSpan = let.Type!.Span;
        }

        if (value is null)
            return new AssignVariable(variable, null, let.Span);
        Decide(variable, value.Type, let.Span, value);
        return new AssignVariable(variable, Convert(value, variable.Type), let.Span);
    }

    private TypedStatement CheckAssignment(AssignmentSyntax assignment)
    {
        switch (assignment.Target)
        {
            case VariableSyntax variable:
                return CheckVariableAssignment(assignment, variable);
            case MapSyntax map:
                return CheckMapAssignment(assignment, map);
            case CallSyntax { Name.Text: "reg" } register when Check(register) is CallExpression { Arguments: [TextConstantExpression name] }:
                RequireUnsafe(register.Span, "writing a register");
                TypedExpression written = Scalar(assignment.Value);
                return new WriteRegister(System.Text.Encoding.UTF8.GetString(name.Bytes.Span), Convert(written, ScriptType.U64), assignment.Span);
            default:
                return new ExpressionStatement(Check(assignment.Value), assignment.Span);
        }
    }

    private TypedStatement CheckVariableAssignment(AssignmentSyntax assignment, VariableSyntax syntax)
    {
        TypedExpression value;
        if (assignment.Operator is { } operation)
        {
            TypedExpression current = Check(syntax);
            value = CheckBinary(operation, current, Value(assignment.Value), assignment.Span);
        }
        else
        {
            if (AggregateCall(assignment.Value) is { } call)
                return new ExpressionStatement(Wrong(DiagnosticId.Misplaced, call.Span, $"{call.Name.Text}() is of maps: a variable cannot hold what it gathers", $"for example `@ = {Source(call)}`"), assignment.Span);
            value = Value(assignment.Value);
        }

        VariableSymbol? variable = FindVariable(syntax.Name);
        if (variable is null)
        {
            variable = NewVariable(syntax);
            _scope.Add(variable);
        }

        Decide(variable, value.Type, assignment.Span, value);
        return new AssignVariable(variable, Convert(value, variable.Type), assignment.Span);
    }

    private static string Source(CallSyntax call) => SyntaxPrinter.Print(call);

    private VariableSymbol NewVariable(VariableSyntax syntax)
    {
        if (_nextVariable == _variables.Count)
            _variables.Add(new VariableSymbol(syntax.Name, syntax.Span));
        return _variables[_nextVariable++];
    }

    /// <summary>A value is put into a variable: its type grows, or does not fit.</summary>
    private void Decide(VariableSymbol variable, ScriptType added, SourceSpan span, TypedExpression? value = null)
    {
        if (added is VoidType or UnknownType)
            return;
        if (TypePromotion.Merge(variable.Type, added) is not { } merged)
            Error(DiagnosticId.Type, span, $"`{variable}` is {variable.Type} and cannot be set to {added}", null, new RelatedPlace(variable.TypeSpan, $"here it became {variable.Type}"));
        else if (!variable.IsTypeFixed && merged != variable.Type)
            SetType(variable, merged, span);
        else if (variable.IsTypeFixed && merged != variable.Type && !Fits(added, variable.Type) && !Holds(variable.Type, value))
            Error(DiagnosticId.Type, span, $"`{variable}` is declared as {variable.Type}, which does not hold all of {added}", $"cast it: ({variable.Type})…", new RelatedPlace(variable.TypeSpan, "declared here"));
    }

    /// <summary>Whether a declared variable may be given it: a number that is cut needs a cast, all else was merged.</summary>
    private static bool Fits(ScriptType added, ScriptType declared) => !(added.IsNumber && declared.IsNumber) && added.GetType() == declared.GetType();

    /// <summary>Whether a number that is known is one of a type, whatever type it has by itself.</summary>
    private static bool Holds(ScriptType type, TypedExpression? value) =>
        value is ConstantExpression { Type: IntegerType known } constant && type is IntegerType wanted
        && Wrap(constant.Value, wanted) == constant.Value && (known.IsSigned == wanted.IsSigned || constant.Value >= 0);

    private void SetType(VariableSymbol variable, ScriptType type, SourceSpan span)
    {
        if (variable.Type is UnknownType)
            variable.TypeSpan = span;
        variable.Type = type;
        _hasChanged = true;
    }
}
