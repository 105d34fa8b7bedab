using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <content>Values that are always there.</content>
internal sealed partial class ScriptInterpreter
{
    private readonly ProcessFacts _facts = new();

    /// <summary>The process that the action is about, as this process numbers it: the target's, or this one.</summary>
    private int HostProcessId => _occasion.Thread?.ProcessId ?? _occasion.Hit?.ProcessId ?? (_occasion.ProcessId != 0 ? _occasion.ProcessId : Environment.ProcessId);

    private long NumberOf(BuiltinExpression builtin)
    {
        long value = builtin.Builtin switch
        {
            ScriptBuiltin.ProcessId when builtin.Parameter != 0 => HostProcessId,
            ScriptBuiltin.ThreadId when builtin.Parameter != 0 && _occasion.Thread is { } thread => thread.ThreadId,
            ScriptBuiltin.ProcessId => _occasion.Hit?.ProcessId ?? Environment.ProcessId,
            ScriptBuiltin.ThreadId => _occasion.Hit?.ThreadId ?? Tasks.CurrentThreadId,
            ScriptBuiltin.UserId => UserId,
            ScriptBuiltin.GroupId => _occasion.Hit?.GroupId ?? ThreadStatus.TryRead(HostProcessId)?.GroupId ?? 0,
            ScriptBuiltin.ParentId => _occasion.Hit?.ParentId ?? ThreadMoment.ParentOf(HostProcessId),
            ScriptBuiltin.ChildId => host.ChildProcessId ?? 0,
            ScriptBuiltin.HasChild => host.ChildProcessId is null ? 0 : 1,
            ScriptBuiltin.Clock => Clock(builtin.Parameter),
            ScriptBuiltin.Elapsed => Now - host.StartNanoseconds,
            ScriptBuiltin.Cpu => Processor,
            ScriptBuiltin.CpuCount => Environment.ProcessorCount,
            ScriptBuiltin.NumaNode => ProcessFacts.NodeOf(Processor),
            ScriptBuiltin.Random => Random.Shared.NextInt64(1L << 32),
            ScriptBuiltin.ReturnValue => (long)(_occasion.Hit?.Register(Result) ?? 0),
            ScriptBuiltin.UserMode => 1,
            _ => throw new ActionException($"{builtin.Builtin} is no number", builtin.Span),
        };
        return TypedValue.Extend(value, builtin.Type);
    }

    private ScriptValue TextOf(BuiltinExpression builtin) => builtin.Builtin switch
    {
        ScriptBuiltin.ThreadName when _occasion.Hit is { } hit => ScriptValue.String(hit.ThreadName.ToArray()),
        ScriptBuiltin.ThreadName => ScriptValue.String(ThreadMoment.NameOf(Environment.ProcessId)),
        ScriptBuiltin.ProcessName => ScriptValue.String(ThreadMoment.NameOf(ThreadStatus.TryRead(HostProcessId)?.ParentId ?? 0)),
        ScriptBuiltin.UserName => ScriptValue.String(_facts.UserNameOf(UserId)),
        ScriptBuiltin.Function => ScriptValue.String(_occasion.Function),
        ScriptBuiltin.Probe => ScriptValue.String(_occasion.Probe),
        ScriptBuiltin.ProbeType => ScriptValue.Literal(_occasion.ProbeType),
        ScriptBuiltin.Stack => ScriptValue.Stack(host.Symbols.StackOf(_occasion, (StackType)builtin.Type)),
        _ => throw new ActionException($"{builtin.Builtin} is not supported", builtin.Span),
    };

    /// <summary>Nanoseconds of CLOCK_MONOTONIC at which the probe was hit, or now.</summary>
    private long Now => _occasion.Hit?.TimestampNanoseconds ?? MonotonicClock.Nanoseconds;

    /// <summary>It may change at any time.</summary>
    private uint UserId => _occasion.Hit?.UserId ?? ThreadStatus.TryRead(HostProcessId)?.UserId ?? 0;

    private int Processor => _occasion.Hit?.Processor ?? Math.Max(0, Thread.GetCurrentProcessorId());

    private long Clock(int which) => which switch
    {
        1 => Now,
        2 or 3 => Now + ClockOffsets.FromMonotonicToTai,
        _ => Now + ClockOffsets.FromMonotonicToBoot,
    };
}
