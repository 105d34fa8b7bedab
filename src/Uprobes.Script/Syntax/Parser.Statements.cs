using Uprobes.Script.Diagnostics;

namespace Uprobes.Script.Syntax;

/// <summary>Blocks and statements.</summary>
internal sealed partial class Parser
{
    /// <summary>Reads from a brace to the one that closes it.</summary>
    /// <param name="withResult">Whether an expression at the end, without a semicolon, is the block's value.</param>
    private BlockSyntax ParseBlock(bool withResult)
    {
        SourceSpan opening = _token.Span;
        List<StatementSyntax> statements = [];
        if (!Expect("{"))
            return new BlockSyntax(statements, null, Since(opening));

        ExpressionSyntax? result = null;
        bool wasInPredicate = _inPredicate;
        int operatorsBefore = _operators;
        _inPredicate = false;
        if (TryEnter())
        {
            _recovering = false;
            result = ParseStatements(statements, withResult);
        }
        else
        {
            SkipBlock();
        }

        _depth--;
        _inPredicate = wasInPredicate;
        _operators = operatorsBefore;
        Expect("}", "", opening);
        return new BlockSyntax(statements, result, Since(opening));
    }

    /// <summary>Skips to the brace that closes the block that is too deep.</summary>
    private void SkipBlock()
    {
        for (int open = 0; _token.Kind != TokenKind.EndOfText; Advance())
        {
            if (_token.Is("{"))
                open++;
            else if (_token.Is("}") && open-- == 0)
                return;
        }
    }

    private ExpressionSyntax? ParseStatements(List<StatementSyntax> statements, bool withResult)
    {
        while (!_token.Is("}") && _token.Kind != TokenKind.EndOfText)
        {
            int before = _token.Span.Start;
            _operators = 0;
            if (TryTake(";"))
                continue;
            StatementSyntax? statement = ParseStatement();
            if (statement is not null)
                statements.Add(statement);
            if (_recovering)
                Synchronize();
            if (_token.Span.Start == before && _token.Kind != TokenKind.EndOfText)
                Advance();
            if (statement is not ExpressionStatementSyntax { Expression: var expression } || !withResult || !_token.Is("}") || EndsWithSemicolon())
                continue;
            statements.RemoveAt(statements.Count - 1);
            return expression;
        }

        return null;
    }

    /// <summary>Whether the last word that was taken is a semicolon.</summary>
    private bool EndsWithSemicolon() => _previousEnd > 0 && _source.Text[_previousEnd - 1] == ';';

    /// <returns>Null where only an error was found.</returns>
    private StatementSyntax? ParseStatement()
    {
        SourceSpan start = _token.Span;
        if (_token.Kind == TokenKind.Word)
        {
            switch (_token.Word)
            {
                case "while":
                    Advance();
                    return new WhileSyntax(ParseHead("while"), ParseBlock(withResult: false), Since(start));
                case "unroll":
                    Advance();
                    return new UnrollSyntax(ParseHead("unroll"), ParseBlock(withResult: false), Since(start));
                case "for":
                    return ParseFor();
                case "let":
                    return ParseLet();
                case "break" or "continue" or "return":
                    return ParseJump();
                case "import":
                    RefuseImport();
                    return null;
                case "else":
                    Report(start, "this `else` has no `if` before it");
                    return null;
                case "_" when Peek().Is("="):
                    Advance();
                    Advance();
                    return EndStatement(new DiscardSyntax(ParseExpression(), Since(start)));
            }
        }

        // A statement ends with its brace, whatever the next one begins with.
        if (_token.IsWord("if") || _token.Is("{"))
        {
            ExpressionSyntax whole = _token.Is("{") ? ParseBlock(withResult: true) : ParseIf();
            return new ExpressionStatementSyntax(whole, Since(start));
        }

        ExpressionSyntax target = ParseExpression();
        if (_token.Is("="))
            return ParseAssignment(target, null);
        if (Operators.TryGetCompound(_token, out BinaryOperatorSyntax operation))
            return ParseAssignment(target, operation);

        return EndStatement(new ExpressionStatementSyntax(target, Since(start)));
    }

    /// <summary>The condition of an if or a while, the number of an unroll; most are in parentheses.</summary>
    private ExpressionSyntax ParseHead(string keyword)
    {
        ExpressionSyntax head = ParseExpression();
        if (!_token.Is("{"))
            Report(_token.Span, $"expected `{{` after the head of `{keyword}`, found {Describe(_token)}");
        SkipToHeadEnd();
        return head;
    }

    /// <summary>After an error in a head, what is left of it is skipped, so that the block can be read.</summary>
    private void SkipToHeadEnd()
    {
        while (_recovering && !_token.Is("{") && !_token.Is("}") && !_token.Is(";") && _token.Kind != TokenKind.EndOfText)
            Advance();
    }

    private AssignmentSyntax ParseAssignment(ExpressionSyntax target, BinaryOperatorSyntax? operation)
    {
        SourceSpan symbol = _token.Span;
        Advance();
        if (target is not (VariableSyntax or MapSyntax or MissingSyntax or CallSyntax { Name.Text: "reg" }))
        {
            string hint = target is BinarySyntax or UnarySyntax ? "`==` compares" : "only `$variables` and `@maps` can be assigned to; fields, tuples and arguments cannot";
            _diagnostics.Error(DiagnosticId.Syntax, SourceSpan.Cover(target.Span, symbol), $"`{Shorten(target.Span)}` cannot be assigned to", hint);
        }

        return EndStatement(new AssignmentSyntax(target, operation, ParseExpression(), Since(target.Span)));
    }

    private LetSyntax? ParseLet()
    {
        SourceSpan start = _token.Span;
        Advance();
        if (_token.Kind != TokenKind.Variable)
        {
            Report(_token.Span, $"expected a variable such as `$name` after `let`, found {Describe(_token)}", _token.Kind == TokenKind.Map ? "maps are declared outside of probes" : null);
            return null;
        }

        VariableSyntax variable = new(_token.Word, _token.Span);
        Advance();
        TypeSyntax? type = TryTake(":") ? ParseType() : null;
        ExpressionSyntax? value = TryTake("=") ? ParseExpression() : null;
        return EndStatement(new LetSyntax(variable, type, value, Since(start)));
    }

    private JumpSyntax ParseJump()
    {
        SourceSpan start = _token.Span;
        JumpKind kind = _token.Word switch { "break" => JumpKind.Break, "continue" => JumpKind.Continue, _ => JumpKind.Return };
        Advance();
        ExpressionSyntax? value = kind == JumpKind.Return && !_token.Is(";") && !_token.Is("}") ? ParseExpression() : null;
        return EndStatement(new JumpSyntax(kind, value, Since(start)));
    }

    private StatementSyntax? ParseFor()
    {
        SourceSpan start = _token.Span;
        Advance();
        SourceSpan opening = _token.Span;
        bool inParentheses = TryTake("(");
        VariableSyntax variable = new(_token.Word, _token.Span);
        if (_token.Kind == TokenKind.Variable)
            Advance();
        else
            Report(_token.Span, $"expected a variable such as `$name` in `for`, found {Describe(_token)}", "a loop is written so: for ($kv : @map) { … } or for ($i : 0..10) { … }");
        Expect(":", " after the variable of `for`");

        ExpressionSyntax first = ParseExpression();
        ExpressionSyntax? end = TryTake("..") ? ParseExpression() : null;
        if (end is null && first is not MapSyntax { Keys: null })
            Report(first.Span, $"expected a map or a range such as 0..10 in `for`, found `{Shorten(first.Span)}`");
        if (inParentheses)
            Expect(")", " at the end of the head of `for`", opening);
        else if (!_token.Is("{"))
            Report(_token.Span, $"expected `{{` after the head of `for`, found {Describe(_token)}");
        SkipToHeadEnd();

        BlockSyntax body = ParseBlock(withResult: false);
        if (end is not null)
            return new ForRangeSyntax(variable, first, end, body, Since(start));
        return first is MapSyntax map ? new ForMapSyntax(variable, map, body, Since(start)) : null;
    }

    /// <summary>Takes the semicolon behind a statement; a closing brace is as good.</summary>
    private T EndStatement<T>(T statement)
        where T : StatementSyntax
    {
        if (_token.Is("}") || TryTake(";"))
        {
            _recovering = false; // whatever was wrong in the statement, the next one is told by itself
            return statement;
        }

        if (_token.Kind == TokenKind.EndOfText)
            return statement; // the missing brace is told

        // On another line, the place where the semicolon is missing says more than the word that was found.
        bool isElsewhere = _source.Text.AsSpan(_previousEnd, Math.Max(0, _token.Span.Start - _previousEnd)).Contains('\n');
        SourceSpan place = isElsewhere ? new SourceSpan(_previousEnd, 0) : _token.Span;
        string? word = statement is ExpressionStatementSyntax { Expression: var expression }
            ? expression switch { NamedExpressionSyntax named => named.Name, CallSyntax call => call.Name.Text, _ => null }
            : null;
        Report(place, $"expected `;`, found {Describe(_token)}", word is null ? null : Suggestion.Sentence(word, Keywords.OfStatements));
        return statement;
    }

    /// <summary>The text of a place, cut if it is long or of several lines.</summary>
    private string Shorten(SourceSpan span)
    {
        string text = _source.Slice(span);
        int end = text.IndexOf('\n', StringComparison.Ordinal);
        end = Math.Min(end < 0 ? text.Length : end, 40);
        return end < text.Length ? text[..end] + "..." : text;
    }
}
