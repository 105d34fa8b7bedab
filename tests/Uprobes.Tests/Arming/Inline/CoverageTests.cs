using System.Globalization;
using Uprobes.Arming.Inline.X64;
using Uprobes.Images;

namespace Uprobes.Tests.Arming.Inline;

/// <summary>
/// How many functions of well-known files the inline engine can take: the rows of docs/coverage.md. Functions that only unwind information shows are
/// counted twice: with the others, and apart, because in stripped files most of them are no functions but the cold parts of some.
/// </summary>
public sealed class CoverageTests(ITestOutputHelper output)
{
    /// <summary>
    /// Fewer of those with names, in one file: Debian's python3 is laid out by profile, with kilobytes of rarely used code that has no padding
    /// at all, where an exported function of 1 to 4 bytes leaves no room for a jump.
    /// </summary>
    private const double WantedOfNamed = 98.5, WantedOfAll = 99.5;

    [Theory]
    [InlineData("/usr/lib/x86_64-linux-gnu/libc.so.6")]
    [InlineData("/usr/lib/x86_64-linux-gnu/libstdc++.so.6")]
    [InlineData("/usr/bin/python3")]
    [InlineData("/usr/lib/x86_64-linux-gnu/libsqlite3.so.0")]
    [InlineData("/usr/lib/x86_64-linux-gnu/libcrypto.so.3")]
    [InlineData("/usr/bin/redis-server")]
    [InlineData("/usr/sbin/nginx")]
    [InlineData("/bin/bash")]
    public void Nearly_all_functions_can_be_patched(string path)
    {
        if (!File.Exists(path))
            Assert.Skip($"{path} is not installed");
        using ElfImage image = ElfImage.Open(path);
        FunctionSymbol[] functions = [.. image.Functions.All.Where(function => !function.IsIndirect).DistinctBy(function => function.Offset)];
        var decisions = new PatchPlanner(new ImageAnalysis(image)).Plan([.. functions.Select(function => new PatchSite(function.Offset, IsFunctionEntry: true))]);
        PlanSummary all = new(), named = new();
        for (int i = 0; i < functions.Length; i++)
        {
            PatchDecision decision = decisions[i];
            all.Add(decision);
            if (functions[i].Origin != FunctionOrigin.UnwindTable)
                named.Add(decision);
            if (!decision.IsInline)
                output.WriteLine($"{functions[i].Name} {functions[i].Offset}: {decision.Refusal.Reason}: {decision.Refusal.Message}");
        }

        output.WriteLine(Row(Path.GetFileName(path), all, named));
        output.WriteLine(string.Join(", ", all.Reasons.Select(reason => $"{reason} {all.Count(reason)}")));
        Assert.True(all.Percent >= WantedOfAll, $"{all.PercentText()} % of {all.Sites} functions");
        Assert.True(named.Percent >= WantedOfNamed, $"{named.PercentText()} % of {named.Sites} functions with names");
    }

    private static string Row(string file, PlanSummary all, PlanSummary named) => string.Create(CultureInfo.InvariantCulture,
        $"| {file} | {all.Sites} | {all.Count(PatchTactic.SingleInstruction)} | {all.Count(PatchTactic.WholeInstructions)} | {all.Count(PatchTactic.Padding)} | {all.Count(PatchTactic.Springboard)} | {all.Count(PatchTactic.Redirect)} | {all.Refused} | {all.PercentText()} % | {named.PercentText()} % of {named.Sites} |");
}
