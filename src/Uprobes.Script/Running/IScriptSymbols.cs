using Uprobes.Script.Output;
using Uprobes.Script.Semantics;
using Uprobes.Stacks;

namespace Uprobes.Script.Running;

/// <summary>Names and addresses of the target's code, and its stacks.</summary>
internal interface IScriptSymbols
{
    /// <summary>The function that holds an address, looked for when it is asked for; null where none is known.</summary>
    /// <param name="processId">The process, as this process numbers it.</param>
    /// <param name="timestamp">When the address was its, on the monotonic clock.</param>
    /// <param name="address">An address in it.</param>
    Lazy<string?> NameOf(int processId, long timestamp, ulong address);

    /// <summary>Where a symbol of the probed file lies in the process that hit the probe; null where there is none.</summary>
    /// <param name="occasion">The hit.</param>
    /// <param name="symbol">Its name.</param>
    ulong? AddressOf(ActionOccasion occasion, string symbol);

    /// <summary>How far behind a place a symbol of its file lies; null where there is none.</summary>
    /// <param name="site">The place.</param>
    /// <param name="symbol">Its name.</param>
    long? DistanceOf(ScriptSite site, string symbol);

    /// <summary>The stack of the thread that hit the probe, symbolised when it is looked at.</summary>
    /// <param name="occasion">The hit; its thread waits.</param>
    /// <param name="type">How much of it, and how it is to print.</param>
    ScriptStack StackOf(ActionOccasion occasion, StackType type);

    /// <summary>A stack that a program has captured, symbolised.</summary>
    /// <param name="processId">The process, as this process numbers it.</param>
    /// <param name="timestamp">When, on the monotonic clock.</param>
    /// <param name="stack">What was captured.</param>
    /// <param name="type">How much of it, and how it is to print.</param>
    ScriptStack StackOf(int processId, long timestamp, in CapturedStack stack, StackType type);

    /// <summary>Looks at what processes have mapped: stacks and names that are asked for when one has ended are found all the same.</summary>
    /// <param name="processIds">The processes, as this process numbers them.</param>
    void Look(IEnumerable<int> processIds);
}
