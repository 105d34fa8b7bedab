using Uprobes.Script.Diagnostics;

namespace Uprobes.Script.Running;

/// <summary>A script that is right and cannot be run here: its places do not exist, or it asks for what is not there.</summary>
internal sealed class ScriptRefusedException(IReadOnlyList<Diagnostic> diagnostics) : Exception(diagnostics.Count > 0 ? diagnostics[0].Message : "")
{
    /// <summary>Why; at least one.</summary>
    internal IReadOnlyList<Diagnostic> Diagnostics { get; } = diagnostics;
}
