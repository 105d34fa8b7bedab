using System.Text;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Probes;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>What the probed functions take and return, as their debug information says.</summary>
internal sealed partial class Analyzer
{
    private const int WordBytes = 8;

    /// <summary>The parameters that the functions of all places have; null where nothing is known of one, which is told.</summary>
    private List<FunctionParameter>? Parameters(SourceSpan span)
    {
        List<FunctionParameter>? common = null;
        foreach (AttachPoint place in _places)
        {
            if (_catalog.Source.FindParameters(place) is not { } own)
            {
                TypeObstacle obstacle = _catalog.Source.Explain(place);
                Error(DiagnosticId.UnknownName, span, $"nothing is known of the function's parameters: {obstacle.Reason}", obstacle.Hint);
                return null;
            }

            common = common is null ? [.. own] : [.. common.Where(own.Contains)];
        }

        return common;
    }

    private TypedExpression CheckParameter(NameSyntax name, SourceSpan span)
    {
        if (RequireFunctionEntry(span) is { } wrong)
            return wrong;
        if (_places.Count == 0 || Parameters(span) is not { } parameters)
            return new ErrorExpression(span); // the probe is wrong, or nothing is known, which was told
        if (parameters.FirstOrDefault(parameter => parameter.Name == name.Text) is { } found)
            return ParameterValue(found, span);
        string? others = parameters.Count == 0 ? null : $"parameters are {string.Join(", ", parameters.Select(parameter => parameter.Name))}";
        bool areSeveral = _places.Count > 1 || _places is [UserProbe { Target: FunctionTarget { IsPattern: true } }];
        return Wrong(DiagnosticId.UnknownName, name.Span,
            areSeveral ? $"not all of the functions have a parameter `{name.Text}` of the same type and in the same place" : $"the function has no parameter `{name.Text}`",
            Suggestion.Sentence(name.Text, parameters.Select(parameter => parameter.Name)) ?? others ?? (areSeveral ? null : "it has none"));
    }

    /// <summary>Of a Boolean only the lowest byte is defined in a register (System V ABI, 3.2.3), and conversion to one looks at all bits.</summary>
    private static TypedExpression FromRegister(TypedExpression register, ScriptType type) => Convert(type is BooleanType ? Convert(register, ScriptType.U8) : register, type);

    private TypedExpression ParameterValue(FunctionParameter parameter, SourceSpan span)
    {
        if (parameter is { Reason: null, Type: not OpaqueType })
        {
            if (parameter.StackWord is { } word)
                return ReadMemory(Add(new CallExpression(ScriptFunction.Reg, [new TextConstantExpression(Encoding.ASCII.GetBytes("sp"), span)], ScriptType.U64, span), (word + 1) * WordBytes, span), parameter.Type, span);
            if (parameter is { ArgumentIndex: { } address, IsAddress: true })
                return ReadMemory(new ArgumentExpression(address, span), parameter.Type, span);
            if (parameter.ArgumentIndex is { } index && parameter.Type.IsScalar)
                return FromRegister(new ArgumentExpression(index, span), parameter.Type);
        }

        return Wrong(DiagnosticId.Unsupported, span, $"the parameter `{parameter.Name}` of type {parameter.Type} cannot be read{(parameter.Reason is { } reason ? $": it {reason}" : "")}");
    }

    private ErrorExpression? RequireFunctionEntry(SourceSpan span)
    {
        if (_places.FirstOrDefault(place => place is not UserProbe { IsReturn: false }) is { } other)
            return Wrong(DiagnosticId.Misplaced, span, $"`args` has a value only in uprobes, not in {other.TypeName} probes", other is StaticProbe ? "arg0, arg1 and so on are the probe's arguments" : null);
        return _places.Any(place => place is UserProbe { Target: FunctionTarget { Offset: > 0 } or LineTarget })
            ? Wrong(DiagnosticId.Misplaced, span, "`args` has a value only where a function is entered: further on, its registers may hold something else", "keep it in a map at the entry: `@a[tid] = args.name`")
            : null;
    }

    /// <summary><c>args</c> alone: a record of all that can be read.</summary>
    private TypedExpression CheckAllParameters(SourceSpan span)
    {
        if (RequireFunctionEntry(span) is { } wrong)
            return wrong;
        if (_places.Count == 0 || Parameters(span) is not { } parameters)
            return new ErrorExpression(span);
        FunctionParameter[] readable = [.. parameters.Where(parameter => parameter is { ArgumentIndex: not null, IsAddress: false, Reason: null } && parameter.Type.IsScalar)];
        TypedExpression[] values = [.. readable.Select(parameter => ParameterValue(parameter, span))];
        return new TupleExpression(values, new RecordType(new NameList([.. readable.Select(parameter => parameter.Name)]), new TypeList([.. values.Select(value => value.Type)])), span);
    }

    /// <summary>What the functions of all places return; null where it is not known, or not the same.</summary>
    private FunctionResult? FindResult()
    {
        FunctionResult? common = null;
        foreach (AttachPoint place in _places)
        {
            if (_catalog.Source.FindResult(place) is not { } own || (common is not null && common != own))
                return null;
            common = own;
        }

        return common;
    }

    private TypedExpression ResultValue(BuiltinExpression register, FunctionResult result) => result switch
    {
        { Reason: { } reason } => Wrong(DiagnosticId.Unsupported, register.Span, $"what the function returns, {result.Type}, cannot be read: it {reason}"),
        { IsAddress: true } => ReadMemory(register, result.Type, register.Span),
        // An address that nothing is known of is as good as a number.
        { Type: PointerType { Target: VoidType } } => register,
        { Type.IsScalar: true } => FromRegister(register, result.Type),
        _ => register,
    };
}
