using Uprobes.Images;
using Uprobes.Images.StaticProbes;

namespace Uprobes.Tool.Probing;

/// <summary>A function of an image, as the command line shows it.</summary>
/// <param name="Name">The name to show: demangled where it can be, with its version where that tells it from another.</param>
/// <param name="Offset">The file offset of the first instruction.</param>
/// <param name="Size">In bytes; 0 when unknown.</param>
/// <param name="IsIndirect">Whether the symbol is a resolver that picks the implementation (STT_GNU_IFUNC).</param>
/// <param name="IsPreferred">Whether the name is the one that programs link to today, among several for one function.</param>
internal readonly record struct FunctionInfo(string Name, ulong Offset, ulong Size, bool IsIndirect = false, bool IsPreferred = true);

/// <summary>What a function takes and returns, as C writes it.</summary>
/// <param name="Parameters">A type and a name each, as <c>int count</c>.</param>
/// <param name="Result">The type; null where it returns nothing.</param>
internal sealed record FunctionTypes(IReadOnlyList<string> Parameters, string? Result);

/// <summary>The functions of one image. Owned by the session that opened it.</summary>
internal interface IFunctionSource
{
    /// <summary>The path of the file.</summary>
    string Path { get; }

    /// <summary>Equal for one file reached by several names.</summary>
    object Identity { get; }

    /// <summary>All functions.</summary>
    IEnumerable<FunctionInfo> All { get; }

    /// <summary>The functions of exactly that name, raw, with version or demangled.</summary>
    IReadOnlyList<FunctionInfo> Named(string name);

    /// <summary>The functions whose name matches a pattern with <c>* ? [...]</c>.</summary>
    IReadOnlyList<FunctionInfo> Matching(string pattern);

    /// <summary>Its static probes (USDT), in the order of their notes.</summary>
    /// <exception cref="Uprobes.Images.ImageException">They cannot be read.</exception>
    IReadOnlyList<StaticProbeNote> StaticProbes { get; }

    /// <summary>Where a line of source begins in the image.</summary>
    SourceLookup FindLine(string file, int line, int? column = null);

    /// <summary>The parameters and the result of a function by debug information; null where nothing is known of it.</summary>
    FunctionTypes? TypesOf(FunctionInfo function);

    /// <summary>Why nothing is known of any function's types; null where there is debug information.</summary>
    string? WhyWithoutTypes { get; }

    /// <summary>Why functions of the source may have no name here, and what brings them; null where local functions are named.</summary>
    string? WhyWithoutNames { get; }

    /// <summary>How the inline engine would patch functions of the image if all were probed at once, in their order.</summary>
    IReadOnlyList<FunctionPlan> Plan(IReadOnlyList<FunctionInfo> functions);
}
