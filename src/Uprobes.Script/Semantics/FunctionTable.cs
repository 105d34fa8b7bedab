using System.Collections.Frozen;

namespace Uprobes.Script.Semantics;

/// <summary>Functions of the language that a compiler sees; those that are known when a script is checked are constants by then.</summary>
internal enum ScriptFunction
{
    /// <summary>Constant format, values.</summary>
    Printf,
    Errorf,
    Warnf,

    /// <summary>Constant format of the file's name, values.</summary>
    Cat,

    /// <summary>Constant format of the command, values.</summary>
    System,

    /// <summary>A map, and optionally how many entries and by what to divide; or a value.</summary>
    Print,

    /// <summary>Condition, text: ends the run with an error.</summary>
    Assert,
    Fail,
    StaticAssert,

    /// <summary>Address, and optionally most bytes: a text of the target.</summary>
    Str,
    StrConcat,

    /// <summary>Text: its bytes.</summary>
    Strlen,
    Strcap,

    /// <summary>Text, text: where the second is in the first, or -1.</summary>
    Strstr,
    Strcontains,

    /// <summary>Text, text, constant number of bytes: 0 where they are equal so far.</summary>
    Strncmp,

    /// <summary>Text matches a constant pattern.</summary>
    Globmatch,

    /// <summary>Two addresses or texts, number of bytes.</summary>
    Memcmp,

    /// <summary>Address, and optionally bytes.</summary>
    Buf,

    /// <summary>Constant name of a register.</summary>
    Reg,

    /// <summary>Constant name of a variable of the probed file: its address.</summary>
    Uaddr,

    /// <summary>Address of code.</summary>
    Usym,
    Ustack,
    DwarfStack,

    /// <summary>Constant format.</summary>
    Time,

    /// <summary>Constant format, nanoseconds since boot.</summary>
    Strftime,

    /// <summary>Number of a signal, to the process.</summary>
    Signal,

    /// <summary>Number of a signal, to the thread.</summary>
    SignalThread,

    /// <summary>Value that the probed function returns at once.</summary>
    Override,

    /// <summary>Address, address, number of bytes.</summary>
    WriteUser,

    /// <summary>Address of an array of texts, constant separator.</summary>
    Join,

    /// <summary>Constant separator, how many, texts: what join() writes once the texts have been read.</summary>
    JoinOf,

    /// <summary>A map.</summary>
    Clear,
    Zero,

    /// <summary>A map, and its key where it has one: whether there was an entry.</summary>
    Delete,

    /// <summary>A map and a key.</summary>
    HasKey,

    /// <summary>A map, a key, and a variable that gets the value if there is one.</summary>
    Find,

    /// <summary>A map, a stack or a text.</summary>
    Len,

    /// <summary>Optionally the exit code.</summary>
    Exit,
    Bswap,

    /// <summary>A number or bytes; family 2 or 10 as the second argument where it is given.</summary>
    Ntop,
    Pton,
    Macaddr,
    SignalName,
    Strerror,
    SyscallName,

    /// <summary>A user's number: the name. Scripts write <c>username</c>.</summary>
    NameOfUser,

    /// <summary>A process's number: the name of its first thread. Scripts write <c>pcomm</c>.</summary>
    NameOfProcess,
    Uptr,
    Getopt,
    IsInteger,
    IsUnsignedInteger,
    IsString,
    IsPointer,
    IsArray,
    IsLiteral,
}

/// <summary>What a parameter takes.</summary>
internal enum ParameterKind
{
    /// <summary>Any value.</summary>
    Value,

    /// <summary>A number.</summary>
    Number,

    /// <summary>A number or a pointer.</summary>
    Scalar,

    /// <summary>Something with an address: a pointer, a number, an array.</summary>
    Address,

    /// <summary>A text.</summary>
    Text,

    /// <summary>A text that is known when the script is checked.</summary>
    ConstantText,

    /// <summary>A number that is known when the script is checked, and not negative.</summary>
    ConstantNumber,

    /// <summary>A whole map.</summary>
    Map,

    /// <summary>The function looks at it itself.</summary>
    Special,
}

/// <summary>What a function is.</summary>
/// <param name="Name">As scripts write it.</param>
/// <param name="Function">Which.</param>
/// <param name="Result">Null where it depends on the arguments.</param>
/// <param name="Required">How many arguments it must have.</param>
/// <param name="Parameters">What they are.</param>
internal sealed record FunctionDescription(string Name, ScriptFunction Function, ScriptType? Result, int Required, params ParameterKind[] Parameters)
{
    /// <summary>Whether values for its format may follow.</summary>
    internal bool HasFormat { get; init; }

    /// <summary>Whether the user must have allowed it.</summary>
    internal bool IsUnsafe { get; init; }

    /// <summary>Whether it needs a thread of the target.</summary>
    internal bool NeedsTarget { get; init; }
}

/// <summary>All functions by their names.</summary>
internal static class FunctionTable
{
    private static readonly FrozenDictionary<string, FunctionDescription> Functions = new FunctionDescription[]
    {
        new("printf", ScriptFunction.Printf, ScriptType.Void, 1, ParameterKind.ConstantText) { HasFormat = true },
        new("errorf", ScriptFunction.Errorf, ScriptType.Void, 1, ParameterKind.ConstantText) { HasFormat = true },
        new("warnf", ScriptFunction.Warnf, ScriptType.Void, 1, ParameterKind.ConstantText) { HasFormat = true },
        new("cat", ScriptFunction.Cat, ScriptType.Void, 1, ParameterKind.ConstantText) { HasFormat = true },
        new("system", ScriptFunction.System, ScriptType.Void, 1, ParameterKind.ConstantText) { HasFormat = true, IsUnsafe = true },
        new("fail", ScriptFunction.Fail, ScriptType.Void, 1, ParameterKind.ConstantText) { HasFormat = true },
        new("print", ScriptFunction.Print, ScriptType.Void, 1, ParameterKind.Special, ParameterKind.ConstantNumber, ParameterKind.ConstantNumber),
        new("assert", ScriptFunction.Assert, ScriptType.Void, 2, ParameterKind.Scalar, ParameterKind.ConstantText),
        new("static_assert", ScriptFunction.StaticAssert, ScriptType.Void, 1, ParameterKind.Scalar, ParameterKind.ConstantText),
        new("str", ScriptFunction.Str, null, 1, ParameterKind.Special, ParameterKind.Number),
        new("str_concat", ScriptFunction.StrConcat, null, 2, ParameterKind.Text, ParameterKind.Text),
        new("strlen", ScriptFunction.Strlen, ScriptType.U64, 1, ParameterKind.Text),
        new("strcap", ScriptFunction.Strcap, ScriptType.I64, 1, ParameterKind.Text),
        new("strstr", ScriptFunction.Strstr, ScriptType.I64, 2, ParameterKind.Text, ParameterKind.Text),
        new("strcontains", ScriptFunction.Strcontains, ScriptType.Boolean, 2, ParameterKind.Text, ParameterKind.Text),
        new("strncmp", ScriptFunction.Strncmp, ScriptType.I64, 3, ParameterKind.Text, ParameterKind.Text, ParameterKind.ConstantNumber),
        new("globmatch", ScriptFunction.Globmatch, ScriptType.Boolean, 2, ParameterKind.Text, ParameterKind.ConstantText),
        new("memcmp", ScriptFunction.Memcmp, ScriptType.I64, 3, ParameterKind.Value, ParameterKind.Value, ParameterKind.Number),
        new("buf", ScriptFunction.Buf, null, 1, ParameterKind.Address, ParameterKind.Number),
        new("reg", ScriptFunction.Reg, ScriptType.U64, 1, ParameterKind.ConstantText) { NeedsTarget = true },
        new("uaddr", ScriptFunction.Uaddr, null, 1, ParameterKind.ConstantText) { NeedsTarget = true },
        new("usym", ScriptFunction.Usym, new SymbolType(), 1, ParameterKind.Scalar) { NeedsTarget = true },
        new("ustack", ScriptFunction.Ustack, null, 0, ParameterKind.Special, ParameterKind.Special) { NeedsTarget = true },
        new("dw_ustack", ScriptFunction.DwarfStack, null, 0, ParameterKind.Special, ParameterKind.Special) { NeedsTarget = true },
        new("time", ScriptFunction.Time, ScriptType.Void, 0, ParameterKind.ConstantText),
        new("strftime", ScriptFunction.Strftime, new TimestampType(), 2, ParameterKind.ConstantText, ParameterKind.Number),
        new("signal", ScriptFunction.Signal, ScriptType.Void, 1, ParameterKind.Special) { IsUnsafe = true, NeedsTarget = true },
        new("signal_thread", ScriptFunction.SignalThread, ScriptType.Void, 1, ParameterKind.Special) { IsUnsafe = true, NeedsTarget = true },
        new("override", ScriptFunction.Override, ScriptType.Void, 1, ParameterKind.Scalar) { IsUnsafe = true, NeedsTarget = true },
        new("write_user", ScriptFunction.WriteUser, ScriptType.I64, 3, ParameterKind.Address, ParameterKind.Value, ParameterKind.Number) { IsUnsafe = true, NeedsTarget = true },
        new("join", ScriptFunction.Join, ScriptType.Void, 1, ParameterKind.Address, ParameterKind.ConstantText) { NeedsTarget = true },
        new("clear", ScriptFunction.Clear, ScriptType.Void, 1, ParameterKind.Map),
        new("zero", ScriptFunction.Zero, ScriptType.Void, 1, ParameterKind.Map),
        new("delete", ScriptFunction.Delete, ScriptType.Boolean, 1, ParameterKind.Special, ParameterKind.Special),
        new("has_key", ScriptFunction.HasKey, ScriptType.Boolean, 2, ParameterKind.Map, ParameterKind.Special),
        new("find", ScriptFunction.Find, ScriptType.Boolean, 3, ParameterKind.Map, ParameterKind.Special, ParameterKind.Special),
        new("len", ScriptFunction.Len, ScriptType.I64, 1, ParameterKind.Special),
        new("exit", ScriptFunction.Exit, ScriptType.Void, 0, ParameterKind.Number),
        new("bswap", ScriptFunction.Bswap, null, 1, ParameterKind.Number),
        new("ntop", ScriptFunction.Ntop, new InternetAddressType(), 1, ParameterKind.Special, ParameterKind.Special),
        new("pton", ScriptFunction.Pton, null, 1, ParameterKind.ConstantText),
        new("macaddr", ScriptFunction.Macaddr, new MacAddressType(), 1, ParameterKind.Address),
        new("signal_name", ScriptFunction.SignalName, new TextType(32), 1, ParameterKind.Number),
        new("strerror", ScriptFunction.Strerror, new TextType(64), 1, ParameterKind.Number),
        new("syscall_name", ScriptFunction.SyscallName, new TextType(64), 1, ParameterKind.Number),
        new("uptr", ScriptFunction.Uptr, null, 1, ParameterKind.Scalar),
        new("getopt", ScriptFunction.Getopt, null, 1, ParameterKind.ConstantText, ParameterKind.Value, ParameterKind.ConstantText),
        new("is_integer", ScriptFunction.IsInteger, ScriptType.Boolean, 1, ParameterKind.Value),
        new("is_unsigned_integer", ScriptFunction.IsUnsignedInteger, ScriptType.Boolean, 1, ParameterKind.Value),
        new("is_str", ScriptFunction.IsString, ScriptType.Boolean, 1, ParameterKind.Value),
        new("is_ptr", ScriptFunction.IsPointer, ScriptType.Boolean, 1, ParameterKind.Value),
        new("is_array", ScriptFunction.IsArray, ScriptType.Boolean, 1, ParameterKind.Value),
        new("is_literal", ScriptFunction.IsLiteral, ScriptType.Boolean, 1, ParameterKind.Value),
    }.ToFrozenDictionary(function => function.Name, StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, AggregateFunction> Aggregates =
        Enum.GetValues<AggregateFunction>().ToFrozenDictionary(function => function.ToString().ToLowerInvariant(), StringComparer.Ordinal);

    private static readonly FrozenSet<string> KernelOnly = FrozenSet.ToFrozenSet(
    [
        "kstack", "kaddr", "ksym", "kptr", "cgroupid", "cgroup_path", "cgroup", "path", "skboutput", "skb_output", "socket_cookie", "percpu_kaddr",
        "unwatch", "kfunc_exist", "kfunc_allowed", "curtask", "jiffies", "ctx", "get_field", "has_field",
    ]);

    internal static IEnumerable<string> Names => Functions.Keys.Concat(Aggregates.Keys);

    /// <summary>What a function is called.</summary>
    internal static string NameOf(ScriptFunction function) => Functions.Values.First(description => description.Function == function).Name;

    internal static FunctionDescription? Find(string name) => Functions.GetValueOrDefault(name);

    internal static AggregateFunction? FindAggregate(string name) => Aggregates.TryGetValue(name, out AggregateFunction function) ? function : null;

    internal static bool IsKernelOnly(string name) => KernelOnly.Contains(name);
}
