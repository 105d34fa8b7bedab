using Uprobes.Script.Diagnostics;
using Uprobes.Script.Probes;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>
/// Checks a script and gives every expression a type. The types of variables and maps follow from what is assigned to them
/// anywhere in the script, so the script is gone through again until no type changes; what the last round says is said.
/// Every type only grows, and rounds are counted, so that it ends.
/// </summary>
internal sealed partial class Analyzer
{
    /// <summary>More would mean that types grow without end; two or three are usual.</summary>
    private const int MostRounds = 32;

    private readonly ScriptSyntax _script;
    private readonly AnalysisOptions _options;
    private readonly TypeCatalog _catalog;
    private readonly Dictionary<string, MapSymbol> _maps = new(StringComparer.Ordinal);
    private readonly List<MapSymbol> _mapsInOrder = [];
    private readonly List<VariableSymbol> _variables = [];
    private readonly Dictionary<string, MacroSyntax> _macros = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DefineSyntax> _defines = new(StringComparer.Ordinal);

    private ScriptConfig _config = new();
    private DiagnosticBag _diagnostics;

    /// <summary>How many variables of this round have been seen: the same one in every round has the same number.</summary>
    private int _nextVariable;

    /// <summary>Whether a type has changed in this round.</summary>
    private bool _hasChanged;

    private Analyzer(ScriptSyntax script, AnalysisOptions options, DiagnosticBag diagnostics)
    {
        _script = script;
        _options = options;
        _diagnostics = diagnostics;
        _catalog = new TypeCatalog(options.Types);
    }

    /// <summary>Checks a script.</summary>
    /// <param name="script">What the parser has read.</param>
    /// <param name="options">With what.</param>
    /// <param name="diagnostics">Gets what is to be said.</param>
    /// <returns>Null where the script has an error, of its syntax or otherwise.</returns>
    internal static TypedScript? Analyze(ScriptSyntax script, AnalysisOptions options, DiagnosticBag diagnostics) =>
        new Analyzer(script, options, diagnostics).Run(diagnostics);

    private TypedScript? Run(DiagnosticBag all)
    {
        ReadConfig();
        List<IReadOnlyList<AttachPoint>> places = ReadAttachPoints();
        _catalog.Source.Announce(places.SelectMany(some => some));
        new DefinitionBinder(_catalog, this).Bind(_script.Definitions);
        DeclareNames();
        if (_script.Probes.Count == 0 && !all.HasErrors)
            all.Error(DiagnosticId.Syntax, _script.Span with { Length = 0 }, "the script has no probe", "a probe is written so: uprobe:/path/to/program:function { … }");

        List<TypedProbe> probes = [];
        for (int round = 0; round < MostRounds; round++)
        {
            _diagnostics = [];
            _hasChanged = false;
            _nextVariable = 0;
            _expansions = 0;
            probes.Clear();
            int wide = _wide.Count;
            for (_probe = 0; _probe < _script.Probes.Count; _probe++)
                probes.Add(CheckProbe(_script.Probes[_probe], places[_probe]));
            if (!_hasChanged)
                break;
            if (_wide.Count > wide)
                _variables.Clear(); // those that are declared now come before others, whose numbers change
        }

        all.AddRange(_diagnostics);
        return all.HasErrors ? null : new TypedScript(_config, _mapsInOrder, probes, _catalog);
    }

    private void Error(DiagnosticId id, SourceSpan span, string message, string? hint = null, params RelatedPlace[] related) =>
        _diagnostics.Error(id, span, message, hint, related);

    /// <summary>Tells an error and stands in for the expression.</summary>
    private ErrorExpression Wrong(DiagnosticId id, SourceSpan span, string message, string? hint = null, params RelatedPlace[] related)
    {
        Error(id, span, message, hint, related);
        return new ErrorExpression(span);
    }

    private void ReadConfig()
    {
        foreach (OptionSyntax option in _script.Options)
        {
            string name = ScriptConfig.Normalize(option.Name.Text);
            string? value = option.Value switch
            {
                IntegerSyntax integer => integer.Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
                BooleanSyntax boolean => boolean.Value ? "true" : "false",
                TextSyntax text => text.Value,
                NamedExpressionSyntax word => word.Name,
                _ => null,
            };
            if (value is null)
                Error(DiagnosticId.Option, option.Value.Span, $"the value of `{option.Name.Text}` is a number, a word or a string");
            else if (_config.With(name, value, out string? expected) is { } changed)
                _config = changed;
            else if (expected is null)
                Error(DiagnosticId.Option, option.Name.Span, $"`{option.Name.Text}` is no option", Suggestion.Sentence(name, ScriptConfig.Names));
            else
                Error(DiagnosticId.Option, option.Value.Span, $"`{option.Name.Text}` is {expected}, not `{value}`");
        }

        foreach ((string variable, string value) in _options.Environment)
        {
            string name = ScriptConfig.Normalize(variable);
            if (_config.With(name, value, out string? expected) is { } changed)
                _config = changed;
            else if (expected is not null)
                Error(DiagnosticId.Option, _script.Span with { Length = 0 }, $"the environment's `{variable}` is {expected}, not `{value}`");
        }
    }

    /// <summary>Macros, constants and declared maps.</summary>
    private void DeclareNames()
    {
        foreach (DefineSyntax define in _script.Definitions.OfType<DefineSyntax>())
            _defines[define.Name.Text] = define;
        foreach (MacroSyntax macro in _script.Macros)
        {
            if (!_macros.TryAdd(macro.Name.Text, macro))
                Error(DiagnosticId.Misplaced, macro.Name.Span, $"the macro `{macro.Name.Text}` is defined twice", null, new RelatedPlace(_macros[macro.Name.Text].Name.Span, "the first time"));
            else if (FunctionTable.Find(macro.Name.Text) is not null || FunctionTable.FindAggregate(macro.Name.Text) is not null || BuiltinTable.Find(macro.Name.Text) is not null)
                Error(DiagnosticId.Misplaced, macro.Name.Span, $"`{macro.Name.Text}` is a name of the language: a macro needs another one");
        }

        foreach (MapDeclarationSyntax declaration in _script.Maps)
        {
            MapSymbol map = Map(declaration.Map.Text, declaration.Map.Span);
            if (map.Entries is not null)
                Error(DiagnosticId.Misplaced, declaration.Map.Span, $"`{map}` is declared twice", null, new RelatedPlace(map.Declared, "the first time"));
            if (declaration.Kind.Text is not ("hash" or "lruhash" or "percpuhash" or "percpulruhash"))
                Error(DiagnosticId.UnknownName, declaration.Kind.Span, $"`{declaration.Kind.Text}` is no kind of map", "kinds are hash, lruhash, percpuhash and percpulruhash");
            if (declaration.Entries is 0 or > int.MaxValue)
                Error(DiagnosticId.Limit, declaration.Span, $"a map has 1 to {int.MaxValue} entries");
            map.Entries = (int)Math.Min(declaration.Entries, int.MaxValue);
            map.EvictsOldest = declaration.Kind.Text.Contains("lru", StringComparison.Ordinal);
        }
    }

    private MapSymbol Map(string name, SourceSpan span)
    {
        if (_maps.TryGetValue(name, out MapSymbol? map))
            return map;
        map = new MapSymbol(name) { Declared = span };
        _maps.Add(name, map);
        _mapsInOrder.Add(map);
        return map;
    }

    private List<IReadOnlyList<AttachPoint>> ReadAttachPoints()
    {
        AttachPointReader reader = new(_diagnostics, _options.Positional);
        List<IReadOnlyList<AttachPoint>> places = [];
        foreach (ProbeSyntax probe in _script.Probes)
            places.Add([.. probe.AttachPoints.Select(reader.Read).OfType<AttachPoint>()]);
        foreach (ExerciseProbe exercise in places.SelectMany(place => place).OfType<ExerciseProbe>())
            _diagnostics.Warning(DiagnosticId.Suspicious, exercise.Span, $"`{exercise.Text}` never runs: tests and benchmarks of scripts are not offered here");
        return places;
    }

    private TypedProbe CheckProbe(ProbeSyntax probe, IReadOnlyList<AttachPoint> places)
    {
        _places = places;
        _catalog.Probe = places.FirstOrDefault(place => place.IsInTarget);
        _scope = new Scope(null);
        _macro = null;
        _firstOfProbe = _nextVariable;
        TypedExpression? predicate = probe.Predicate is { } syntax ? Condition(syntax) : null;
        List<TypedStatement> declarations = DeclareWideVariables();
        BlockStatement body = CheckBody(probe.Body);
        if (declarations.Count > 0)
            body = body with { Statements = [.. declarations, .. body.Statements] };
        return new TypedProbe(places, predicate, body, _variables[_firstOfProbe.._nextVariable], probe.Span);
    }
}
