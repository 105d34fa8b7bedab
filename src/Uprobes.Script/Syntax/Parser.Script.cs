using Uprobes.Script.Diagnostics;

namespace Uprobes.Script.Syntax;

/// <summary>The parts of a script: definitions, options, maps, macros and probes.</summary>
internal sealed partial class Parser
{
    private readonly List<DefinitionSyntax> _definitions = [];
    private readonly List<OptionSyntax> _options = [];
    private readonly List<MapDeclarationSyntax> _maps = [];
    private readonly List<MacroSyntax> _macros = [];
    private readonly List<ProbeSyntax> _probes = [];

    /// <summary>Whether a slash with a brace behind it ends what is read.</summary>
    private bool _inPredicate;

    private ScriptSyntax ParseScript()
    {
        while (_token.Kind != TokenKind.EndOfText)
        {
            int before = _token.Span.Start;
            ParsePart();
            _recovering = false;
            if (_token.Span.Start == before && _token.Kind != TokenKind.EndOfText)
                Advance();
        }

        ReportOpenConditions();
        return new ScriptSyntax(_definitions, _options, _maps, _macros, _probes, new SourceSpan(0, _source.Text.Length)) { Includes = _includes };
    }

    private void ParsePart()
    {
        Token next = Peek();
        switch (_token)
        {
            case { Kind: TokenKind.Word, Word: "config" } when next.Is("="):
                ParseConfig();
                break;
            case { Kind: TokenKind.Word, Word: "import" } when next.Kind == TokenKind.Text:
                RefuseImport();
                break;
            case { Kind: TokenKind.Word, Word: "macro" }:
                ParseMacro();
                break;
            case { Kind: TokenKind.Word, Word: "let" }:
                ParseMapDeclaration();
                break;
            case { Kind: TokenKind.Word, Word: "fn" } when next.Kind == TokenKind.Word:
                _diagnostics.Error(DiagnosticId.Unsupported, SourceSpan.Cover(_token.Span, next.Span), "functions cannot be defined in a script", "a macro can do the same: `macro name($a, b) { … }`");
                Synchronize();
                break;
            case { Kind: TokenKind.Word, Word: "struct" or "union" or "enum" or "typedef" }:
                ParseDefinition();
                break;
            case { Kind: TokenKind.Symbol, Word: ";" }:
                Advance();
                break;
            case { Kind: TokenKind.Word or TokenKind.Text } or { Kind: TokenKind.Symbol, Word: "*" }:
                ParseProbe();
                break;
            case { Kind: TokenKind.Symbol, Word: "}" }:
                Report(_token.Span, "this `}` closes nothing");
                Advance();
                break;
            default:
                Report(_token.Span, $"expected a probe, found {Describe(_token)}", "a probe is written so: uprobe:/path/to/program:function { … }");
                Synchronize();
                break;
        }
    }

    private void RefuseImport()
    {
        SourceSpan start = _token.Span;
        Advance();
        Advance();
        _diagnostics.Error(DiagnosticId.Unsupported, Since(start), "`import` is not supported", "put the text of the other script into this one");
        TryTake(";");
    }

    private void ParseConfig()
    {
        Advance();
        Advance();
        SourceSpan opening = _token.Span;
        if (!Expect("{", " after `config =`"))
        {
            Synchronize();
            return;
        }

        while (!_token.Is("}") && _token.Kind != TokenKind.EndOfText)
        {
            SourceSpan start = _token.Span;
            if (ExpectName("the name of an option") is { } name && Expect("=", $" after `{name.Text}`"))
                _options.Add(new OptionSyntax(name, ParseUnary(), Since(start)));
            if (!_recovering && !_token.Is("}"))
                Expect(";", " after the option");
            if (_recovering)
                Synchronize();
        }

        Expect("}", " at the end of `config`", opening);
    }

    private void ParseMapDeclaration()
    {
        SourceSpan start = _token.Span;
        Advance();
        if (_token.Kind != TokenKind.Map)
        {
            Report(_token.Span, $"expected a map such as `@name`, found {Describe(_token)}", "outside of a probe, `let` declares maps only");
            Synchronize();
            return;
        }

        NameSyntax map = new(_token.Word, _token.Span);
        Advance();
        if (Expect("=", " after the map") && ExpectName("the kind of the map, such as `hash`") is { } kind && Expect("("))
        {
            Token entries = _token;
            if (entries.Kind == TokenKind.Integer)
                Advance();
            else
                Report(entries.Span, $"expected the number of entries, found {Describe(entries)}");
            if (Expect(")"))
                _maps.Add(new MapDeclarationSyntax(map, kind, entries.Value, Since(start)));
        }

        if (_recovering)
            Synchronize();
        else
            TryTake(";");
    }

    private void ParseMacro()
    {
        SourceSpan start = _token.Span;
        Advance();
        List<MacroParameterSyntax> parameters = [];
        NameSyntax? name = ExpectName("the macro's name");
        if (name is not null && Expect("(", " after the macro's name"))
        {
            while (!_token.Is(")") && ParseMacroParameter() is { } parameter)
            {
                parameters.Add(parameter);
                if (!TryTake(","))
                    break;
            }

            Expect(")", " after the parameters");
        }

        if (SkipToBlock())
        {
            BlockSyntax body = ParseBlock(withResult: true);
            _macros.Add(new MacroSyntax(name ?? new NameSyntax("", start), parameters, body, Since(start)));
        }
    }

    private MacroParameterSyntax? ParseMacroParameter()
    {
        MacroParameterKind? kind = _token.Kind switch
        {
            TokenKind.Variable => MacroParameterKind.Variable,
            TokenKind.Map => MacroParameterKind.Map,
            TokenKind.Word when !Keywords.IsReserved(_token.Word) => MacroParameterKind.Expression,
            _ => null,
        };
        if (kind is null)
        {
            Report(_token.Span, $"expected a parameter (`name`, `$name` or `@name`), found {Describe(_token)}");
            return null;
        }

        NameSyntax name = new(_token.Word, _token.Span);
        Advance();
        return new MacroParameterSyntax(kind.Value, name);
    }

    private void ParseProbe()
    {
        SourceSpan start = _token.Span;
        List<AttachPointSyntax> attachPoints = [];
        do
        {
            if (_token.Is("/") || _token.Is("{"))
                break; // a comma at the end of the list
            if (!ParseAttachPoint(attachPoints))
                break;
        }
        while (TryTake(","));

        ExpressionSyntax? predicate = _token.Is("/") ? ParsePredicate() : null;
        if (!_token.Is("{"))
        {
            string? hint = MisspeltKeyword(attachPoints);
            Report(_token.Span, $"expected {(predicate is null ? "`{` or a predicate `/…/`" : "`{`")} after the probe, found {Describe(_token)}", hint);
            if (hint is not null)
            {
                Synchronize(); // what follows is no block of a probe
                return;
            }
        }

        if (!SkipToBlock())
            return;

        BlockSyntax body = ParseBlock(withResult: false);
        _probes.Add(new ProbeSyntax(attachPoints, predicate, body, Since(start)));
    }

    /// <summary>A misspelt keyword looks like a probe without a place.</summary>
    private static string? MisspeltKeyword(List<AttachPointSyntax> attachPoints) =>
        attachPoints is [{ Text: var text }] && !text.Contains(':') ? Suggestion.Sentence(text, Keywords.OfScripts) : null;

    private bool ParseAttachPoint(List<AttachPointSyntax> attachPoints)
    {
        if (_token.Kind is not (TokenKind.Word or TokenKind.Text) && !_token.Is("*"))
        {
            Report(_token.Span, $"expected a probe, found {Describe(_token)}");
            return false;
        }

        SourceSpan start = _token.Span;
        NameSyntax? name = null;
        Token equals = Peek();
        if (_token.Kind == TokenKind.Word && equals.Is("="))
        {
            name = new NameSyntax(_token.Word, _token.Span);
            MoveTo(equals.Span.End);
        }

        SourceSpan span = _lexer.ReadAttachPoint(_token.Span.Start, out SourceSpan? openQuote);
        if (openQuote is { } quote)
            Report(quote, "this string has no end", "close it with \"");
        if (span.Length == 0)
        {
            Report(_token.Span, $"expected a probe, found {Describe(_token)}");
            return false;
        }

        attachPoints.Add(new AttachPointSyntax(name, WithoutSpaces(_source.Slice(span)), SourceSpan.Cover(start, span)));
        _previousEnd = span.End;
        MoveTo(span.End);
        return true;
    }

    /// <summary>Without the spaces around the plus of an offset; those within quotes are parts of names.</summary>
    private static string WithoutSpaces(string place)
    {
        if (!place.Any(char.IsWhiteSpace))
            return place;
        bool inQuotes = false;
        return string.Concat(place.Where((c, i) =>
        {
            if (c == '"' && (i == 0 || place[i - 1] != '\\'))
                inQuotes = !inQuotes;
            return inQuotes || !char.IsWhiteSpace(c);
        }));
    }

    private ExpressionSyntax ParsePredicate()
    {
        SourceSpan opening = _token.Span;
        Advance();
        _inPredicate = true;
        ExpressionSyntax predicate = ParseWhole();
        _inPredicate = false;
        Expect("/", " at the end of the predicate", opening);
        return predicate;
    }

    /// <summary>After an error: skips to the next opening brace, where there is one.</summary>
    private bool SkipToBlock()
    {
        if (!_token.Is("{") && !_recovering)
            Report(_token.Span, $"expected `{{`, found {Describe(_token)}");
        while (!_token.Is("{"))
        {
            if (_token.Kind == TokenKind.EndOfText)
                return false;
            if (_token.Is("}"))
            {
                Advance();
                return false;
            }

            Advance();
        }

        return true;
    }
}
