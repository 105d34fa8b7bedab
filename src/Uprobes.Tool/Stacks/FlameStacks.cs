using Uprobes.Stacks;

namespace Uprobes.Tool.Stacks;

/// <summary>Stacks as flame graphs have them: outermost first, and places of one function as one.</summary>
internal static class FlameStacks
{
    /// <summary>What stands for the calls of a stack that were not captured.</summary>
    public const string NotCaptured = "[not captured]";

    /// <summary>The tree of all stacks whose sum is positive.</summary>
    public static FlameNode Tree(StackResults results)
    {
        var root = new FlameNode("all", null);
        foreach (var stack in results.Stacks.Where(s => s.Sum > 0))
            root.Add(Calls(stack), stack.Sum);
        return root;
    }

    /// <summary>The calls of a stack, outermost first.</summary>
    public static IEnumerable<(string Name, string? Image)> Calls(HotStack stack)
    {
        if (stack.IsCut)
            yield return (NotCaptured, null);
        for (var i = stack.Frames.Count - 1; i >= 0; i--)
            yield return (NameOf(stack.Frames[i]), stack.Frames[i].Module);
    }

    private static string NameOf(in StackFrame frame) =>
        frame.Function ?? (frame.Module is { } module ? $"[{Path.GetFileName(module)}]" : "[unknown]");
}
