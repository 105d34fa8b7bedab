using Uprobes.Script.Diagnostics;
using Uprobes.Script.Output;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>Types as written become types.</summary>
internal sealed partial class Analyzer
{
    /// <summary>Names of one word that the language has.</summary>
    private static readonly Dictionary<string, ScriptType> BaseTypes = new(StringComparer.Ordinal)
    {
        ["void"] = ScriptType.Void, ["bool"] = ScriptType.Boolean, ["_Bool"] = ScriptType.Boolean,
        ["size_t"] = ScriptType.U64, ["ssize_t"] = ScriptType.I64, ["uintptr_t"] = ScriptType.U64, ["intptr_t"] = ScriptType.I64, ["ptrdiff_t"] = ScriptType.I64,
        ["off_t"] = ScriptType.I64, ["time_t"] = ScriptType.I64, ["pid_t"] = new IntegerType(32, true), ["uid_t"] = ScriptType.U32, ["gid_t"] = ScriptType.U32,
        ["mode_t"] = ScriptType.U32, ["socklen_t"] = ScriptType.U32, ["sa_family_t"] = ScriptType.U16, ["in_port_t"] = ScriptType.U16, ["in_addr_t"] = ScriptType.U32,
        ["usym_t"] = new SymbolType(), ["ustack_t"] = new StackType(StackMode.Bpftrace, StackType.DefaultLimit), ["timestamp"] = new TimestampType(), ["macaddr_t"] = new MacAddressType(),
        ["string"] = new TextType(0), ["buffer"] = new BufferType(0), ["inet"] = new InternetAddressType(),
        ["float"] = new OpaqueType("float", 4), ["double"] = new OpaqueType("double", 8),
    };

    /// <summary>What a type as written means; unknown where it is wrong, which is told.</summary>
    internal ScriptType Resolve(TypeSyntax syntax)
    {
        switch (syntax)
        {
            case PointerTypeSyntax pointer:
                return ResolveTarget(pointer.Target) is { } target and not UnknownType ? new PointerType(target) : ScriptType.Unknown;
            case ArrayTypeSyntax array:
                return ResolveArray(array);
            case TypeofSyntax of:
                return of.Expression is NamedExpressionSyntax name && TypeNamed(name.Name) is { } named ? named : Check(of.Expression).Type;
            case NamedTypeSyntax written:
                return ResolveNamed(written);
            default:
                return ScriptType.Unknown;
        }
    }

    /// <summary>What a pointer points to: the fields of a struct need not be known for that.</summary>
    private ScriptType ResolveTarget(TypeSyntax target) =>
        target is NamedTypeSyntax { Keyword: TypeKeyword.Struct or TypeKeyword.Union, Name.Length: > 0 } named
            ? _catalog.FindStruct(named.Name)?.Type is { } known && known.IsUnion == (named.Keyword == TypeKeyword.Union) ? known : new StructType(named.Name, named.Keyword == TypeKeyword.Union)
            : Resolve(target);

    private ScriptType ResolveArray(ArrayTypeSyntax array)
    {
        ScriptType element = Resolve(array.Element);
        int count = 0;
        if (array.Count is { } size)
        {
            if (Check(size) is ConstantExpression { Value: >= 0 and <= 1 << 20 } constant)
                count = (int)constant.Value;
            else
                Error(DiagnosticId.Type, size.Span, $"the number of elements is a constant from 0 to {1 << 20}");
        }

        return element switch
        {
            UnknownType => element,
            TextType => new TextType(count),
            BufferType => new BufferType(count),
            InternetAddressType => element,
            VoidType => Failed(array.Span, "there is no array of void"),
            _ => new ArrayType(element, count),
        };
    }

    private UnknownType Failed(SourceSpan span, string message, string? hint = null)
    {
        Error(DiagnosticId.Type, span, message, hint);
        return ScriptType.Unknown;
    }

    private ScriptType ResolveNamed(NamedTypeSyntax named)
    {
        if (named.Name.Length == 0)
            return named.Keyword == TypeKeyword.Enum ? new IntegerType(32, false) : ScriptType.Unknown;
        switch (named.Keyword)
        {
            case TypeKeyword.Struct or TypeKeyword.Union:
                bool isUnion = named.Keyword == TypeKeyword.Union;
                if (_catalog.FindStruct(named.Name) is { } layout)
                    return layout.Type.IsUnion == isUnion ? layout.Type : Failed(named.Span, $"`{named.Name}` is a {(isUnion ? "struct" : "union")}");
                return Failed(named.Span, $"nothing is known of `{(isUnion ? "union" : "struct")} {named.Name}`", Suggestion.Sentence(named.Name, _catalog.StructNames) ?? "define it in the script, or have the probed program bring debug information");
            case TypeKeyword.Enum:
                return _catalog.FindEnum(named.Name) ?? _catalog.FindTypedef(named.Name) ?? Failed(named.Span, $"nothing is known of `enum {named.Name}`");
        }

        return TypeNamed(named.Name) ?? Failed(named.Span, $"`{named.Name}` is no type", Suggestion.Sentence(named.Name, BaseTypes.Keys.Concat(["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "char", "int", "long"]).Concat(_catalog.StructNames)));
    }

    /// <summary>The type of a name without a keyword; null where it has none.</summary>
    private ScriptType? TypeNamed(string name) =>
        BaseTypes.GetValueOrDefault(name) ?? FixedWidth(name) ?? CInteger(name) ?? AggregateNamed(name) ?? _catalog.FindTypedef(name) ?? _catalog.FindStruct(name)?.Type;

    /// <summary><c>uint64</c>, <c>uint64_t</c>, <c>__u64</c>, <c>u64</c> and their like.</summary>
    private static IntegerType? FixedWidth(string name)
    {
        string plain = name.EndsWith("_t", StringComparison.Ordinal) ? name[..^2] : name.StartsWith("__", StringComparison.Ordinal) ? name[2..] : name;
        (bool isSigned, string bits) = plain switch
        {
            ['u', 'i', 'n', 't', .. var rest] => (false, rest),
            ['i', 'n', 't', .. var rest] => (true, rest),
            ['u', .. var rest] => (false, rest),
            ['s', .. var rest] => (true, rest),
            _ => (false, ""),
        };
        return bits switch
        {
            "8" => new IntegerType(8, isSigned),
            "16" => new IntegerType(16, isSigned),
            "32" => new IntegerType(32, isSigned),
            "64" => new IntegerType(64, isSigned),
            _ => null,
        };
    }

    /// <summary><c>unsigned long</c> and its like, on x86-64.</summary>
    private static ScriptType? CInteger(string name)
    {
        bool isUnsigned = false, isKnown = true;
        int longs = 0, bits = 32;
        foreach (string word in name.Split(' '))
        {
            switch (word)
            {
                case "unsigned":
                    isUnsigned = true;
                    break;
                case "signed" or "int":
                    break;
                case "long":
                    longs++;
                    break;
                case "short":
                    bits = 16;
                    break;
                case "char":
                    bits = 8;
                    break;
                case "double" when longs > 0:
                    return new OpaqueType("long double", 16);
                default:
                    isKnown = false;
                    break;
            }
        }

        return !isKnown ? null : new IntegerType(longs > 0 ? 64 : bits, !isUnsigned);
    }

    private static AggregateType? AggregateNamed(string name)
    {
        if (!name.EndsWith("_t", StringComparison.Ordinal))
            return null;
        string plain = name[..^2];
        return FunctionTable.FindAggregate(plain) is { } signed ? new AggregateType(signed, true)
            : plain.StartsWith('u') && FunctionTable.FindAggregate(plain[1..]) is { } unsigned ? new AggregateType(unsigned, false)
            : null;
    }
}
