using Uprobes.Script.Diagnostics;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;
using Uprobes.Script.Tests.Syntax;

namespace Uprobes.Script.Tests.Semantics;

/// <summary>Texts read and checked.</summary>
internal static class Checking
{
    internal static AnalysisOptions Unsafe { get; } = new() { AllowsUnsafe = true };

    /// <summary>A script without errors and warnings.</summary>
    internal static TypedScript Script(string text, AnalysisOptions? options = null)
    {
        ScriptSource source = new("stdin", text);
        DiagnosticBag diagnostics = [];
        TypedScript? script = Analyzer.Analyze(Parser.Parse(source, diagnostics), options ?? new AnalysisOptions(), diagnostics);
        Assert.True(script is not null && diagnostics.Count == 0, DiagnosticRenderer.Render(diagnostics, source));
        return script;
    }

    /// <summary>What is said about a script, without source lines.</summary>
    internal static string[] Messages(string text, AnalysisOptions? options = null)
    {
        ScriptSource source = new("stdin", text);
        DiagnosticBag diagnostics = [];
        TypedScript? script = Analyzer.Analyze(Parser.Parse(source, diagnostics), options ?? new AnalysisOptions(), diagnostics);
        Assert.Equal(diagnostics.HasErrors, script is null);
        return Reading.Lines(DiagnosticRenderer.Render(diagnostics, source));
    }

    internal static MapSymbol Map(this TypedScript script, string name) => script.Maps.Single(map => map.Name == name);

    /// <summary>The value that is assigned to <c>@</c> in a uprobe.</summary>
    internal static TypedExpression Expression(string text, AnalysisOptions? options = null, string definitions = "")
    {
        TypedScript script = Script($"{definitions} uprobe:/bin/x:f {{ $v = {text}; @ = 1; }}", options);
        return Assert.IsType<AssignVariable>(script.Probes[0].Body.Statements[0]).Value!;
    }
}
