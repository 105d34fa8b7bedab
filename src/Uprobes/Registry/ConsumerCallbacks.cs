using Uprobes.Arming.Inline;
using Uprobes.Arming.Trap;

namespace Uprobes.Registry;

/// <summary>What a consumer wants called; on the tracer thread.</summary>
internal sealed record ConsumerCallbacks
{
    /// <summary>The program that the callbacks run in the tracer.</summary>
    internal ProgramBinding? Program { get; init; }

    internal Action<HitContext>? Pre { get; init; }
    internal Action<HitContext>? Post { get; init; }

    /// <summary>Returns whether the program gets the signal.</summary>
    internal Func<HitContext, int, bool>? Fault { get; init; }

    /// <summary>Called at a function's entry; returns whether the return is wanted, and the state to hand to it.</summary>
    internal Func<HitContext, (bool Follow, object? State)>? Entry { get; init; }
    internal Action<ReturnContext>? Return { get; init; }
}
