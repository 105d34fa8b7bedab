using System.Collections.Frozen;
using Uprobes.Script.Output;

namespace Uprobes.Script.Semantics;

/// <summary>Values that are always there.</summary>
internal enum ScriptBuiltin
{
    ProcessId,
    ThreadId,
    UserId,
    GroupId,
    ThreadName,
    ParentId,
    ProcessName,
    UserName,
    ChildId,
    HasChild,
    Clock,
    Elapsed,
    Cpu,
    CpuCount,
    NumaNode,
    Random,
    ReturnValue,

    /// <summary>The name of the probed function.</summary>
    Function,

    /// <summary>The full name of the probe that was hit.</summary>
    Probe,

    /// <summary>Its kind.</summary>
    ProbeType,

    /// <summary>The stack of the target's thread; the type tells how much of it and how it is printed.</summary>
    Stack,

    /// <summary>1: the code of the target runs in user mode.</summary>
    UserMode,
}

/// <summary>Where a builtin has a value.</summary>
internal enum BuiltinPlace
{
    Anywhere,

    /// <summary>In probes that a thread of the target hits.</summary>
    Target,

    /// <summary>At the return of a function.</summary>
    Return,

    /// <summary>At a function, its entry or its return.</summary>
    Function,
}

/// <summary>What a builtin is.</summary>
internal sealed record BuiltinDescription(string Name, ScriptBuiltin Builtin, ScriptType Type, BuiltinPlace Place);

/// <summary>All builtins but arguments (<c>arg0</c>, <c>sarg0</c>, <c>args</c>).</summary>
internal static class BuiltinTable
{
    /// <summary>Bytes of a thread's name, with the zero: TASK_COMM_LEN of the kernel.</summary>
    internal const int ThreadNameSize = 16;

    /// <summary>Bytes kept of the names of functions, probes and users.</summary>
    internal const int NameSize = 256;

    private static readonly FrozenDictionary<string, BuiltinDescription> Builtins = new BuiltinDescription[]
    {
        new("pid", ScriptBuiltin.ProcessId, ScriptType.U32, BuiltinPlace.Anywhere),
        new("tid", ScriptBuiltin.ThreadId, ScriptType.U32, BuiltinPlace.Anywhere),
        new("uid", ScriptBuiltin.UserId, ScriptType.U64, BuiltinPlace.Anywhere),
        new("gid", ScriptBuiltin.GroupId, ScriptType.U64, BuiltinPlace.Anywhere),
        new("comm", ScriptBuiltin.ThreadName, new TextType(ThreadNameSize), BuiltinPlace.Anywhere),
        new("ppid", ScriptBuiltin.ParentId, ScriptType.U32, BuiltinPlace.Anywhere),
        new("pcomm", ScriptBuiltin.ProcessName, new TextType(ThreadNameSize), BuiltinPlace.Anywhere),
        new("username", ScriptBuiltin.UserName, new TextType(NameSize), BuiltinPlace.Anywhere),
        new("cpid", ScriptBuiltin.ChildId, ScriptType.U32, BuiltinPlace.Anywhere),
        new("has_cpid", ScriptBuiltin.HasChild, ScriptType.Boolean, BuiltinPlace.Anywhere),
        new("nsecs", ScriptBuiltin.Clock, ScriptType.U64, BuiltinPlace.Anywhere),
        new("elapsed", ScriptBuiltin.Elapsed, ScriptType.U64, BuiltinPlace.Anywhere),
        new("cpu", ScriptBuiltin.Cpu, ScriptType.U32, BuiltinPlace.Anywhere),
        new("ncpus", ScriptBuiltin.CpuCount, ScriptType.U64, BuiltinPlace.Anywhere),
        new("numaid", ScriptBuiltin.NumaNode, ScriptType.U32, BuiltinPlace.Anywhere),
        new("rand", ScriptBuiltin.Random, ScriptType.U32, BuiltinPlace.Anywhere),
        new("retval", ScriptBuiltin.ReturnValue, ScriptType.U64, BuiltinPlace.Return),
        new("func", ScriptBuiltin.Function, new TextType(NameSize), BuiltinPlace.Function),
        new("probe", ScriptBuiltin.Probe, new TextType(NameSize), BuiltinPlace.Anywhere),
        new("probetype", ScriptBuiltin.ProbeType, new TextType(ThreadNameSize), BuiltinPlace.Anywhere),
        new("ustack", ScriptBuiltin.Stack, new StackType(StackMode.Bpftrace, StackType.DefaultLimit), BuiltinPlace.Target),
        new("usermode", ScriptBuiltin.UserMode, ScriptType.U8, BuiltinPlace.Target),
    }.ToFrozenDictionary(builtin => builtin.Name, StringComparer.Ordinal);

    private static readonly FrozenSet<string> KernelOnly = FrozenSet.ToFrozenSet(["kstack", "curtask", "ctx", "cgroup", "jiffies", "stack"]);

    internal static IEnumerable<string> Names => Builtins.Keys.Concat(["args", "arg0", "arg1", "arg2", "arg3", "arg4", "arg5"]);

    internal static BuiltinDescription? Find(string name) => Builtins.GetValueOrDefault(name);

    /// <summary>Whether a name is a builtin that only the kernel can give.</summary>
    internal static bool IsKernelOnly(string name) => KernelOnly.Contains(name);
}
