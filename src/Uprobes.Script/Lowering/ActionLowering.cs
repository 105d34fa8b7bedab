using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Lowering;

/// <summary>Makes a program of one action.</summary>
/// <param name="maps">Where the script's maps are.</param>
/// <param name="script">Sizes of structs and arrays, and options.</param>
/// <param name="isReturn">Whether the action runs when a function returns.</param>
/// <param name="startNanoseconds">When the run began, of CLOCK_MONOTONIC.</param>
/// <param name="events">Gets what is left to the reader.</param>
/// <param name="definitions">Gets the same for the group.</param>
/// <param name="loops">Gets the loops whose rounds are counted. Behind the script's maps, the group has one for each of them: how often its rounds were used up.</param>
internal sealed partial class ActionLowering(MapPlan maps, TypedScript script, bool isReturn, long startNanoseconds, List<LoweredEvent> events, List<EventDefinition> definitions, List<SourceSpan> loops)
{
    private readonly List<DataType> _locals = [];
    private readonly Dictionary<VariableSymbol, int> _variables = [];

    /// <summary>Variables and maps that are changed within expressions.</summary>
    private IReadOnlySet<object> _changedWithin = new HashSet<object>();

    /// <summary>How many conditions and loops are around what is lowered.</summary>
    private int _nesting;

    /// <summary>Where statements go.</summary>
    private List<Statement> _statements = [];

    internal ProbePrograms Lower(TypedProbe probe)
    {
        _changedWithin = ChangesWithin.Of(probe);
        _chosen = ChosenTexts.Of(probe);
        Expression? condition = probe.Predicate is { } predicate ? Condition(predicate) : null;
        List<Statement> before = _statements;
        _statements = [];
        LowerStatement(probe.Body);
        ProbeProgram action = new([.. before, .. condition is null ? _statements : [new If(condition, _statements, [])]], _locals);
        if (_slots.Count > 0)
            action = new ExpressionSubstitution(Resolve).In(action);
        return isReturn ? new ProbePrograms(new ProbeProgram([new FollowCall([])], []), action) : new ProbePrograms(action, null);
    }

    /// <summary>Whether it has <see cref="PlaceValue"/>.</summary>
    internal bool UsesPlace { get; private set; }

    /// <summary>What is known only where the program is put.</summary>
    private T OfPlace<T>(T value)
        where T : PlaceValue
    {
        UsesPlace = true;
        return value;
    }

    private int NewLocal(DataType type)
    {
        _locals.Add(type);
        return _locals.Count - 1;
    }

    /// <summary>Has statements go elsewhere, and gives them.</summary>
    private List<Statement> Within(Action lower)
    {
        List<Statement> outer = _statements;
        _statements = [];
        _nesting++;
        lower();
        _nesting--;
        (List<Statement> inner, _statements) = (_statements, outer);
        return inner;
    }

    private static LoweringException Refuse(TypedExpression expression, string what) => new(expression.Span, what);
}
