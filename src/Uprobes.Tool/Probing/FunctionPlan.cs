namespace Uprobes.Tool.Probing;

/// <summary>How the inline engine would patch a function's entry.</summary>
/// <param name="Function">The function.</param>
/// <param name="Tactic">One of <see cref="Tactics"/>.</param>
/// <param name="Displaced">The bytes of the instructions that move into a trampoline; none for <see cref="Trap"/>.</param>
/// <param name="Reason">Two or three words that say why the trap engine has to take it, or null.</param>
/// <param name="Explanation">The same as a sentence with addresses, or null.</param>
internal sealed record FunctionPlan(FunctionInfo Function, string Tactic, IReadOnlyList<byte> Displaced, string? Reason = null, string? Explanation = null)
{
    /// <summary>The function that no jump can be written to.</summary>
    public const string Trap = "trap";

    /// <summary>All words for tactics, in the order in which they are counted.</summary>
    public static IReadOnlyList<string> Tactics { get; } = ["single", "whole", "padding", "springboard", "redirect", Trap];
}
