using Uprobes.Script.Probes;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>A script that was checked: what a compiler starts from.</summary>
/// <param name="Options">Its config block.</param>
/// <param name="Maps">All maps, in the order in which the script names them.</param>
/// <param name="Probes">All probes, in the order of the script.</param>
/// <param name="Types">Layouts of structs and names of enums' values.</param>
internal sealed record TypedScript(ScriptConfig Options, IReadOnlyList<MapSymbol> Maps, IReadOnlyList<TypedProbe> Probes, TypeCatalog Types);

/// <summary>A probe.</summary>
/// <param name="AttachPoints">Where.</param>
/// <param name="Predicate">What must hold, a scalar; null for nothing.</param>
/// <param name="Body">What is done.</param>
/// <param name="Variables">All that the body uses.</param>
/// <param name="Span">Where the script has it.</param>
internal sealed record TypedProbe(IReadOnlyList<AttachPoint> AttachPoints, TypedExpression? Predicate, BlockStatement Body, IReadOnlyList<VariableSymbol> Variables, SourceSpan Span);

/// <summary>What a script is checked with.</summary>
internal sealed record AnalysisOptions
{
    /// <summary>What <c>$1</c> and its like are.</summary>
    internal IReadOnlyList<string> Positional { get; init; } = [];

    /// <summary>What stands behind <c>--</c> on the command line, by name; the value of an option without one is empty.</summary>
    internal IReadOnlyDictionary<string, string> Named { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Whether the user allows actions that change the target or this machine.</summary>
    internal bool AllowsUnsafe { get; init; }

    /// <summary>Options of the environment, which count more than those of the script: names as in the script.</summary>
    internal IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What is known of the probed programs' types.</summary>
    internal ITypeSource Types { get; init; } = NoTypes.Instance;
}
