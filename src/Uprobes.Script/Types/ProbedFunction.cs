using Uprobes.Images;
using Uprobes.Images.Types;

namespace Uprobes.Script.Types;

/// <summary>A function that an attach point means.</summary>
/// <param name="Image">Its file.</param>
/// <param name="Name">Its symbol.</param>
/// <param name="Description">What debug information says of it; null for nothing.</param>
internal sealed record ProbedFunction(ElfImage Image, string Name, FunctionSignature? Description)
{
    // What GCC calls a copy of a function whose parameters it has changed.
    private static readonly string[] Changed = [".isra.", ".constprop.", ".part."];

    /// <summary>Whether the compiler has made a function of it that takes other arguments than the source says.</summary>
    internal bool IsChanged => Changed.Any(mark => Name.Contains(mark, StringComparison.Ordinal));
}
