using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Tests.Syntax;

/// <summary>Texts read by the parser.</summary>
internal static class Reading
{
    /// <summary>The tree of a script without errors and warnings.</summary>
    internal static ScriptSyntax Script(string text)
    {
        ScriptSource source = new("stdin", text);
        DiagnosticBag diagnostics = [];
        ScriptSyntax script = Parser.Parse(source, diagnostics);
        Assert.True(diagnostics.Count == 0, DiagnosticRenderer.Render(diagnostics, source));
        return script;
    }

    /// <summary>What is said about a script, without source lines: <c>1:9-12: ERROR: …</c> and hints.</summary>
    internal static string[] Messages(string text)
    {
        ScriptSource source = new("stdin", text);
        DiagnosticBag diagnostics = [];
        Parser.Parse(source, diagnostics);
        return Lines(DiagnosticRenderer.Render(diagnostics, source));
    }

    internal static string[] Lines(string rendered) =>
        [.. rendered.Split('\n').Where(line => line.StartsWith("stdin:", StringComparison.Ordinal) || line.StartsWith("HINT: ", StringComparison.Ordinal))
            .Select(line => line.StartsWith("stdin:", StringComparison.Ordinal) ? line["stdin:".Length..] : line)];

    /// <summary>The statements of the only probe's block.</summary>
    internal static IReadOnlyList<StatementSyntax> Statements(string text) => Assert.Single(Script($"begin {{ {text} }}").Probes).Body.Statements;

    internal static ExpressionSyntax Expression(string text) =>
        Assert.IsType<DiscardSyntax>(Assert.Single(Statements($"_ = {text};"))).Value;
}
