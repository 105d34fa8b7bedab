using Uprobes.Script.Syntax;

namespace Uprobes.Script.Running;

/// <summary>An action cannot go on; the run does. Never leaves the interpreter.</summary>
internal sealed class ActionException(string message, SourceSpan span) : Exception(message)
{
    /// <summary>Where in the script.</summary>
    internal SourceSpan Span { get; } = span;
}
