using System.Globalization;
using System.Text;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Probes;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>Names: variables, builtins, arguments, constants and positional parameters.</summary>
internal sealed partial class Analyzer
{
    private IReadOnlyList<AttachPoint> _places = [];
    private Scope _scope = new(null);
    private readonly Stack<string> _activeDefines = new();

    /// <summary>Variables that a probe uses outside of the blocks that assign them, each with its first such use.</summary>
    private readonly Dictionary<(int Probe, string Name), VariableSyntax> _wide = [];

    /// <summary>Which probe is checked, and the first of its variables.</summary>
    private int _probe, _firstOfProbe;

    private VariableSymbol? FindVariable(string name) =>
        _macro is not null && _macro.Variables.TryGetValue(name, out VariableSymbol? given) ? given : _scope.Find(name);

    private TypedExpression CheckVariable(VariableSyntax syntax)
    {
        if (FindVariable(syntax.Name) is { } variable)
            return new VariableExpression(variable, syntax.Span);

        bool wasAssigned = _variables.Take(_nextVariable).Skip(_firstOfProbe).Any(other => other.Name == syntax.Name && other.Declared.Start < syntax.Span.Start);
        if (wasAssigned && _macro is null)
        {
            _hasChanged = true;
            _wide.TryAdd((_probe, syntax.Name), syntax);
            return new ErrorExpression(syntax.Span); // the next round knows it
        }

        return Wrong(DiagnosticId.UnknownName, syntax.Span, $"nothing was assigned to `${syntax.Name}`", Suggestion.For(syntax.Name, _scope.Names()) is { } near ? $"did you mean `${near}`?" : null);
    }

    /// <summary>
    /// Declares what the probe uses outside of the blocks that assign it: up to version 0.21 a variable was the whole probe's, and many
    /// scripts are from that time.
    /// </summary>
    private List<TypedStatement> DeclareWideVariables()
    {
        List<TypedStatement> declarations = [];
        foreach (((_, string name), VariableSyntax use) in _wide.Where(one => one.Key.Probe == _probe))
        {
            VariableSymbol variable = NewVariable(use);
            _scope.Add(variable);
            declarations.Add(new AssignVariable(variable, null, use.Span));
            _diagnostics.Warning(DiagnosticId.Suspicious, use.Span, $"`${name}` is used outside of the block that assigns it, which only old versions of bpftrace allow", $"`let ${name};` before the block makes it known behind it");
        }

        return declarations;
    }

    private TypedExpression CheckName(NamedExpressionSyntax syntax)
    {
        string name = syntax.Name;
        if (_macro is not null && _macro.Expressions.TryGetValue(name, out MacroArgument? argument))
            return CheckArgument(argument);
        if (BuiltinTable.Find(name) is { } builtin)
            return CheckBuiltin(builtin, syntax.Span);
        if (name == "args")
            return CheckAllParameters(syntax.Span);
        if (ArgumentIndex(name, "arg") is { } index)
            return RequireEntry(name, syntax.Span) is { } misplaced ? misplaced : new ArgumentExpression(index, syntax.Span);
        if (ArgumentIndex(name, "sarg") is { } stackIndex)
            return RequireEntry(name, syntax.Span) is { } misplacedToo ? misplacedToo : new StackArgumentExpression(stackIndex, syntax.Span);
        if (_macros.TryGetValue(name, out MacroSyntax? macro))
            return UseMacro(macro, [], syntax.Span);
        if (_defines.TryGetValue(name, out DefineSyntax? define))
            return CheckDefine(define, syntax.Span);
        if (_catalog.FindConstant(name) is { } constant)
            return new ConstantExpression(constant.Value, constant.Type, syntax.Span);
        if (BuiltinTable.IsKernelOnly(name))
            return Wrong(DiagnosticId.KernelOnly, syntax.Span, $"`{name}` is only known to the kernel", name is "kstack" or "stack" ? "ustack is the stack of the program" : null);
        if (FunctionTable.Find(name) is { Required: 0 } function)
            return CheckFunction(function, new CallSyntax(new NameSyntax(name, syntax.Span), [], syntax.Span));
        if (FunctionTable.Find(name) is not null || FunctionTable.FindAggregate(name) is not null)
            return Wrong(DiagnosticId.Arguments, syntax.Span, $"`{name}` is a function: its arguments are missing", $"write {name}(…)");
        return Wrong(DiagnosticId.UnknownName, syntax.Span, $"`{name}` is not known", NameSuggestion(name));
    }

    private string? NameSuggestion(string name)
    {
        IEnumerable<string> known = BuiltinTable.Names.Concat(_defines.Keys).Concat(_catalog.ConstantNames).Concat(_macros.Keys);
        if (_scope.Find(name) is not null)
            return $"did you mean `${name}`?";
        if (_maps.TryGetValue(name, out MapSymbol? map))
            return $"did you mean `{map}`?";
        return Suggestion.Sentence(name, known);
    }

    private static int? ArgumentIndex(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) && name.Length > prefix.Length && (name[prefix.Length] != '0' || name.Length == prefix.Length + 1)
        && int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < 128 ? index : null;

    private TypedExpression CheckDefine(DefineSyntax define, SourceSpan span)
    {
        if (define.Value is not { } value)
            return Wrong(DiagnosticId.UnknownName, span, $"`{define.Name.Text}` is defined without a value", null, new RelatedPlace(define.Span, "here"));
        if (_activeDefines.Contains(define.Name.Text) || _activeDefines.Count > 50)
            return Wrong(DiagnosticId.Limit, span, $"`{define.Name.Text}` is defined by itself");
        _activeDefines.Push(define.Name.Text);
        TypedExpression expression = Check(value) with { Span = span };
        _activeDefines.Pop();
        return expression;
    }

    private TypedExpression CheckBuiltin(BuiltinDescription builtin, SourceSpan span, int parameter = 0)
    {
        string? wanted = builtin.Place switch
        {
            BuiltinPlace.Target when _places.Any(place => !place.IsInTarget) => "in probes of programs",
            BuiltinPlace.Return when _places.Any(place => place is not UserProbe { IsReturn: true }) => "in uretprobes",
            BuiltinPlace.Function when _places.Any(place => place is not UserProbe) => "in uprobes and uretprobes",
            _ => null,
        };
        if (wanted is not null)
            return Wrong(DiagnosticId.Misplaced, span, $"`{builtin.Name}` has a value only {wanted}");
        if (builtin.Builtin == ScriptBuiltin.ReturnValue && FindResult() is { } result)
            return ResultValue(new BuiltinExpression(builtin.Builtin, parameter, builtin.Type, span), result);
        ScriptType type = builtin.Builtin == ScriptBuiltin.Stack ? new StackType(_config.StackMode, StackType.DefaultLimit) : builtin.Type;
        return new BuiltinExpression(builtin.Builtin, parameter, type, span);
    }

    /// <summary>Arguments are there at the entry of a function and at static probes.</summary>
    private ErrorExpression? RequireEntry(string name, SourceSpan span)
    {
        AttachPoint? other = _places.FirstOrDefault(place => place is not (UserProbe { IsReturn: false } or StaticProbe));
        if (other is null)
            return null;
        string? hint = other is UserProbe ? "keep it in a map at the entry: `@a[tid] = arg0`" : null;
        return Wrong(DiagnosticId.Misplaced, span, $"`{name}` has a value only in uprobes and usdt probes, not in {other.TypeName} probes", hint);
    }

    /// <summary><c>$1</c>: a number if it is written as one, otherwise a text; 0 if there is none.</summary>
    private TypedExpression CheckPositional(PositionalSyntax syntax)
    {
        if (syntax.Number > _options.Positional.Count)
            return new ConstantExpression(0, ScriptType.U8, syntax.Span);
        return Literal(_options.Positional[syntax.Number - 1], syntax.Span);
    }

    private static TypedExpression Literal(string text, SourceSpan span)
    {
        bool isNegative = text.StartsWith('-');
        ReadOnlySpan<char> digits = text.AsSpan(isNegative ? 1 : 0);
        bool isHexadecimal = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        if (!ulong.TryParse(isHexadecimal ? digits[2..] : digits, isHexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
            || isNegative && number > 1UL << 63)
        {
            return new TextConstantExpression(Encoding.UTF8.GetBytes(text), span);
        }

        long value = isNegative ? unchecked(-(long)number) : (long)number;
        return new ConstantExpression(value, TypePromotion.Smallest(value, isUnsigned: !isNegative), span);
    }

    /// <summary>The text of <c>$1</c>, whatever it looks like; empty if there is none.</summary>
    private TextConstantExpression PositionalText(PositionalSyntax syntax, int skipped, SourceSpan span)
    {
        byte[] bytes = syntax.Number <= _options.Positional.Count ? Encoding.UTF8.GetBytes(_options.Positional[syntax.Number - 1]) : [];
        if (skipped > bytes.Length)
            Error(DiagnosticId.Arguments, span, $"`${syntax.Number}` has only {bytes.Length} bytes");
        return new TextConstantExpression(bytes.AsMemory(Math.Min(skipped, bytes.Length)), span);
    }
}
