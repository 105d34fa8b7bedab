using System.IO.Enumeration;
using Uprobes.Images.StaticProbes;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>An image whose functions are given.</summary>
internal sealed class FakeImage(string path, params FunctionInfo[] functions) : IFunctionSource
{
    public string Path => path;

    public object Identity => path;

    public IEnumerable<FunctionInfo> All => functions;

    public IReadOnlyList<FunctionInfo> Named(string name) => [.. functions.Where(f => f.Name == name)];

    public IReadOnlyList<FunctionInfo> Matching(string pattern) =>
        [.. functions.Where(f => FileSystemName.MatchesSimpleExpression(pattern, f.Name, ignoreCase: false))];

    public IReadOnlyList<StaticProbeNote> StaticProbes { get; init; } = [];

    /// <summary>Functions at odd offsets cannot be patched.</summary>
    public IReadOnlyList<FunctionPlan> Plan(IReadOnlyList<FunctionInfo> functions) => [.. functions.Select(f => f.Offset % 2 == 0
        ? new FunctionPlan(f, "whole", [0x55, 0x48, 0x89, 0xe5, 0x53])
        : new FunctionPlan(f, FunctionPlan.Trap, [], "too short", "control ends after 1 bytes"))];
}
