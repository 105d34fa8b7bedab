using System.IO.Enumeration;
using Uprobes.Images;
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

    /// <summary>A file of ten lines, all of which but the fifth have code at a hundred times their number.</summary>
    public SourceLookup FindLine(string file, int line, int? column) => (file, line) switch
    {
        (not "file.c", _) => new([], $"no code of {path} comes from a file called `{file}`", null) { OtherNames = ["file.c"] },
        (_, > 10) => new([], $"file.c has no code at line {line} or behind it: the last line with code is 10", null),
        (_, 5) => new([new(new(600), "/src/file.c", 6)], null, null) { Notice = "file.c:5 has no code: line 6 is taken, the next one that has some" },
        (_, 7) => new([new(new(700), "/src/file.c", 7), new(new(720), "/src/file.c", 7)], null, null),
        _ => new([new(new(100 * (ulong)line), "/src/file.c", line)], null, null),
    };

    public FunctionTypes? TypesOf(FunctionInfo function) => null;

    public string? WhyWithoutTypes => null;

    public string? WhyWithoutNames { get; init; }

    /// <summary>Functions at odd offsets cannot be patched.</summary>
    public IReadOnlyList<FunctionPlan> Plan(IReadOnlyList<FunctionInfo> functions) => [.. functions.Select(f => f.Offset % 2 == 0
        ? new FunctionPlan(f, "whole", [0x55, 0x48, 0x89, 0xe5, 0x53])
        : new FunctionPlan(f, FunctionPlan.Trap, [], "too short", "control ends after 1 bytes"))];
}
