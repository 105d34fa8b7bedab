using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Values that are always there.</summary>
internal sealed partial class ActionLowering
{
    private Expression BuiltinValue(BuiltinExpression builtin) => builtin.Builtin switch
    {
        ScriptBuiltin.ProcessId when builtin.Parameter == 0 => new Builtin(BuiltinKind.ProcessId),
        ScriptBuiltin.ThreadId when builtin.Parameter == 0 => new Builtin(BuiltinKind.ThreadId),
        ScriptBuiltin.ProcessId or ScriptBuiltin.ThreadId => throw Refuse(builtin, "how the first namespace numbers a process is not known in it"),
        ScriptBuiltin.UserId => new Builtin(BuiltinKind.UserId),
        ScriptBuiltin.GroupId => new Builtin(BuiltinKind.GroupId),
        ScriptBuiltin.ParentId => new Builtin(BuiltinKind.ParentId),
        ScriptBuiltin.ChildId => OfPlace(new ChildProcess()),
        ScriptBuiltin.HasChild => new Binary(BinaryOperator.NotEqual, OfPlace(new ChildProcess()), new Constant(0, DataType.U32)),
        ScriptBuiltin.Clock => builtin.Parameter switch
        {
            1 => new Builtin(BuiltinKind.Timestamp),
            2 or 3 => Shifted(ClockOffsets.FromMonotonicToTai),
            _ => Shifted(ClockOffsets.FromMonotonicToBoot),
        },
        ScriptBuiltin.Elapsed => Shifted(-startNanoseconds),
        ScriptBuiltin.Cpu => new Builtin(BuiltinKind.Processor),
        ScriptBuiltin.CpuCount => new Constant(Environment.ProcessorCount, DataType.U64),
        ScriptBuiltin.NumaNode => NodeOf(new Builtin(BuiltinKind.Processor), [.. Enumerable.Range(0, Environment.ProcessorCount).Select(ProcessFacts.NodeOf)]),
        ScriptBuiltin.Random => new Builtin(BuiltinKind.Random),
        ScriptBuiltin.ReturnValue when isReturn => new ReturnValue(),
        ScriptBuiltin.UserMode => new Constant(1, DataType.U8),
        _ => throw Refuse(builtin, "programs in the target do not know that value"),
    };

    private static Binary Shifted(long offset) => new(BinaryOperator.Add, new Builtin(BuiltinKind.Timestamp), new Constant(offset, DataType.I64));

    /// <summary>The memory node of a processor, by those of all processors: where it changes, another one begins.</summary>
    internal static Expression NodeOf(Expression processor, IReadOnlyList<int> nodes)
    {
        Expression node = new Constant(nodes.Count == 0 ? 0 : nodes[^1], DataType.U32);
        for (int next = nodes.Count - 1; next > 0; next--)
        {
            if (nodes[next] != nodes[next - 1])
                node = new Conditional(new Binary(BinaryOperator.Less, processor, new Constant(next, DataType.U32)), new Constant(nodes[next - 1], DataType.U32), node);
        }

        return node;
    }

    private static Expression Register(TextConstantExpression name)
    {
        string text = System.Text.Encoding.ASCII.GetString(name.Bytes.Span);
        string known = TargetRegisters.Short(text);
        int number = Array.IndexOf(["ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"], known);
        return known is "ip" or "pc" ? new Builtin(BuiltinKind.SiteAddress)
            : number >= 0 ? new RegisterValue(number)
            : throw Refuse(name, $"programs in the target do not know the register {text}");
    }
}
