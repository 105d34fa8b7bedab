using Uprobes.Script.Diagnostics;

namespace Uprobes.Script.Syntax;

/// <summary>
/// Lines of the C preprocessor, as far as scripts use them: constants, and the choice between headers and what the kernel says
/// of itself. Which headers are included is kept, and not what is in them: that is C, which a compiler reads.
/// </summary>
internal sealed partial class Parser
{
    private readonly HashSet<string> _defined = new(StringComparer.Ordinal) { "BPFTRACE_HAVE_BTF" };

    private readonly List<IncludeSyntax> _includes = [];

    /// <summary>The <c>#if</c> lines whose <c>#endif</c> is still to come.</summary>
    private readonly Stack<SourceSpan> _conditions = new();

    /// <summary>Does what a line says.</summary>
    /// <returns>Where the script goes on.</returns>
    private int ReadDirective(SourceSpan line)
    {
        if (!IsFirstOfItsLine(line.Start))
        {
            _diagnostics.Error(DiagnosticId.Literal, new SourceSpan(line.Start, 1), "the character `#` has no meaning here");
            return line.Start + 1;
        }

        Lexer words = new(_source.Text, line.End);
        Token directive = words.Read(line.Start + 1), name = words.Read(directive.Span.End);
        switch (directive.Word)
        {
            case "define":
                ReadDefine(line, name);
                break;
            case "undef":
                _defined.Remove(name.Word);
                break;
            case "include":
                ReadInclude(line, name);
                break;
            case "ifdef" or "ifndef":
                if (name.Kind != TokenKind.Word)
                    _diagnostics.Error(DiagnosticId.Syntax, line, $"expected a name after `#{directive.Word}`");
                _conditions.Push(line);
                return _defined.Contains(name.Word) == (directive.Word == "ifdef") ? line.End : SkipCondition(line.End);
            case "if" or "elif":
                _diagnostics.Error(DiagnosticId.Unsupported, line, $"`#{directive.Word}` is not supported", "#ifdef and #ifndef are");
                if (directive.Word == "if")
                    _conditions.Push(line);
                break;
            case "else" when _conditions.Count > 0:
                return SkipCondition(line.End);
            case "endif" when _conditions.Count > 0:
                _conditions.Pop();
                break;
            case "else" or "endif":
                _diagnostics.Error(DiagnosticId.Syntax, line, $"this `#{directive.Word}` has no `#ifdef` before it");
                break;
            case "error":
                _diagnostics.Error(DiagnosticId.Asked, line, _source.Slice(SourceSpan.Between(directive.Span.End, line.End)).Trim());
                break;
            case "pragma" or "line" or "warning" or "":
                break;
            default:
                _diagnostics.Error(DiagnosticId.Syntax, line, $"`#{directive.Word}` is no preprocessor line", Suggestion.Sentence(directive.Word, ["define", "include", "ifdef", "ifndef", "else", "endif", "undef"]));
                break;
        }

        return line.End;
    }

    private bool IsFirstOfItsLine(int position)
    {
        int i = position - 1;
        while (i >= 0 && _source.Text[i] is ' ' or '\t')
            i--;
        return i < 0 || _source.Text[i] == '\n';
    }

    private void ReadInclude(SourceSpan line, Token name)
    {
        ReadOnlySpan<char> rest = _source.Text.AsSpan(name.Span.Start, line.End - name.Span.Start);
        char end = rest is ['<', ..] ? '>' : '"';
        int length = rest is ['<' or '"', ..] ? rest[1..].IndexOf(end) : -1;
        if (length <= 0)
            _diagnostics.Error(DiagnosticId.Syntax, line, "expected `<header.h>` or `\"header.h\"` after `#include`");
        else
            _includes.Add(new IncludeSyntax(rest[..(length + 2)].ToString(), line));
    }

    private void ReadDefine(SourceSpan line, Token name)
    {
        if (name.Kind != TokenKind.Word)
        {
            _diagnostics.Error(DiagnosticId.Syntax, line, "expected a name after `#define`");
            return;
        }

        NameSyntax defined = new(name.Word, name.Span);
        _defined.Add(name.Word);
        if (name.Span.End < line.End && _source.Text[name.Span.End] == '(')
        {
            _diagnostics.Error(DiagnosticId.Unsupported, line, $"`{name.Word}` has parameters, which `#define` does not support", $"a macro can do the same: `macro {name.Word}(a) {{ … }}`");
            return;
        }

        DiagnosticBag problems = [];
        Parser value = new(_source, name.Span.End, line.End, isLine: true, problems);
        if (value._token.Kind == TokenKind.EndOfText)
        {
            _definitions.Add(new DefineSyntax(defined, null, line));
            return;
        }

        ExpressionSyntax expression = value.ParseWhole();
        if (problems.HasErrors || value._token.Kind != TokenKind.EndOfText)
            _diagnostics.Warning(DiagnosticId.Unsupported, line, $"`{name.Word}` is left out: only constants and expressions can be defined");
        else
            _definitions.Add(new DefineSyntax(defined, expression, line));
    }

    /// <summary>Skips what a condition leaves out, with the conditions in it.</summary>
    /// <returns>Where the script goes on: behind the <c>#else</c> or the <c>#endif</c>.</returns>
    private int SkipCondition(int position)
    {
        string text = _source.Text;
        int nested = 0;
        while (position < text.Length)
        {
            int lineEnd = text.IndexOf('\n', position + 1);
            if (lineEnd < 0)
                lineEnd = text.Length;
            ReadOnlySpan<char> line = text.AsSpan(position, lineEnd - position).Trim();
            position = lineEnd;
            if (line.IsEmpty || line[0] != '#')
                continue;
            line = line[1..].TrimStart();
            if (line.StartsWith("if", StringComparison.Ordinal))
                nested++;
            else if (line.StartsWith("else", StringComparison.Ordinal) && nested == 0)
                return position;
            else if (line.StartsWith("endif", StringComparison.Ordinal) && nested-- == 0)
            {
                _conditions.Pop();
                return position;
            }
        }

        return position;
    }

    private void ReportOpenConditions()
    {
        foreach (SourceSpan line in _conditions)
            _diagnostics.Error(DiagnosticId.Syntax, line, "this condition has no `#endif`");
    }
}
