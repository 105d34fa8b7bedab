using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Lowering;

/// <summary>Why an action cannot run inside the target.</summary>
/// <param name="Span">What of the script.</param>
/// <param name="Reason">Why, as the end of "runs by breakpoints: ".</param>
internal sealed record LoweringRefusal(SourceSpan Span, string Reason);

/// <summary>Carries a refusal out of the depth of an action.</summary>
internal sealed class LoweringException : Exception
{
    internal LoweringException(SourceSpan span, string reason)
        : base(reason) => Refusal = new LoweringRefusal(span, reason);

    /// <summary>A map whose key it is about. Were it the reader's, there would be nothing to refuse.</summary>
    internal MapSymbol? KeyOf { get; init; }

    internal LoweringRefusal Refusal { get; }
}
