namespace Uprobes.Script.Syntax;

/// <summary>Types, and where they stand: after <c>let</c>, in casts and in <c>sizeof</c>.</summary>
internal sealed partial class Parser
{
    /// <summary>Names that a typedef of the script has made types.</summary>
    private readonly HashSet<string> _typedefs = new(StringComparer.Ordinal);

    /// <summary>Whether a type begins with this word whatever follows.</summary>
    /// <param name="token">The word.</param>
    /// <param name="isCertain">False for a name that only looks like one of a type.</param>
    private bool IsType(Token token, out bool isCertain)
    {
        isCertain = false;
        if (token.Kind != TokenKind.Word)
            return false;
        isCertain = token.Word is "struct" or "union" or "enum" or "typeof" || Keywords.IsType(token.Word) || Keywords.IsQualifier(token.Word) || _typedefs.Contains(token.Word);
        return isCertain || token.Word.EndsWith("_t", StringComparison.Ordinal) && token.Word.Length > 2;
    }

    /// <summary>
    /// Whether a type and the closing parenthesis follow the opening one. For a name that is not known to be a type's, what stands
    /// behind decides: <c>(N) - 1</c> subtracts, <c>(name)$x</c> and <c>(name *)arg0</c> can only be casts.
    /// </summary>
    private bool IsCast()
    {
        if (_token.Kind != TokenKind.Word)
            return false;
        bool isType = IsType(_token, out bool isCertain);
        if (isCertain && _token.Word is not ("timestamp" or "string" or "buffer" or "inet"))
            return true;
        if (Keywords.IsReserved(_token.Word))
            return false;

        Token token = Peek();
        int position = token.Span.End, stars = 0;
        while (token.Is("*") || token.Is("["))
        {
            if (token.Is("["))
            {
                token = _lexer.Read(position);
                if (!token.Is("]"))
                    token = _lexer.Read(token.Span.End); // the count, which is one word
                if (!token.Is("]"))
                    return false;
            }
            else
            {
                stars++;
            }

            token = _lexer.Read(token.Span.End);
            position = token.Span.End;
        }

        if (!token.Is(")"))
            return false;
        Token operand = _lexer.Read(position);
        return isType || stars > 0
            ? StartsOperand(operand)
            : operand.Kind is TokenKind.Word or TokenKind.Variable or TokenKind.Map or TokenKind.Integer or TokenKind.Positional;
    }

    private static bool StartsOperand(Token token) =>
        token.Kind is TokenKind.Word or TokenKind.Variable or TokenKind.Map or TokenKind.Integer or TokenKind.Positional or TokenKind.PositionalCount or TokenKind.Text
        || token.Is("(") || token.Is("-") || token.Is("*") || token.Is("&") || token.Is("!") || token.Is("~") || token.Is("++") || token.Is("--");

    private TypeSyntax ParseType()
    {
        SourceSpan start = _token.Span;
        TypeSyntax type = ParseTypeName();
        while (true)
        {
            if (_token.Is("*"))
            {
                if (!CountOperator())
                    return type;
                Advance();
                type = new PointerTypeSyntax(type, Since(start));
            }
            else if (_token.Is("["))
            {
                if (!CountOperator())
                    return type;
                type = ParseArray(type, start);
            }
            else if (_token.Kind == TokenKind.Word && Keywords.IsQualifier(_token.Word))
            {
                Advance();
            }
            else
            {
                return type;
            }
        }
    }

    private ArrayTypeSyntax ParseArray(TypeSyntax element, SourceSpan start)
    {
        SourceSpan opening = _token.Span;
        Advance();
        ExpressionSyntax? count = _token.Is("]") ? null : ParseInner();
        Expect("]", " after the number of elements", opening);
        return new ArrayTypeSyntax(element, count, Since(start));
    }

    /// <summary>A type without stars and brackets.</summary>
    private TypeSyntax ParseTypeName()
    {
        while (_token.Kind == TokenKind.Word && Keywords.IsQualifier(_token.Word))
            Advance();

        SourceSpan start = _token.Span;
        if (_token.IsWord("typeof"))
        {
            Advance();
            SourceSpan opening = _token.Span;
            Expect("(", " after `typeof`");
            if (IsType(_token, out _))
            {
                TypeSyntax type = ParseType();
                Expect(")", " after the type", opening);
                return type;
            }

            ExpressionSyntax expression = ParseInner();
            Expect(")", " after the operand of `typeof`", opening);
            return new TypeofSyntax(expression, Since(start));
        }

        TypeKeyword keyword = _token.Kind != TokenKind.Word ? TypeKeyword.None : _token.Word switch
        {
            "struct" => TypeKeyword.Struct,
            "union" => TypeKeyword.Union,
            "enum" => TypeKeyword.Enum,
            _ => TypeKeyword.None,
        };
        if (keyword != TypeKeyword.None)
        {
            string word = _token.Word;
            Advance();
            NameSyntax? name = ExpectName($"a name after `{word}`");
            return new NamedTypeSyntax(keyword, name?.Text ?? "", Since(start));
        }

        if (_token.Kind != TokenKind.Word || Keywords.IsReserved(_token.Word))
        {
            Report(_token.Span, $"expected a type, found {Describe(_token)}");
            return new NamedTypeSyntax(TypeKeyword.None, "", new SourceSpan(start.Start, 0));
        }

        List<string> words = [_token.Word];
        bool isC = Keywords.IsCWord(_token.Word);
        Advance();
        while (isC && _token.Kind == TokenKind.Word && words.Count < 8 && (Keywords.IsCWord(_token.Word) || Keywords.IsQualifier(_token.Word)))
        {
            if (Keywords.IsCWord(_token.Word))
                words.Add(_token.Word);
            Advance();
        }

        return new NamedTypeSyntax(TypeKeyword.None, string.Join(' ', words), Since(start));
    }
}
