using Uprobes.Script.Diagnostics;

namespace Uprobes.Script.Syntax;

/// <summary>Operators: precedence climbing, from the conditional down to what follows an operand.</summary>
internal sealed partial class Parser
{
    /// <summary>An expression with a count of operators of its own.</summary>
    private ExpressionSyntax ParseWhole()
    {
        _operators = 0;
        return ParseExpression();
    }

    private ExpressionSyntax ParseExpression()
    {
        if (!TryEnter())
        {
            _depth--;
            return new MissingSyntax(_token.Span);
        }

        // A group's parentheses are no part of it, and begin what it is the first operand of.
        SourceSpan start = _token.Span;
        ExpressionSyntax condition = ParseBinary(1);
        ExpressionSyntax result = condition;
        if (_token.Is("?") && CountOperator())
        {
            Advance();
            ExpressionSyntax? whenTrue = _token.Is(":") ? null : ParseExpression();
            Expect(":", " in the conditional");
            ExpressionSyntax whenFalse = ParseExpression();
            result = new ConditionalSyntax(condition, whenTrue, whenFalse, Since(start));
        }

        _depth--;
        return result;
    }

    private ExpressionSyntax ParseBinary(int leastRank)
    {
        SourceSpan start = _token.Span;
        ExpressionSyntax left = ParseUnary();
        while (Operators.TryGetBinary(_token, out BinaryOperatorSyntax operation) && Operators.Rank(operation) >= leastRank)
        {
            if (operation == BinaryOperatorSyntax.Divide && _inPredicate && Peek().Is("{") || !CountOperator())
                break;
            SourceSpan symbol = _token.Span;
            Advance();
            ExpressionSyntax right = ParseBinary(Operators.Rank(operation) + 1);
            left = new BinarySyntax(operation, left, right, symbol, Since(start));
        }

        return left;
    }

    private ExpressionSyntax ParseUnary()
    {
        SourceSpan start = _token.Span;
        bool isIncrement = _token.Is("++");
        if (!isIncrement && !_token.Is("--") && !_token.Is("&") && !Operators.TryGetUnary(_token, out _))
            return ParsePostfix(ParsePrimary(), start);

        Token prefix = _token;
        if (!TryEnter())
        {
            _depth--;
            return new MissingSyntax(start);
        }

        Advance();
        ExpressionSyntax operand = ParseUnary();
        _depth--;
        if (Operators.TryGetUnary(prefix, out UnaryOperatorSyntax operation))
            return new UnarySyntax(operation, operand, Since(start));
        if (prefix.Is("&"))
            return new AddressSyntax(operand, Since(start));
        return Increment(operand, isIncrement, isPrefix: true, Since(start));
    }

    private ExpressionSyntax ParsePostfix(ExpressionSyntax operand, SourceSpan start)
    {
        while (_token.Kind == TokenKind.Symbol)
        {
            switch (_token.Word)
            {
                case "." or "->" when CountOperator():
                    operand = ParseMember(operand, start);
                    break;
                case "[" when CountOperator():
                    SourceSpan opening = _token.Span;
                    Advance();
                    ExpressionSyntax index = ParseInner();
                    Expect("]", " after the index", opening);
                    operand = new IndexSyntax(operand, index, Since(start));
                    break;
                case "++" or "--" when CountOperator():
                    bool isIncrement = _token.Word == "++";
                    Advance();
                    operand = Increment(operand, isIncrement, isPrefix: false, Since(start));
                    break;
                default:
                    return operand;
            }
        }

        return operand;
    }

    private ExpressionSyntax ParseMember(ExpressionSyntax target, SourceSpan start)
    {
        string symbol = _token.Word;
        Advance();
        if (_token.Kind == TokenKind.Word)
        {
            NameSyntax name = new(_token.Word, _token.Span);
            Advance();
            return new MemberSyntax(target, name, Since(start));
        }

        if (_token.Kind == TokenKind.Integer && symbol == ".")
        {
            Token index = _token;
            Advance();
            if (target is IntegerSyntax)
                _diagnostics.Error(DiagnosticId.Unsupported, Since(start), "there are no floating-point numbers");
            return new ElementSyntax(target, (int)Math.Min(index.Value, int.MaxValue), Since(start));
        }

        Report(_token.Span, $"expected a field after `{symbol}`, found {Describe(_token)}");
        return target;
    }

    private IncrementSyntax Increment(ExpressionSyntax target, bool isIncrement, bool isPrefix, SourceSpan span)
    {
        if (target is not (VariableSyntax or MapSyntax or MissingSyntax))
            _diagnostics.Error(DiagnosticId.Syntax, span, $"`{(isIncrement ? "++" : "--")}` needs a `$variable` or a `@map`");
        return new IncrementSyntax(target, isIncrement, isPrefix, span);
    }

    /// <summary>An expression between brackets, where a slash is a division.</summary>
    private ExpressionSyntax ParseInner()
    {
        bool wasInPredicate = _inPredicate;
        _inPredicate = false;
        ExpressionSyntax inner = ParseExpression();
        _inPredicate = wasInPredicate;
        return inner;
    }

    /// <summary>Counts an operator of the current expression. Where it is one too many that is told.</summary>
    private bool CountOperator()
    {
        if (++_operators <= MostOperators)
            return true;
        if (!_recovering)
            _diagnostics.Error(DiagnosticId.Limit, _token.Span, $"more than {MostOperators} operators in one expression");
        _recovering = true;
        return false;
    }
}
