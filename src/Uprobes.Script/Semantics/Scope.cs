using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>The variables of a block, and those of the blocks around it.</summary>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, VariableSymbol> _variables = new(StringComparer.Ordinal);

    internal Scope? Outer { get; } = outer;

    internal VariableSymbol? Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables.TryGetValue(name, out VariableSymbol? variable))
                return variable;
        }

        return null;
    }

    /// <summary>All names that can be used here.</summary>
    internal IEnumerable<string> Names()
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            foreach (string name in scope._variables.Keys)
                yield return name;
        }
    }

    internal void Add(VariableSymbol variable) => _variables[variable.Name] = variable;
}

/// <summary>What a macro's parameters stand for in one use of it.</summary>
/// <param name="Macro">Which macro.</param>
/// <param name="Variables">Its <c>$parameters</c>.</param>
/// <param name="Maps">Its <c>@parameters</c>.</param>
/// <param name="Expressions">Its other parameters: what was written, and where its names have their meaning.</param>
/// <param name="Depth">How many uses this one is in, itself counted.</param>
internal sealed record MacroUse(
    MacroSyntax Macro,
    IReadOnlyDictionary<string, VariableSymbol> Variables,
    IReadOnlyDictionary<string, MapSymbol> Maps,
    IReadOnlyDictionary<string, MacroArgument> Expressions,
    int Depth);

/// <summary>An expression that was given to a macro, with its surroundings.</summary>
internal sealed record MacroArgument(ExpressionSyntax Expression, Scope Scope, MacroUse? Macro);
