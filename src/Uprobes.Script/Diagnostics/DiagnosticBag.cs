using System.Collections;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Diagnostics;

/// <summary>Collects what is said about a script, in order of discovery; the same thing about the same place once.</summary>
internal sealed class DiagnosticBag : IReadOnlyCollection<Diagnostic>
{
    /// <summary>Nobody reads more; the rest are consequences of the first ones.</summary>
    internal const int MostErrors = 50;

    private readonly List<Diagnostic> _diagnostics = [];
    private readonly HashSet<(SourceSpan, string)> _seen = [];

    internal int ErrorCount { get; private set; }

    internal bool HasErrors => ErrorCount > 0;

    public int Count => _diagnostics.Count;

    public IEnumerator<Diagnostic> GetEnumerator() => _diagnostics.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Error(DiagnosticId id, SourceSpan span, string message, string? hint = null, params RelatedPlace[] related) =>
        Add(new Diagnostic(Severity.Error, id, span, message) { Hint = hint, Related = related });

    internal void Warning(DiagnosticId id, SourceSpan span, string message, string? hint = null) =>
        Add(new Diagnostic(Severity.Warning, id, span, message) { Hint = hint });

    internal void Add(Diagnostic diagnostic)
    {
        if (diagnostic.Severity == Severity.Error && ErrorCount >= MostErrors || !_seen.Add((diagnostic.Span, diagnostic.Message)))
            return;

        _diagnostics.Add(diagnostic);
        if (diagnostic.Severity == Severity.Error)
            ErrorCount++;
    }

    internal void AddRange(IEnumerable<Diagnostic> diagnostics)
    {
        foreach (Diagnostic diagnostic in diagnostics)
            Add(diagnostic);
    }
}
