using Uprobes.Linux;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <content>Functions.</content>
internal sealed partial class ScriptInterpreter
{
    /// <summary>What a function gives; nothing where it gives nothing.</summary>
    private ScriptValue Call(CallExpression call)
    {
        IReadOnlyList<TypedExpression> arguments = call.Arguments;
        switch (call.Function)
        {
            case ScriptFunction.Printf or ScriptFunction.Errorf or ScriptFunction.Warnf or ScriptFunction.Cat or ScriptFunction.System or ScriptFunction.Print
                or ScriptFunction.Time or ScriptFunction.Join or ScriptFunction.JoinOf or ScriptFunction.Fail or ScriptFunction.Assert:
                Write(call);
                return ScriptValue.None;
            case ScriptFunction.StaticAssert:
                return ScriptValue.None; // It held when the script was checked.
            case ScriptFunction.Clear:
                MapOf(MapIn(arguments)).Clear();
                return ScriptValue.None;
            case ScriptFunction.Zero:
                MapOf(MapIn(arguments)).Zero();
                return ScriptValue.None;
            case ScriptFunction.Delete:
                return ScriptValue.Boolean(MapOf(MapIn(arguments)).Delete(KeyIn(arguments)));
            case ScriptFunction.HasKey:
                return ScriptValue.Boolean(MapOf(MapIn(arguments)).TryGet(KeyIn(arguments), out _));
            case ScriptFunction.Find:
                bool isThere = MapOf(MapIn(arguments)).TryGet(KeyIn(arguments), out ScriptValue found);
                if (isThere)
                    _variables[((VariableExpression)arguments[^1]).Variable] = found;
                return ScriptValue.Boolean(isThere);
            case ScriptFunction.Len:
                return ScriptValue.Signed(Length(arguments[0]));
            case ScriptFunction.Exit:
                host.Exit(arguments.Count > 0 ? (int)Number(arguments[0]) : 0);
                _flow = Flow.Return;
                return ScriptValue.None;
            case ScriptFunction.Reg:
                return ScriptValue.Unsigned(Register(ConstantText(arguments[0]), call.Span));
            case ScriptFunction.Ustack or ScriptFunction.DwarfStack:
                return ScriptValue.Stack(host.Symbols.StackOf(_occasion, (StackType)call.Type));
            case ScriptFunction.Usym:
                return SymbolOf((ulong)Number(arguments[0]));
            case ScriptFunction.Uaddr:
                return TypedValue.OfBits((long)AddressOf(call), call.Type, script.Types);
            case ScriptFunction.Signal or ScriptFunction.SignalThread:
                SendSignal(call);
                return ScriptValue.None;
            case ScriptFunction.Override:
                Override(call);
                return ScriptValue.None;
            case ScriptFunction.WriteUser:
                return ScriptValue.Signed(WriteMemory(call));
            case ScriptFunction.Bswap:
                return TypedValue.OfBits(ScriptArithmetic.SwapBytes(Number(arguments[0]), arguments[0].Type), call.Type, script.Types);
            case ScriptFunction.Uptr:
                return Evaluate(arguments[0]);
            default:
                return Text(call);
        }
    }

    private static MapSymbol MapIn(IReadOnlyList<TypedExpression> arguments) => arguments[0] switch
    {
        MapReferenceExpression map => map.Map,
        MapExpression entry => entry.Map,
        _ => throw new InvalidOperationException($"No map: {arguments[0].GetType().Name}."),
    };

    /// <summary>The key behind the map, or the one that stands with it.</summary>
    private ScriptValue KeyIn(IReadOnlyList<TypedExpression> arguments) => arguments switch
    {
        [MapExpression entry, ..] => Key(entry.Key),
        [_, var key, ..] => Key(key),
        _ => ScriptValue.None,
    };

    private long Length(TypedExpression expression)
    {
        if (expression is MapReferenceExpression map)
            return MapOf(map.Map).Count;
        ScriptValue value = Materialize(Evaluate(expression), expression.Type, expression.Span);
        return value.Kind switch
        {
            ScriptValueKind.Stack => value.StackValue.Depth,
            ScriptValueKind.String or ScriptValueKind.Buffer => value.Bytes.Length,
            _ => value.Items.Length,
        };
    }

    private ScriptValue SymbolOf(ulong address) => ScriptValue.DeferredSymbol(host.Symbols.NameOf(HostProcessId, _occasion.Timestamp, address), address);

    private ulong AddressOf(CallExpression call)
    {
        string symbol = ConstantText(call.Arguments[0]);
        return host.Symbols.AddressOf(_occasion, symbol) ?? throw new ActionException($"the probed file has no symbol {symbol}", call.Span);
    }

    private void SendSignal(CallExpression call)
    {
        int number = (int)Number(call.Arguments[0]);
        int error = Waiting(call).Signal(number, call.Function == ScriptFunction.SignalThread);
        if (error != 0)
            host.Fail("send_signal", error, call.Span);
    }

    /// <summary>Has the probed function return at once: what is on top of the stack at its first instruction is where it returns to.</summary>
    private void Override(CallExpression call)
    {
        ITargetThread thread = Waiting(call);
        ulong result = (ulong)Number(call.Arguments[0]);
        ulong returnAddress = StackWord(0, call.Span);
        if (returnAddress == 0 || !thread.TryReadRegister("sp", out ulong stack))
            return;
        thread.TryWriteRegister("ax", result);
        thread.TryWriteRegister("sp", stack + sizeof(ulong));
        thread.TryWriteRegister("ip", returnAddress);
    }

    private long WriteMemory(CallExpression call)
    {
        ulong target = (ulong)BitsOf(call.Arguments[0]);
        int length = (int)Math.Clamp(Number(call.Arguments[2]), 0, LargestObject);
        byte[] bytes = new byte[length];
        CopyBytes(call.Arguments[1], bytes);
        int written = Waiting(call).Write(target, bytes);
        if (written == length)
            return 0;
        host.Fail("probe_write_user", EFAULT, call.Span);
        return -EFAULT;
    }

    private ITargetThread Waiting(CallExpression call) =>
        _occasion.Thread ?? throw new ActionException($"no thread of the target waits here: {call.Function.ToString().ToLowerInvariant()}() has nothing to act on", call.Span);

    /// <summary>An address: of a pointer or a number its value, of an array in memory its place.</summary>
    private long BitsOf(TypedExpression expression) => expression.Type.IsScalar ? Number(expression) : Evaluate(expression).Bits;

    /// <summary>Fills a span with what an expression holds, or with what lies where it points to.</summary>
    private void CopyBytes(TypedExpression expression, Span<byte> destination)
    {
        ScriptValue value = Evaluate(expression);
        if (value.Kind is ScriptValueKind.String or ScriptValueKind.Buffer)
        {
            int length = Math.Min(destination.Length, value.Bytes.Length);
            value.Bytes[..length].CopyTo(destination);
            destination[length..].Clear();
        }
        else if (value.Kind == ScriptValueKind.Array)
        {
            destination.Clear();
            WriteItems(value.Items, ((ArrayType)expression.Type).Element, destination);
        }
        else
        {
            TryRead((ulong)value.Bits, destination, expression.Span);
        }
    }

    private static string ConstantText(TypedExpression expression) => System.Text.Encoding.UTF8.GetString(((TextConstantExpression)expression).Bytes.Span);
}
