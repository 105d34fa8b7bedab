using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Output;
using Uprobes.Script.Probes;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>What single functions ask for beyond their parameters, and what they give.</summary>
internal sealed partial class Analyzer
{
    /// <summary>Registers of x86-64 by the kernel's names (struct pt_regs), the full names, and the generic ones.</summary>
    private static readonly string[] Registers =
    [
        "r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx", "si", "di", "ip", "flags", "sp", "pc", "cs", "ss", "orig_ax",
        "rbp", "rbx", "rax", "rcx", "rdx", "rsi", "rdi", "rip", "rflags", "rsp",
    ];

    /// <summary>In the order of their numbers on x86-64, from 1.</summary>
    private static readonly string[] SignalNames =
    [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP",
        "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    private TypedExpression Finish(FunctionDescription function, CallSyntax call, List<TypedExpression> arguments)
    {
        switch (function.Function)
        {
            case ScriptFunction.Print:
                return FinishPrint(call, arguments);
            case ScriptFunction.Delete:
                return FinishDelete(call);
            case ScriptFunction.HasKey or ScriptFunction.Find:
                return FinishLookup(function, call, arguments);
            case ScriptFunction.Len:
                return FinishLen(call);
            case ScriptFunction.Str:
                return FinishStr(call, arguments);
            case ScriptFunction.Buf:
                return FinishBuf(call, arguments);
            case ScriptFunction.Ustack or ScriptFunction.DwarfStack:
                return FinishStack(function, call);
            case ScriptFunction.Signal or ScriptFunction.SignalThread:
                return FinishSignal(function, call);
            case ScriptFunction.Ntop:
                return FinishNtop(call);
            case ScriptFunction.Getopt:
                return FinishGetopt(call, arguments);
        }

        if (arguments.Exists(argument => argument is ErrorExpression))
            return new ErrorExpression(call.Span);
        switch (function.Function)
        {
            case ScriptFunction.Fail or ScriptFunction.StaticAssert:
                return FinishAsked(function, call, arguments);
            case ScriptFunction.Reg when Text(arguments[0]) is var register && !Registers.Contains(register):
                return Wrong(DiagnosticId.Arguments, arguments[0].Span, $"`{register}` is no register", Suggestion.Sentence(register, Registers));
            case ScriptFunction.Pton:
                return FinishPton(call, Text(arguments[0]));
            case ScriptFunction.Uptr:
                return arguments[0];
            case ScriptFunction.IsInteger:
                return Known(call, arguments[0].Type is IntegerType or EnumType);
            case ScriptFunction.IsUnsignedInteger:
                return Known(call, arguments[0].Type is IntegerType { IsSigned: false } or EnumType { IsSigned: false });
            case ScriptFunction.IsString:
                return Known(call, arguments[0].Type is TextType);
            case ScriptFunction.IsPointer:
                return Known(call, arguments[0].Type is PointerType);
            case ScriptFunction.IsArray:
                return Known(call, arguments[0].Type is ArrayType);
            case ScriptFunction.IsLiteral:
                return Known(call, arguments[0] is ConstantExpression or TextConstantExpression);
            case ScriptFunction.Override or ScriptFunction.Usym:
                arguments[0] = Convert(arguments[0], ScriptType.U64);
                break;
            case ScriptFunction.Strftime:
                arguments[1] = Convert(arguments[1], ScriptType.I64);
                break;
            case ScriptFunction.Exit when arguments.Count == 1:
                arguments[0] = Convert(arguments[0], ScriptType.I64);
                break;
        }

        ScriptType type = function.Result ?? function.Function switch
        {
            ScriptFunction.Bswap => new IntegerType(TypePromotion.Integer(arguments[0].Type).Bits, false),
            ScriptFunction.StrConcat => new TextType(Math.Min(_config.MaxStringLength, Capacity(arguments[0]) + Capacity(arguments[1]) - 1)),
            ScriptFunction.Uaddr => SymbolPointer(call, Text(arguments[0])),
            _ => ScriptType.Unknown,
        };
        return type is UnknownType ? new ErrorExpression(call.Span) : new CallExpression(function.Function, arguments, type, call.Span);
    }

    private static string Text(TypedExpression constant) => constant is TextConstantExpression text ? Encoding.UTF8.GetString(text.Bytes.Span) : "";

    private static int Capacity(TypedExpression text) => text.Type is TextType type ? type.Capacity : 0;

    private static ConstantExpression Known(CallSyntax call, bool value) => new(value ? 1 : 0, ScriptType.Boolean, call.Span);

    private TypedExpression FinishPrint(CallSyntax call, List<TypedExpression> arguments)
    {
        ExpressionSyntax first = call.Arguments[0];
        if (first is MapSyntax { Keys: null } map)
        {
            if (FindMap(map) is not { } symbol)
                return new ErrorExpression(call.Span);
            if (symbol.ValueType is UnknownType)
                return Wrong(DiagnosticId.UnknownName, first.Span, $"nothing is ever put into `{symbol}`");
            arguments[0] = new MapReferenceExpression(symbol, first.Span);
        }
        else
        {
            // A value of a map is printed as it is, a histogram as a histogram.
            arguments[0] = Check(first);
            if (arguments[0].Type is VoidType)
                return Wrong(DiagnosticId.Type, first.Span, "this has no value");
            if (call.Arguments.Count > 1)
                return Wrong(DiagnosticId.Arguments, call.Span, "only of a whole map a number of entries can be printed");
        }

        return arguments.Exists(argument => argument is ErrorExpression) ? new ErrorExpression(call.Span) : new CallExpression(ScriptFunction.Print, arguments, ScriptType.Void, call.Span);
    }

    /// <summary><c>delete(@m, key)</c>, <c>delete(@m)</c> of a map without keys, and <c>delete(@m[key])</c> from before.</summary>
    private TypedExpression FinishDelete(CallSyntax call)
    {
        if (call.Arguments[0] is not MapSyntax map || map.Keys is not null && call.Arguments.Count == 2)
            return Wrong(DiagnosticId.Arguments, call.Arguments[0].Span, "argument 1 of delete() is a map without keys, such as `@name`");
        if (FindMap(map) is not { } symbol)
            return new ErrorExpression(call.Span);
        MapReferenceExpression reference = new(symbol, map.NameSpan);
        if (call.Arguments.Count == 1 && map.Keys is null)
            return SetKeys(symbol, hasKeys: false, map.Span) ? new CallExpression(ScriptFunction.Delete, [reference], ScriptType.Boolean, call.Span) : new ErrorExpression(call.Span);
        TypedExpression? key = call.Arguments.Count == 1 ? CheckKey(symbol, map) : KeyArgument(symbol, call.Arguments[1], call);
        return key is null or ErrorExpression ? new ErrorExpression(call.Span) : new CallExpression(ScriptFunction.Delete, [reference, key], ScriptType.Boolean, call.Span);
    }

    private TypedExpression KeyArgument(MapSymbol map, ExpressionSyntax syntax, CallSyntax call)
    {
        TypedExpression key = Value(syntax);
        return SetKeys(map, hasKeys: true, call.Span) ? DecideKey(map, key) : new ErrorExpression(syntax.Span);
    }

    private TypedExpression FinishLookup(FunctionDescription function, CallSyntax call, List<TypedExpression> arguments)
    {
        if (arguments[0] is not MapReferenceExpression { Map: var map })
            return new ErrorExpression(call.Span);
        TypedExpression key = KeyArgument(map, call.Arguments[1], call);
        if (key is ErrorExpression)
            return key;
        if (function.Function == ScriptFunction.HasKey)
            return new CallExpression(function.Function, [arguments[0], key], ScriptType.Boolean, call.Span);

        if (call.Arguments[2] is not VariableSyntax syntax)
            return Wrong(DiagnosticId.Arguments, call.Arguments[2].Span, "argument 3 of find() is a variable, which gets the value");
        if (FindVariable(syntax.Name) is not { } variable)
        {
            variable = NewVariable(syntax);
            _scope.Add(variable);
        }

        if (map.ValueType is UnknownType)
            return Wrong(DiagnosticId.UnknownName, call.Arguments[0].Span, $"nothing is ever put into `{map}`");
        Decide(variable, ValueOf(map), call.Span);
        return new CallExpression(function.Function, [arguments[0], key, new VariableExpression(variable, syntax.Span)], ScriptType.Boolean, call.Span);
    }

    private TypedExpression FinishLen(CallSyntax call)
    {
        ExpressionSyntax syntax = call.Arguments[0];
        if (syntax is MapSyntax { Keys: null } map)
            return FindMap(map) is { } symbol ? new CallExpression(ScriptFunction.Len, [new MapReferenceExpression(symbol, syntax.Span)], ScriptType.I64, call.Span) : new ErrorExpression(call.Span);
        TypedExpression value = Value(syntax);
        return value.Type switch
        {
            UnknownType => new ErrorExpression(call.Span),
            StackType or TextType => new CallExpression(ScriptFunction.Len, [value], ScriptType.I64, call.Span),
            ArrayType array => new ConstantExpression(array.Count, ScriptType.I64, call.Span),
            _ => Wrong(DiagnosticId.Arguments, syntax.Span, $"len() is of a map or a stack, not of {value.Type}"),
        };
    }

    private TypedExpression FinishStr(CallSyntax call, List<TypedExpression> arguments)
    {
        switch (call.Arguments[0])
        {
            case PositionalSyntax positional:
                return PositionalText(positional, 0, call.Span);
            case BinarySyntax { Operator: BinaryOperatorSyntax.Add, Left: PositionalSyntax positional } sum when Check(sum.Right) is ConstantExpression { Value: >= 0 and <= int.MaxValue and var skipped }:
                return PositionalText(positional, (int)skipped, call.Span);
        }

        TypedExpression source = Value(call.Arguments[0]);
        if (source.Type is UnknownType || arguments.Skip(1).Any(argument => argument.Type is UnknownType))
            return new ErrorExpression(call.Span);
        if (source.Type is TextType && source is not CharacterArrayExpression && arguments.Count == 1)
            return source;
        if (source.Type is TextType && source is not CharacterArrayExpression || AddressOf(source) is not { } address)
            return Wrong(DiagnosticId.Arguments, source.Span, $"argument 1 of str() is a pointer, not {source.Type}");

        int capacity = _config.MaxStringLength;
        if (arguments.Count == 2 && arguments[1] is ConstantExpression length)
        {
            if (length.Value < 0 && length.Type.IsSignedNumber)
                return Wrong(DiagnosticId.Arguments, length.Span, "the length of a text is not negative");
            if ((ulong)length.Value >= (ulong)capacity)
                _diagnostics.Warning(DiagnosticId.Suspicious, length.Span, $"the text is cut at {capacity} bytes", "the option max_strlen says where");
            else
                capacity = (int)length.Value + 1;
        }
        else if (source is CharacterArrayExpression characters)
        {
            capacity = Math.Min(capacity, characters.Count + 1);
        }

        arguments[0] = address;
        if (arguments.Count == 2)
            arguments[1] = Convert(arguments[1], ScriptType.U64);
        return new CallExpression(ScriptFunction.Str, arguments, new TextType(capacity), call.Span);
    }

    private TypedExpression FinishBuf(CallSyntax call, List<TypedExpression> arguments)
    {
        if (arguments.Exists(argument => argument is ErrorExpression))
            return new ErrorExpression(call.Span);
        int capacity = _config.MaxStringLength;
        if (arguments.Count == 2)
        {
            if (arguments[1] is ConstantExpression length && (ulong)length.Value < (ulong)capacity)
                capacity = (int)length.Value;
            arguments[1] = Convert(arguments[1], ScriptType.U64);
        }
        else if (Value(call.Arguments[0]) is var whole && (whole as CharacterArrayExpression)?.Count is { } characters)
        {
            arguments.Add(new ConstantExpression(capacity = Math.Min(capacity, characters), ScriptType.U64, call.Span));
        }
        else if (whole.Type is ArrayType array)
        {
            arguments.Add(new ConstantExpression(capacity = Math.Min(capacity, _catalog.SizeOf(array)), ScriptType.U64, call.Span));
        }
        else
        {
            return Wrong(DiagnosticId.Arguments, call.Span, "buf() needs to know how many bytes: only an array says that by itself");
        }

        return new CallExpression(ScriptFunction.Buf, arguments, new BufferType(capacity), call.Span);
    }

    private TypedExpression FinishStack(FunctionDescription function, CallSyntax call)
    {
        StackMode mode = _config.StackMode;
        int limit = StackType.DefaultLimit;
        foreach ((int index, ExpressionSyntax argument) in call.Arguments.Index())
        {
            if (index == 0 && argument is NamedExpressionSyntax { Name: var name })
            {
                if (ScriptConfig.ParseMode(name) is not { } named)
                    return Wrong(DiagnosticId.Arguments, argument.Span, $"`{name}` is no way to print a stack", Suggestion.Sentence(name, ["bpftrace", "perf", "raw", "build_id"]) ?? "ways are bpftrace, perf, raw and build_id");
                mode = named;
            }
            else if (index == call.Arguments.Count - 1 && Check(argument) is ConstantExpression { Type: IntegerType, Value: >= 1 and <= StackType.LargestLimit and var most })
            {
                limit = (int)most;
            }
            else
            {
                return Wrong(DiagnosticId.Arguments, argument.Span, $"{function.Name}() takes a way to print it and a number of frames, 1 to {StackType.LargestLimit}");
            }
        }

        StackType type = new(mode, limit);
        return function.Function == ScriptFunction.Ustack ? new BuiltinExpression(ScriptBuiltin.Stack, 0, type, call.Span) : new CallExpression(function.Function, [], type, call.Span);
    }

    private TypedExpression FinishSignal(FunctionDescription function, CallSyntax call)
    {
        TypedExpression signal = Value(call.Arguments[0]);
        if (signal.Type is UnknownType)
            return signal;
        if (signal is TextConstantExpression)
        {
            string name = Text(signal).ToUpperInvariant();
            int number = Array.IndexOf(SignalNames, name.StartsWith("SIG", StringComparison.Ordinal) ? name[3..] : name) + 1;
            if (number == 0)
                return Wrong(DiagnosticId.Arguments, signal.Span, $"`{Text(signal)}` is no signal", Suggestion.Sentence(name, SignalNames.Select(known => "SIG" + known)));
            signal = new ConstantExpression(number, ScriptType.U32, signal.Span);
        }

        if (!signal.Type.IsNumber)
            return Wrong(DiagnosticId.Arguments, signal.Span, $"argument 1 of {function.Name}() is the name or the number of a signal, not {signal.Type}");
        if (signal is ConstantExpression { Value: < 1 or > 64 })
            return Wrong(DiagnosticId.Arguments, signal.Span, "signals have numbers from 1 to 64");
        return new CallExpression(function.Function, [Convert(signal, ScriptType.U32)], ScriptType.Void, call.Span);
    }

    private TypedExpression FinishNtop(CallSyntax call)
    {
        TypedExpression value = Value(call.Arguments[^1]);
        List<TypedExpression> arguments = [value];
        if (call.Arguments.Count == 2)
            arguments.Add(Number(call.Arguments[0]));
        if (arguments.Exists(argument => argument.Type is UnknownType))
            return new ErrorExpression(call.Span);
        int? bytes = value is CharacterArrayExpression characters ? characters.Count : value.Type is ArrayType array ? _catalog.SizeOf(array) : null;
        if (value is CharacterArrayExpression text)
            arguments[0] = new MemoryExpression(text.Address, new ArrayType(ScriptType.U8, text.Count), text.Span);
        else if (value.Type.IsNumber)
            arguments[0] = Convert(value, ScriptType.U32);
        return value.Type.IsNumber || bytes is 4 or 16
            ? new CallExpression(ScriptFunction.Ntop, arguments, new InternetAddressType(), call.Span)
            : Wrong(DiagnosticId.Arguments, value.Span, $"ntop() is of a number, of 4 bytes or of 16, not of {value.Type}");
    }

    private TypedExpression FinishPton(CallSyntax call, string address)
    {
        if (IPAddress.TryParse(address, out IPAddress? parsed) && (parsed.AddressFamily == AddressFamily.InterNetworkV6 || address.Count(c => c == '.') == 3))
            return new BytesConstantExpression(parsed.GetAddressBytes(), call.Span);
        return Wrong(DiagnosticId.Arguments, call.Arguments[0].Span, $"`{address}` is no address of the Internet");
    }

    /// <summary>What a script asks to be told when it is compiled.</summary>
    private TypedExpression FinishAsked(FunctionDescription function, CallSyntax call, List<TypedExpression> arguments)
    {
        CallExpression nothing = new(function.Function, arguments, ScriptType.Void, call.Span);
        if (_unreachable > 0)
            return nothing;
        if (function.Function == ScriptFunction.StaticAssert)
        {
            if (arguments[0] is not ConstantExpression condition)
                return Wrong(DiagnosticId.Arguments, arguments[0].Span, "the condition of static_assert() must be known before the script runs");
            return condition.Value != 0 ? nothing : Wrong(DiagnosticId.Asked, call.Span, arguments.Count > 1 ? Text(arguments[1]) : "static_assert() failed");
        }

        ArrayBufferWriter<byte> message = new();
        ScriptValue[] values = [.. arguments.Skip(1).Select(Printable)];
        PrintfFormat format = PrintfFormat.Parse(((TextConstantExpression)arguments[0]).Bytes.Span);
        if (format.Specifiers.Count == values.Length)
            format.Write(message, values);
        return Wrong(DiagnosticId.Asked, call.Span, Encoding.UTF8.GetString(message.WrittenSpan).TrimEnd());
    }

    /// <summary>What is known, as a value to print; all else is told as unknown.</summary>
    private static ScriptValue Printable(TypedExpression value) => value switch
    {
        ConstantExpression { Type.IsSignedNumber: true } constant => ScriptValue.Signed(constant.Value),
        ConstantExpression constant => ScriptValue.Unsigned((ulong)constant.Value),
        TextConstantExpression text => ScriptValue.String(text.Bytes.ToArray()),
        _ => ScriptValue.String("?"),
    };

    private PointerType SymbolPointer(CallSyntax call, string symbol)
    {
        int? size = _places.FirstOrDefault(place => place.IsInTarget) is { } place ? _catalog.Source.FindSymbolSize(symbol, place) : null;
        return new PointerType(size switch { 1 => ScriptType.U8, 2 => ScriptType.U16, 4 => ScriptType.U32, _ => ScriptType.U64 });
    }

    /// <summary>An option of the command line, in the type of its default.</summary>
    private TypedExpression FinishGetopt(CallSyntax call, List<TypedExpression> arguments)
    {
        if (arguments.Exists(argument => argument is ErrorExpression))
            return new ErrorExpression(call.Span);
        string name = Text(arguments[0]);
        TypedExpression? fallback = arguments.Count > 1 ? arguments[1] : null;
        if (fallback is not (null or ConstantExpression or TextConstantExpression))
            return Wrong(DiagnosticId.Arguments, fallback.Span, "the default of getopt() is written out");
        if (!_options.Named.TryGetValue(name, out string? given))
            return fallback is null ? Known(call, false) : fallback with { Span = call.Span };
        if (fallback is null or ConstantExpression { Type: BooleanType })
        {
            return given switch
            {
                "" or "true" or "1" => Known(call, true),
                "false" or "0" => Known(call, false),
                _ => Wrong(DiagnosticId.Option, call.Span, $"the option --{name} is true or false, not `{given}`"),
            };
        }

        if (fallback is TextConstantExpression)
            return new TextConstantExpression(Encoding.UTF8.GetBytes(given), call.Span);
        return Literal(given, call.Span) is ConstantExpression number ? number : Wrong(DiagnosticId.Option, call.Span, $"the option --{name} is a number, not `{given}`");
    }
}
