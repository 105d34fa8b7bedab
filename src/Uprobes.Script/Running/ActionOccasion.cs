using Uprobes.Programs;
using Uprobes.Script.Output;

namespace Uprobes.Script.Running;

/// <summary>What an action is run for, and what it can see of that. Valid while the action runs.</summary>
internal sealed class ActionOccasion
{
    /// <summary>The probe's full name: what <c>probe</c> gives.</summary>
    internal required string Probe { get; init; }

    /// <summary>Its kind: what <c>probetype</c> gives.</summary>
    internal required string ProbeType { get; init; }

    /// <summary>The probed function: what <c>func</c> gives.</summary>
    internal string Function { get; init; } = "";

    /// <summary>The place; null where the action is at none.</summary>
    internal ScriptSite? Site { get; init; }

    /// <summary>The hit; null for an action that no thread of a target waits for: BEGIN, END, intervals, signals, events that are read later.</summary>
    internal IProgramContext? Hit { get; set; }

    /// <summary>What may be done to the thread that waits; null where none does.</summary>
    internal ITargetThread? Thread { get; set; }

    /// <summary>The process that an event came from, as this process numbers it; 0 where a thread waits, or none is known.</summary>
    internal int ProcessId { get; set; }

    /// <summary>When it happened, on the monotonic clock; <see cref="StackReader.Now"/> where a thread waits, or none is known.</summary>
    internal long Timestamp { get; set; } = StackReader.Now;

    /// <summary>What a program in the target left for the action: see <see cref="FieldExpression"/>.</summary>
    internal IReadOnlyList<ScriptValue> Fields { get; set; } = [];
}
