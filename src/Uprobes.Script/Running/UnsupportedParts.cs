using Uprobes.Script.Diagnostics;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>Finds what the language has and this version cannot run.</summary>
internal static class UnsupportedParts
{
    /// <summary>All of it, each with its place.</summary>
    internal static IReadOnlyList<Diagnostic> Find(TypedScript script)
    {
        DiagnosticBag found = [];
        foreach (TypedProbe probe in script.Probes)
        {
            if (probe.Predicate is { } predicate)
                Visit(predicate, found);
            Visit(probe.Body, found);
        }

        return [.. found];
    }

    private static void Visit(TypedStatement statement, DiagnosticBag found)
    {
        foreach (object part in TypedParts.Of(statement))
            Visit(part, found);
    }

    private static void Visit(object part, DiagnosticBag found)
    {
        if (part is TypedStatement statement)
        {
            Visit(statement, found);
            return;
        }

        TypedExpression expression = (TypedExpression)part;
        if (expression is BuiltinExpression { Builtin: ScriptBuiltin.Stack } or CallExpression { Function: ScriptFunction.Ustack or ScriptFunction.DwarfStack })
            found.Error(DiagnosticId.Unsupported, expression.Span, "stacks are not supported yet", "the function that was called is `func`; its caller's address is on the stack: *(uint64 *)reg(\"sp\")");
        foreach (object inner in TypedParts.Of(expression))
            Visit(inner, found);
    }
}
