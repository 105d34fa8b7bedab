using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>Macros: the body is checked anew in each use, with what the parameters stand for there.</summary>
internal sealed partial class Analyzer
{
    private const int DeepestMacro = 20;

    /// <summary>Uses in all: macros that use each other twice grow like powers of two.</summary>
    private const int MostExpansions = 2000;

    private MacroUse? _macro;
    private int _expansions;

    private TypedExpression UseMacro(MacroSyntax macro, IReadOnlyList<ExpressionSyntax> arguments, SourceSpan span)
    {
        int depth = (_macro?.Depth ?? 0) + 1;
        if (depth > DeepestMacro)
            return Wrong(DiagnosticId.Limit, span, $"macros use each other more than {DeepestMacro} deep: a macro cannot use itself");
        if (++_expansions > MostExpansions)
            return Wrong(DiagnosticId.Limit, span, $"macros are used more than {MostExpansions} times");
        if (arguments.Count != macro.Parameters.Count)
        {
            return Wrong(DiagnosticId.Arguments, span, $"the macro `{macro.Name.Text}` has {Count(macro.Parameters.Count, "parameter")}, and is given {Count(arguments.Count, "argument")}", null,
                new RelatedPlace(macro.Name.Span, "defined here"));
        }

        Dictionary<string, VariableSymbol> variables = new(StringComparer.Ordinal);
        Dictionary<string, MapSymbol> maps = new(StringComparer.Ordinal);
        Dictionary<string, MacroArgument> expressions = new(StringComparer.Ordinal);
        for (int i = 0; i < arguments.Count; i++)
        {
            MacroParameterSyntax parameter = macro.Parameters[i];
            switch (parameter.Kind)
            {
                case MacroParameterKind.Variable when arguments[i] is VariableSyntax variable && Check(variable) is var found:
                    if (found is not VariableExpression { Variable: var symbol })
                        return found;
                    variables[parameter.Name.Text] = symbol;
                    break;
                case MacroParameterKind.Map when arguments[i] is MapSyntax { Keys: null } map:
                    if (FindMap(map) is not { } given)
                        return new ErrorExpression(span);
                    maps[parameter.Name.Text] = given;
                    break;
                case MacroParameterKind.Expression:
                    expressions[parameter.Name.Text] = new MacroArgument(arguments[i], _scope, _macro);
                    break;
                default:
                    string wanted = parameter.Kind == MacroParameterKind.Map ? "a map without keys" : "a variable";
                    return Wrong(DiagnosticId.Arguments, arguments[i].Span, $"the macro `{macro.Name.Text}` takes {wanted} here", null, new RelatedPlace(parameter.Name.Span, "the parameter"));
            }
        }

        (Scope scope, MacroUse? outer) = (_scope, _macro);
        (_scope, _macro) = (new Scope(null), new MacroUse(macro, variables, maps, expressions, depth));
        BlockExpression body = CheckBlockExpression(macro.Body);
        (_scope, _macro) = (scope, outer);
        return body with { Span = span };
    }

    /// <summary>What was given to a macro, with the names of where it was written.</summary>
    private TypedExpression CheckArgument(MacroArgument argument)
    {
        if (++_expansions > MostExpansions)
            return Wrong(DiagnosticId.Limit, argument.Expression.Span, $"macros are used more than {MostExpansions} times");
        (Scope scope, MacroUse? use) = (_scope, _macro);
        (_scope, _macro) = (argument.Scope, argument.Macro);
        TypedExpression value = Check(argument.Expression);
        (_scope, _macro) = (scope, use);
        return value;
    }

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}
