namespace Uprobes.Script.Syntax;

/// <summary>Operands.</summary>
internal sealed partial class Parser
{
    private ExpressionSyntax ParsePrimary()
    {
        Token token = _token;
        switch (token.Kind)
        {
            case TokenKind.Integer:
                Advance();
                return new IntegerSyntax(token.Value, token.Span);
            case TokenKind.Text:
                Advance();
                return ParseText(token);
            case TokenKind.Variable:
                Advance();
                return new VariableSyntax(token.Word, token.Span);
            case TokenKind.Positional:
                Advance();
                // The lexer has told of $0.
                return token.Value == 0 ? new MissingSyntax(token.Span) : new PositionalSyntax((int)Math.Min(token.Value, int.MaxValue), token.Span);
            case TokenKind.PositionalCount:
                Advance();
                return new PositionalCountSyntax(token.Span);
            case TokenKind.Map:
                return ParseMap();
            case TokenKind.Word:
                return ParseWord();
            case TokenKind.Symbol when token.Word == "(":
                return ParseParenthesis();
            case TokenKind.Symbol when token.Word == "{":
                return ParseBlock(withResult: true);
            default:
                Report(token.Span, $"expected an expression, found {Describe(token)}");
                return new MissingSyntax(token.Span);
        }
    }

    /// <summary>Strings that stand side by side are one, as in C.</summary>
    private TextSyntax ParseText(Token first)
    {
        if (_token.Kind != TokenKind.Text)
            return new TextSyntax(first.Bytes, first.Span);

        List<byte> bytes = [.. first.Bytes.Span];
        while (_token.Kind == TokenKind.Text)
        {
            bytes.AddRange(_token.Bytes.Span);
            Advance();
        }

        return new TextSyntax(bytes.ToArray(), Since(first.Span));
    }

    private MapSyntax ParseMap()
    {
        Token map = _token;
        Advance();
        SourceSpan opening = _token.Span;
        if (!TryTake("["))
            return new MapSyntax(map.Word, null, map.Span, map.Span);

        List<ExpressionSyntax> keys = ParseList("]");
        if (keys.Count == 0)
            Report(_token.Span, $"expected a key, found {Describe(_token)}", "a map without keys is written without brackets");
        Expect("]", " after the keys", opening);
        return new MapSyntax(map.Word, keys, map.Span, Since(map.Span));
    }

    /// <summary>Expressions with commas between them; one may stand behind the last.</summary>
    private List<ExpressionSyntax> ParseList(string closing)
    {
        List<ExpressionSyntax> list = [];
        while (!_token.Is(closing) && _token.Kind != TokenKind.EndOfText)
        {
            list.Add(ParseInner());
            if (_recovering || !TryTake(","))
                break;
        }

        return list;
    }

    private ExpressionSyntax ParseWord()
    {
        Token word = _token;
        switch (word.Word)
        {
            case "true" or "false":
                Advance();
                return new BooleanSyntax(word.Word == "true", word.Span);
            case "if":
                return ParseIf();
            case "sizeof":
                return ParseSizeof();
            case "offsetof":
                return ParseOffsetof();
            case "comptime":
                Advance();
                return new ComptimeSyntax(ParseUnary(), Since(word.Span));
        }

        if (Keywords.IsReserved(word.Word) && word.Word is not ("typeinfo" or "macro"))
        {
            Report(word.Span, $"expected an expression, found {Describe(word)}");
            return new MissingSyntax(word.Span);
        }

        Advance();
        if (!_token.Is("("))
            return new NamedExpressionSyntax(word.Word, word.Span);

        SourceSpan opening = _token.Span;
        Advance();
        List<ExpressionSyntax> arguments = ParseList(")");
        Expect(")", $" after the arguments of `{word.Word}`", opening);
        return new CallSyntax(new NameSyntax(word.Word, word.Span), arguments, Since(word.Span));
    }

    private ExpressionSyntax ParseIf()
    {
        SourceSpan start = _token.Span;
        if (!TryEnter())
        {
            _depth--;
            return new MissingSyntax(start);
        }

        Advance();
        ExpressionSyntax condition = ParseHead("if");
        BlockSyntax then = ParseBlock(withResult: true);
        ExpressionSyntax? otherwise = null;
        if (_token.IsWord("else"))
        {
            Advance();
            if (!_token.IsWord("if") && !_token.Is("{"))
                Report(_token.Span, $"expected `{{` or `if` after `else`, found {Describe(_token)}");
            otherwise = _token.IsWord("if") ? ParseIf() : ParseBlock(withResult: true);
        }

        _depth--;
        return new IfSyntax(condition, then, otherwise, Since(start));
    }

    private SizeofSyntax ParseSizeof()
    {
        SourceSpan start = _token.Span;
        Advance();
        SourceSpan opening = _token.Span;
        Expect("(", " after `sizeof`");
        TypeSyntax? type = IsType(_token, out _) ? ParseType() : null;
        ExpressionSyntax? expression = type is null ? ParseInner() : null;
        Expect(")", " after the operand of `sizeof`", opening);
        return new SizeofSyntax(type, expression, Since(start));
    }

    private OffsetofSyntax ParseOffsetof()
    {
        SourceSpan start = _token.Span;
        Advance();
        SourceSpan opening = _token.Span;
        Expect("(", " after `offsetof`");
        TypeSyntax? type = IsType(_token, out _) ? ParseType() : null;
        ExpressionSyntax? expression = type is null ? ParseInner() : null;
        Expect(",", " and a field");
        List<NameSyntax> fields = [];
        do
        {
            if (ExpectName("a field") is { } field)
                fields.Add(field);
        }
        while (TryTake("."));
        Expect(")", " after the field", opening);
        return new OffsetofSyntax(type, expression, fields, Since(start));
    }

    /// <summary>A group, a cast, a tuple or a record.</summary>
    private ExpressionSyntax ParseParenthesis()
    {
        SourceSpan start = _token.Span;
        Advance();
        if (TryTake(")"))
            return new TupleSyntax([], Since(start));
        if (_token.Kind == TokenKind.Word && Peek().Is("="))
            return ParseRecord(start);
        if (IsCast())
        {
            TypeSyntax type = ParseType();
            Expect(")", " after the type", start);
            if (!TryEnter())
            {
                _depth--;
                return new MissingSyntax(start);
            }

            ExpressionSyntax operand = ParseUnary();
            _depth--;
            return new CastSyntax(type, operand, Since(start));
        }

        ExpressionSyntax first = ParseInner();
        if (!TryTake(","))
        {
            Expect(")", "", start);
            return first;
        }

        List<ExpressionSyntax> elements = [first, .. ParseList(")")];
        Expect(")", " at the end of the tuple", start);
        return new TupleSyntax(elements, Since(start));
    }

    private RecordSyntax ParseRecord(SourceSpan start)
    {
        List<RecordFieldSyntax> fields = [];
        do
        {
            if (_token.Is(")"))
                break; // a comma at the end
            SourceSpan fieldStart = _token.Span;
            if (ExpectName("the name of an element") is not { } name || !Expect("=", $" after `{name.Text}`"))
                break;
            fields.Add(new RecordFieldSyntax(name, ParseInner(), Since(fieldStart)));
        }
        while (TryTake(","));
        Expect(")", " at the end of the record", start);
        return new RecordSyntax(fields, Since(start));
    }
}
