using System.Globalization;
using Uprobes.Script.Diagnostics;

namespace Uprobes.Script.Syntax;

/// <summary>Structs, unions, enums and typedefs, in C.</summary>
internal sealed partial class Parser
{
    /// <summary>Reads a definition and the semicolon behind it, which may be left out.</summary>
    private void ParseDefinition()
    {
        SourceSpan start = _token.Span;
        bool isTypedef = _token.IsWord("typedef");
        if (isTypedef)
            Advance();

        TypeSyntax type = ParseDeclaredType("", isTypedef);
        if (isTypedef)
        {
            if (ParseDeclarator(type, start) is { Name: { } name, Type: var named })
            {
                _typedefs.Add(name.Text);
                _definitions.Add(new TypedefSyntax(name, named, Since(start)));
            }
            else
            {
                Report(_token.Span, $"expected the name of the type, found {Describe(_token)}");
            }
        }

        if (_recovering)
            Synchronize();
        else
            TryTake(";");
    }

    /// <summary>The type of a declaration; a struct or an enum with a body is added to the definitions.</summary>
    /// <param name="outer">The struct that it stands in, for naming those without a name.</param>
    /// <param name="mayRefer">Whether a name without a body is enough.</param>
    private TypeSyntax ParseDeclaredType(string outer, bool mayRefer)
    {
        while (_token.Kind == TokenKind.Word && Keywords.IsQualifier(_token.Word))
            Advance();
        if (_token.Kind != TokenKind.Word || _token.Word is not ("struct" or "union" or "enum"))
            return ParseTypeName();

        SourceSpan start = _token.Span;
        string keyword = _token.Word;
        Advance();
        bool isPacked = SkipAttributes();
        NameSyntax? name = _token.Kind == TokenKind.Word && !Keywords.IsReserved(_token.Word) ? new NameSyntax(_token.Word, _token.Span) : null;
        if (name is not null)
            Advance();

        TypeKeyword kind = keyword switch { "struct" => TypeKeyword.Struct, "union" => TypeKeyword.Union, _ => TypeKeyword.Enum };
        if (!_token.Is("{"))
        {
            if (name is null || !mayRefer && !_token.Is(";"))
                Report(_token.Span, $"expected `{{` after `{keyword} {name?.Text}`, found {Describe(_token)}");
            return new NamedTypeSyntax(kind, name?.Text ?? "", Since(start));
        }

        NameSyntax called = name ?? new NameSyntax(string.Create(CultureInfo.InvariantCulture, $"{outer}(anonymous {start.Start})"), start);
        if (!TryEnter())
        {
            _depth--;
            return new NamedTypeSyntax(kind, called.Text, Since(start));
        }

        if (kind == TypeKeyword.Enum)
            ParseEnum(name, start);
        else
            ParseStruct(kind == TypeKeyword.Union, called, isPacked, start);
        _depth--;
        return new NamedTypeSyntax(kind, kind == TypeKeyword.Enum && name is null ? "" : called.Text, Since(start));
    }

    private void ParseStruct(bool isUnion, NameSyntax name, bool isPacked, SourceSpan start)
    {
        SourceSpan opening = _token.Span;
        Advance();
        List<FieldSyntax> fields = [];
        while (!_token.Is("}") && _token.Kind != TokenKind.EndOfText)
        {
            int before = _token.Span.Start;
            _operators = 0;
            ParseFields(name.Text, fields);
            if (_recovering)
                Synchronize();
            if (_token.Span.Start == before && _token.Kind != TokenKind.EndOfText)
                Advance();
        }

        Expect("}", " at the end of the definition", opening);
        isPacked |= SkipAttributes();
        _definitions.Add(new StructSyntax(isUnion, name, fields, isPacked, Since(start)));
    }

    /// <summary>One declaration, which may be of several fields.</summary>
    private void ParseFields(string outer, List<FieldSyntax> fields)
    {
        if (TryTake(";"))
            return;
        SourceSpan start = _token.Span;
        TypeSyntax type = ParseDeclaredType(outer + "::", mayRefer: true);
        if (TryTake(";"))
        {
            if (type is NamedTypeSyntax { Keyword: TypeKeyword.Struct or TypeKeyword.Union } named && named.Name.Contains('(', StringComparison.Ordinal))
                fields.Add(new FieldSyntax(null, type, null, Since(start)));
            return;
        }

        do
        {
            (NameSyntax? name, TypeSyntax fieldType) = ParseDeclarator(type, start);
            ExpressionSyntax? bits = TryTake(":") ? ParseBinary(1) : null;
            if (name is null && bits is null)
            {
                Report(_token.Span, $"expected the name of a field, found {Describe(_token)}");
                return;
            }

            SkipAttributes();
            fields.Add(new FieldSyntax(name, fieldType, bits, Since(start)));
        }
        while (TryTake(","));
        Expect(";", " after the field");
    }

    /// <summary>What stands around a declared name: <c>*name[4]</c>, or <c>(*name)(int)</c>, which is a pointer whatever it points to.</summary>
    private (NameSyntax? Name, TypeSyntax Type) ParseDeclarator(TypeSyntax type, SourceSpan start)
    {
        while (_token.Is("*") || _token.Kind == TokenKind.Word && Keywords.IsQualifier(_token.Word))
        {
            bool isPointer = _token.Is("*");
            if (!CountOperator())
                return (null, type);
            Advance();
            if (isPointer)
                type = new PointerTypeSyntax(type, Since(start));
        }

        if (_token.Is("(") && Peek().Is("*"))
            return ParseFunctionPointer(start);

        NameSyntax? name = _token.Kind == TokenKind.Word && !Keywords.IsReserved(_token.Word) ? new NameSyntax(_token.Word, _token.Span) : null;
        if (name is null)
            return (null, type);
        Advance();

        List<(ExpressionSyntax? Count, SourceSpan Span)> dimensions = [];
        while (_token.Is("[") && CountOperator())
        {
            ArrayTypeSyntax array = ParseArray(type, start);
            dimensions.Add((array.Count, array.Span));
        }

        // int a[2][3] is two arrays of three.
        for (int i = dimensions.Count - 1; i >= 0; i--)
            type = new ArrayTypeSyntax(type, dimensions[i].Count, dimensions[i].Span);
        return (name, type);
    }

    private (NameSyntax? Name, TypeSyntax Type) ParseFunctionPointer(SourceSpan start)
    {
        Advance();
        Advance();
        NameSyntax? name = ExpectName("the name of the pointer");
        Expect(")", " after the name of the pointer");
        SourceSpan opening = _token.Span;
        if (Expect("(", " before the parameters"))
            SkipParentheses(opening);
        return (name, new PointerTypeSyntax(new NamedTypeSyntax(TypeKeyword.None, "void", start), Since(start)));
    }

    /// <summary>Skips to the parenthesis that closes the one that was taken, and over it.</summary>
    private void SkipParentheses(SourceSpan opening)
    {
        for (int open = 1; _token.Kind != TokenKind.EndOfText; Advance())
        {
            if (_token.Is("("))
                open++;
            else if (_token.Is(")") && --open == 0)
                break;
        }

        Expect(")", "", opening);
    }

    private void ParseEnum(NameSyntax? name, SourceSpan start)
    {
        SourceSpan opening = _token.Span;
        Advance();
        List<EnumMemberSyntax> members = [];
        while (!_token.Is("}") && ExpectName("the name of a constant") is { } member)
        {
            _operators = 0;
            ExpressionSyntax? value = TryTake("=") ? ParseExpression() : null;
            members.Add(new EnumMemberSyntax(member, value, Since(member.Span)));
            if (!TryTake(","))
                break;
        }

        while (_recovering && !_token.Is("}") && !_token.Is(";") && _token.Kind != TokenKind.EndOfText)
            Advance();
        Expect("}", " at the end of the enum", opening);
        _definitions.Add(new EnumSyntax(name, members, Since(start)));
    }

    /// <summary>Skips <c>__attribute__((…))</c>.</summary>
    /// <returns>Whether it says that the struct is packed.</returns>
    private bool SkipAttributes()
    {
        bool isPacked = false;
        while (_token.IsWord("__attribute__"))
        {
            SourceSpan start = _token.Span;
            Advance();
            SourceSpan opening = _token.Span;
            if (!Expect("(", " after `__attribute__`"))
                break;
            SkipParentheses(opening);
            isPacked |= _source.Slice(Since(start)).Contains("packed", StringComparison.Ordinal);
        }

        return isPacked;
    }
}
