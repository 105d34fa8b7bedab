using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Whether a script names code of the target: what its processes have mapped has to be known before they have ended.</summary>
internal static class CodeNames
{
    /// <summary>Whether any probe has a stack or the function of an address.</summary>
    internal static bool AreUsed(TypedScript script) => script.Probes.Any(probe => (probe.Predicate is { } predicate && AreIn(predicate)) || AreIn(probe.Body));

    private static bool AreIn(TypedStatement statement) => StatementParts.Expressions(statement).Any(AreIn) || StatementParts.Within(statement).Any(AreIn);

    private static bool AreIn(TypedExpression expression) => expression switch
    {
        BuiltinExpression { Builtin: ScriptBuiltin.Stack } => true,
        CallExpression { Function: ScriptFunction.Ustack or ScriptFunction.DwarfStack or ScriptFunction.Usym } => true,
        BlockExpression block when AreIn(block.Statements) => true,
        _ => ExpressionParts.Of(expression).Any(AreIn),
    };
}
