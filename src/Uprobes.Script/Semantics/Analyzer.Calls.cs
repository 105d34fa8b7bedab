using Uprobes.Script.Diagnostics;
using Uprobes.Script.Output;
using Uprobes.Script.Probes;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>Calls: which function, how many arguments, of which kinds.</summary>
internal sealed partial class Analyzer
{
    private TypedExpression CheckCall(CallSyntax call)
    {
        string name = call.Name.Text;
        if (_macros.TryGetValue(name, out MacroSyntax? macro))
            return UseMacro(macro, call.Arguments, call.Span);
        if (FunctionTable.FindAggregate(name) is not null)
            return Wrong(DiagnosticId.Misplaced, call.Span, $"{name}() gathers in a map: it is assigned to one", $"for example `@ = {Source(call)};`");
        if (FunctionTable.Find(name) is { } function)
            return CheckFunction(function, call);
        if (BuiltinTable.Find(name) is { } builtin)
            return CheckBuiltinCall(builtin, call);
        if (FunctionTable.IsKernelOnly(name) || BuiltinTable.IsKernelOnly(name))
            return Wrong(DiagnosticId.KernelOnly, call.Name.Span, $"{name}() is only offered by the kernel", name == "kstack" ? "ustack() is the stack of the program" : null);
        if (name is "typeinfo")
            return Wrong(DiagnosticId.Unsupported, call.Name.Span, $"{name}() is not supported");

        // A call's arguments may have errors of their own.
        foreach (ExpressionSyntax argument in call.Arguments)
            Check(argument);
        return Wrong(DiagnosticId.UnknownName, call.Name.Span, $"there is no function `{name}`", Suggestion.Sentence(name, FunctionTable.Names.Concat(_macros.Keys).Concat(Keywords.OfStatements.Take(4)).Append("sizeof").Append("offsetof")));
    }

    /// <summary><c>pid()</c>, <c>nsecs(tai)</c> and their like.</summary>
    private TypedExpression CheckBuiltinCall(BuiltinDescription builtin, CallSyntax call)
    {
        string[] choices = builtin.Builtin switch
        {
            ScriptBuiltin.Clock => ["boot", "monotonic", "tai", "sw_tai"],
            ScriptBuiltin.ProcessId or ScriptBuiltin.ThreadId => ["curr_ns", "init"],
            _ => [],
        };
        if (!CheckCount(call, 0, choices.Length > 0 ? 1 : 0))
            return new ErrorExpression(call.Span);
        int parameter = 0;
        if (call.Arguments.Count == 1)
        {
            string? choice = (call.Arguments[0] as NamedExpressionSyntax)?.Name;
            parameter = Array.IndexOf(choices, choice);
            if (parameter < 0)
                return Wrong(DiagnosticId.Arguments, call.Arguments[0].Span, $"the argument of {builtin.Name}() is {string.Join(" or ", choices)}", choice is null ? null : Suggestion.Sentence(choice, choices));
        }

        return CheckBuiltin(builtin, call.Span, parameter);
    }

    /// <summary>Whether a call has as many arguments as it may; if not, that is told.</summary>
    private bool CheckCount(CallSyntax call, int least, int most)
    {
        int count = call.Arguments.Count;
        if (count >= least && count <= most)
            return true;
        string wanted = least == most ? Count(least, "argument") : most == int.MaxValue ? $"at least {Count(least, "argument")}" : $"{least} to {Count(most, "argument")}";
        Error(DiagnosticId.Arguments, call.Span, $"{call.Name.Text}() takes {(most == 0 ? "no arguments" : wanted)}, and is given {count}");
        return false;
    }

    private void RequireUnsafe(SourceSpan span, string what)
    {
        if (!_options.AllowsUnsafe)
            Error(DiagnosticId.Unsafe, span, $"{what} is an unsafe action", "--unsafe allows it");
    }

    private TypedExpression CheckFunction(FunctionDescription function, CallSyntax call)
    {
        if (function.IsUnsafe)
            RequireUnsafe(call.Span, $"{function.Name}()");
        if (function.NeedsTarget && _places.FirstOrDefault(place => !place.IsInTarget) is { } place)
            return Wrong(DiagnosticId.Misplaced, call.Span, $"{function.Name}() works only in probes of programs, not in {Describe(place)}");
        if (!CheckCount(call, function.Required, function.HasFormat ? int.MaxValue : function.Parameters.Length))
            return new ErrorExpression(call.Span);

        List<TypedExpression> arguments = [];
        for (int i = 0; i < call.Arguments.Count; i++)
        {
            ParameterKind kind = i < function.Parameters.Length ? function.Parameters[i] : ParameterKind.Value;
            // What is special is looked at by the function itself.
            arguments.Add(kind == ParameterKind.Special ? new ErrorExpression(call.Arguments[i].Span) : CheckArgumentOf(function, call.Arguments[i], kind, i + 1));
        }

        if (function.HasFormat && arguments[0] is TextConstantExpression format)
            CheckFormat(format, arguments, call);
        return Finish(function, call, arguments);
    }

    private static string Describe(AttachPoint place) => place switch
    {
        RunProbe { IsEnd: false } => "`begin`",
        RunProbe => "`end`",
        _ => $"{place.TypeName} probes",
    };

    private TypedExpression CheckArgumentOf(FunctionDescription function, ExpressionSyntax syntax, ParameterKind kind, int number)
    {
        if (kind == ParameterKind.Map)
        {
            if (syntax is not MapSyntax { Keys: null } map)
                return Wrong(DiagnosticId.Arguments, syntax.Span, $"argument {number} of {function.Name}() is a map without keys, such as `@name`");
            return FindMap(map) is { } symbol ? new MapReferenceExpression(symbol, syntax.Span) : new ErrorExpression(syntax.Span);
        }

        TypedExpression value = Value(syntax);
        if (value.Type is UnknownType)
            return value;
        bool fits = kind switch
        {
            ParameterKind.Number => value.Type.IsNumber,
            ParameterKind.Scalar => value.Type.IsScalar,
            ParameterKind.Address => value.Type.IsScalar || AddressOf(value) is not null || value.Type is ArrayType,
            ParameterKind.Text => value.Type is TextType,
            ParameterKind.ConstantText => value is TextConstantExpression,
            ParameterKind.ConstantNumber => value is ConstantExpression { Type: IntegerType or EnumType } constant && (constant.Value >= 0 || !constant.Type.IsSignedNumber),
            _ => true,
        };
        if (fits)
            return kind == ParameterKind.Address ? AddressOf(value) ?? value : value;
        string wanted = kind switch
        {
            ParameterKind.Number => "a number",
            ParameterKind.Scalar => "a number or a pointer",
            ParameterKind.Address => "a pointer",
            ParameterKind.Text => "a text",
            ParameterKind.ConstantText => "a text that is written out",
            _ => "a number that is written out, and not negative",
        };
        string? hint = kind == ParameterKind.Text && value.Type.IsScalar ? "str(pointer) reads the text that a pointer points to" : null;
        return Wrong(DiagnosticId.Arguments, syntax.Span, $"argument {number} of {function.Name}() is {wanted}, not {Describe(value)}", hint);
    }

    private static string Describe(TypedExpression value) => value is ConstantExpression { Type: IntegerType } constant
        ? constant.Value.ToString(System.Globalization.CultureInfo.InvariantCulture) : value.Type.ToString();

    private const string KnownConversions = "%d %i %u %o %x %X %c %p %s %r %rx and %rh";

    private void CheckFormat(TextConstantExpression format, List<TypedExpression> arguments, CallSyntax call)
    {
        PrintfFormat parsed = PrintfFormat.Parse(format.Bytes.Span);
        IReadOnlyList<PrintfSpecifier> specifiers = parsed.Specifiers;
        foreach (PrintfSpecifier specifier in specifiers)
        {
            if (specifier.Action == PrintfAction.Unsupported)
            {
                Error(DiagnosticId.Arguments, format.Span, $"unsupported format specifier: {specifier.Conversion}", $"known are {KnownConversions}");
                return;
            }

            if (Math.Max(specifier.Width, specifier.Precision) > PrintfSpecifier.MaxWidth)
                Error(DiagnosticId.Limit, format.Span, $"a field of the format is wider than {PrintfSpecifier.MaxWidth} bytes");
        }

        if (specifiers.Count != arguments.Count - 1)
        {
            Error(DiagnosticId.Arguments, call.Span, $"the format of {call.Name.Text}() has {Count(specifiers.Count, "conversion")}, and {Count(arguments.Count - 1, "value")} for {(specifiers.Count == 1 ? "it" : "them")}",
                parsed.Stray is { } stray ? $"`{stray.Trim()}` is no conversion: known are {KnownConversions}, and %% is a percent sign" : null);
            return;
        }

        for (int i = 0; i < specifiers.Count; i++)
        {
            TypedExpression value = arguments[i + 1];
            (bool fits, string wanted) = specifiers[i].Action switch
            {
                PrintfAction.Text => (value.Type is not (VoidType or OpaqueType), "something that can be printed as a text"),
                PrintfAction.Characters or PrintfAction.Escapes or PrintfAction.Pairs => (value.Type is BufferType, "what buf() gives"),
                _ => (value.Type.IsScalar, "a number or a pointer"),
            };
            if (!fits && value.Type is not UnknownType)
                Error(DiagnosticId.Arguments, value.Span, $"`%{specifiers[i].Conversion}` is for {wanted}, not for {value.Type}", value.Type is TextType ? "`%s` is for texts" : null);
        }
    }
}
