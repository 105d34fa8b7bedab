using Uprobes.Script.Diagnostics;

namespace Uprobes.Script.Syntax;

/// <summary>
/// Makes a tree of a script: recursive descent, and precedence climbing for operators.
///
/// It is written by hand, and not with Superpower, which the command's filters use. A script is not made of one kind of words:
/// an attach point (<c>uprobe:/usr/lib/x:f*</c>), a preprocessor line and a predicate's slash can be told apart only by what
/// the parser has seen, so that no tokenizer can run before it; several errors are to be told in a run, which asks for going on
/// at the next <c>;</c> or <c>}</c> (a combinator gives up at the first); and building the combinators costs a native program
/// milliseconds at its start, of the five that a whole compilation may take.
/// </summary>
internal sealed partial class Parser
{
    /// <summary>Longer texts are no scripts.</summary>
    internal const int LongestScript = 1 << 20;

    /// <summary>What nests is read by nested calls, here and in all who walk the tree: this bounds their stack.</summary>
    internal const int DeepestNesting = 100;

    /// <summary>Operators of one expression, for the same reason: <c>1+1+1+…</c> is a deep tree.</summary>
    internal const int MostOperators = 1000;

    private readonly ScriptSource _source;
    private readonly Lexer _lexer;
    private readonly DiagnosticBag _diagnostics;

    private Token _token;
    private int _previousEnd;

    /// <summary>An error was told, and what comes next may only be its consequence.</summary>
    private bool _recovering;

    /// <summary>A string or a comment had no end, so that closing braces may be missing.</summary>
    private bool _hasLostText;

    private int _depth;
    private int _operators;

    /// <summary>Only a preprocessor line is read, so that no other one can begin in it.</summary>
    private readonly bool _isLine;

    private Parser(ScriptSource source, int start, int limit, bool isLine, DiagnosticBag diagnostics)
    {
        _source = source;
        _isLine = isLine;
        _lexer = new Lexer(source.Text, limit);
        _diagnostics = diagnostics;
        MoveTo(start);
    }

    /// <summary>Reads a script. Where it has errors they are told, and the tree holds what could be understood.</summary>
    internal static ScriptSyntax Parse(ScriptSource source, DiagnosticBag diagnostics)
    {
        if (source.Text.Length > LongestScript)
        {
            diagnostics.Error(DiagnosticId.Limit, new SourceSpan(0, 0), $"the script is longer than {LongestScript} characters");
            return new ScriptSyntax([], [], [], [], [], new SourceSpan(0, 0));
        }

        // The first line may name the program that runs the script.
        int start = source.Text.StartsWith("#!", StringComparison.Ordinal) ? source.Line(1).End : 0;
        return new Parser(source, start, source.Text.Length, isLine: false, diagnostics).ParseScript();
    }

    private void Advance()
    {
        _previousEnd = _token.Span.End;
        MoveTo(_token.Span.End);
    }

    /// <summary>Makes the word at or behind a position the current one; preprocessor lines and wrong characters are dealt with on the way.</summary>
    private void MoveTo(int position)
    {
        while (true)
        {
            _token = _lexer.Read(position);
            if (_token.Problem is { } problem)
                Report(problem);
            if (_token.Kind == TokenKind.Directive && !_isLine)
                position = ReadDirective(_token.Span);
            else if (_token.Kind is TokenKind.Unknown or TokenKind.Directive)
                position = _token.Span.End;
            else
                return;
        }
    }

    /// <summary>The word behind the current one, or one further on.</summary>
    private Token Peek(int distance = 1)
    {
        Token token = _token;
        for (int i = 0; i < distance; i++)
            token = _lexer.Read(token.Span.End);
        return token;
    }

    /// <summary>Goes on if the current word is this symbol.</summary>
    private bool TryTake(string symbol)
    {
        if (!_token.Is(symbol))
            return false;
        Advance();
        return true;
    }

    /// <summary>Goes on if the current word is this symbol; tells that it is missing otherwise.</summary>
    /// <param name="symbol">What is wanted.</param>
    /// <param name="where">Why it is, as the end of a sentence: <c> after the condition</c>.</param>
    /// <param name="opening">What it would close.</param>
    private bool Expect(string symbol, string where = "", SourceSpan? opening = null)
    {
        if (TryTake(symbol))
            return true;
        RelatedPlace[] related = opening is { } open ? [new RelatedPlace(open, $"it would close this `{_source.Slice(open)}`")] : [];
        Report(_token.Span, $"expected `{symbol}`{where}, found {Describe(_token)}", null, related);
        return false;
    }

    /// <summary>Takes a name.</summary>
    /// <param name="what">What it would be the name of, with its article.</param>
    private NameSyntax? ExpectName(string what)
    {
        if (_token.Kind == TokenKind.Word && !Keywords.IsReserved(_token.Word))
        {
            NameSyntax name = new(_token.Word, _token.Span);
            Advance();
            return name;
        }

        Report(_token.Span, $"expected {what}, found {Describe(_token)}");
        return null;
    }

    /// <summary>Tells an error of syntax, unless it may be a consequence of the one before.</summary>
    private void Report(SourceSpan span, string message, string? hint = null, params RelatedPlace[] related)
    {
        if (!_recovering && !(_hasLostText && _token.Kind == TokenKind.EndOfText))
            _diagnostics.Error(DiagnosticId.Syntax, span, message, hint, related);
        _recovering = true;
    }

    private void Report(TokenProblem problem)
    {
        _diagnostics.Error(DiagnosticId.Literal, problem.Span, problem.Message, problem.Hint);
        _recovering |= problem.SwallowsText;
        _hasLostText |= problem.SwallowsText;
    }

    /// <summary>What a word is called in a message.</summary>
    private string Describe(Token token) => token.Kind switch
    {
        TokenKind.EndOfText => "the end of the script",
        TokenKind.Word when Keywords.IsReserved(token.Word) => $"the keyword `{token.Word}`",
        TokenKind.Text => "a string",
        TokenKind.Integer => $"the number `{_source.Slice(token.Span)}`",
        _ => $"`{_source.Slice(token.Span)}`",
    };

    /// <summary>After an error: skips to the end of the statement, over blocks as a whole.</summary>
    private void Synchronize()
    {
        for (int open = 0; _token.Kind != TokenKind.EndOfText; Advance())
        {
            if (_token.Is("{"))
            {
                open++;
            }
            else if (_token.Is("}"))
            {
                if (open == 0)
                    break;
                if (--open == 0)
                {
                    Advance();
                    break;
                }
            }
            else if (_token.Is(";") && open == 0)
            {
                Advance();
                break;
            }
        }

        _recovering = false;
    }

    /// <summary>Counts a level of nesting. Where it is one too many that is told, and the caller is to make do without it.</summary>
    private bool TryEnter()
    {
        if (++_depth <= DeepestNesting)
            return true;
        if (!_recovering)
            _diagnostics.Error(DiagnosticId.Limit, _token.Span, $"nested more than {DeepestNesting} deep");
        _recovering = true;
        return false;
    }

    /// <summary>From a position to the end of the last word that was taken.</summary>
    private SourceSpan Since(int start) => SourceSpan.Between(start, Math.Max(start, _previousEnd));

    private SourceSpan Since(SourceSpan start) => Since(start.Start);
}
