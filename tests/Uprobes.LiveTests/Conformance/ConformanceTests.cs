using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Conformance;

/// <summary>The scripts of tests/conformance on a program that does the same in every run: each prints what its file says.</summary>
public sealed partial class ConformanceTests
{
    /// <summary>As scripts name it: the columns of messages are the same in every checkout.</summary>
    private const string Target = "./scripted", Stand = "TARGET";

    public static TheoryData<string> Files => [.. ConformanceCase.Files];

    [Theory]
    [MemberData(nameof(Files))]
    public void Scripts_print_what_they_should_at_breakpoints(string file) => CheckAll(file, "trap", Check);

    [Theory]
    [MemberData(nameof(Files))]
    public void Scripts_print_the_same_inside_the_target(string file) => CheckAll(file, "inline", (one, result) =>
    {
        if (one.Refusal is not { } refusal)
            return one.Directives.ContainsKey("only trap") ? null : Check(one, result);
        return result.Exit == new ExitStatus(1, null) && result.Errors.Contains(refusal, StringComparison.Ordinal) ? null
            : $"should be refused with: {refusal}\nbut {result.Exit}:\n{result.Errors}{result.Output}";
    });

    private static void CheckAll(string file, string engine, Func<ConformanceCase, CommandResult, string?> check)
    {
        StartOptions inFolder = new() { Folder = Path.GetDirectoryName(Targets.Path(Target)) };
        ConcurrentBag<(int Index, string Problem)> problems = [];
        // Without a bound, scripts that are slow to begin would be joined by more and more others.
        var atOnce = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.ForEach(ConformanceCase.Read(file).Index(), atOnce, one =>
        {
            CommandResult result = UprobeCommand.Run(inFolder,
                ["run", "-q", "--engine", engine, "-c", Target, .. one.Item.Options, "-e", one.Item.Script.Replace(Stand, Target, StringComparison.Ordinal), .. one.Item.Parameters]);
            if (check(one.Item, result) is { } problem)
                problems.Add((one.Index, $"== {one.Item.Name}\n{one.Item.Script}\n{problem}"));
        });
        Assert.True(problems.IsEmpty, string.Join("\n\n", problems.OrderBy(one => one.Index).Select(one => one.Problem)));
    }

    private static string? Check(ConformanceCase one, CommandResult result)
    {
        string printed = (one.IsError ? result.Errors : result.Output).Replace(Target, Stand, StringComparison.Ordinal).TrimEnd('\n');
        if (one.Directives.ContainsKey("times"))
            printed = Times().Replace(printed, "TIME");
        return printed == one.Expected && result.Exit == new ExitStatus(one.ExitCode, null) ? null
            : $"--- should print, exit code {one.ExitCode}:\n{one.Expected}\n--- prints, {result.Exit}:\n{printed}\n--- errors:\n{result.Errors}";
    }

    /// <summary>The beginnings of the intervals of time series.</summary>
    [GeneratedRegex(@"(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d\.\d{9}")]
    private static partial Regex Times();
}
