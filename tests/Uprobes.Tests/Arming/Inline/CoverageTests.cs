using System.Diagnostics;
using System.Globalization;
using Uprobes.Arming.Inline.X64;
using Uprobes.Images;

namespace Uprobes.Tests.Arming.Inline;

/// <summary>How many functions of well-known files the inline engine can take.</summary>
public sealed class CoverageTests(ITestOutputHelper output)
{
    private const double Wanted = 99.0;

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
        PatchSite[] sites = [.. image.Functions.All.Where(function => !function.IsIndirect)
            .Select(function => function.Offset).Distinct().Select(offset => new PatchSite(offset, IsFunctionEntry: true))];
        var watch = Stopwatch.StartNew();
        var analysis = new ImageAnalysis(image);
        _ = analysis.Bytes;
        TimeSpan scan = watch.Elapsed;
        PatchDecision[] decisions = [.. new PatchPlanner(analysis).Plan(sites)];
        watch.Stop();
        PlanSummary summary = new();
        foreach (PatchDecision decision in decisions)
        {
            summary.Add(decision);
            if (!decision.IsInline)
                output.WriteLine($"  {(image.Functions.TryFind(decision.Site.Offset, out FunctionBounds bounds) ? bounds.Name : "?")} {decision.Site.Offset} {decision.Refusal.Reason}: {decision.Refusal.Message}");
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {Path.GetFileName(path)} | {summary.Sites} | {summary.Count(PatchTactic.SingleInstruction)} | {summary.Count(PatchTactic.WholeInstructions)} | {summary.Count(PatchTactic.Padding)} | {summary.Count(PatchTactic.Springboard)} | {summary.Refused} | {summary.PercentText()} % |"));
        output.WriteLine($"scan {scan.TotalMilliseconds:0.00} ms, all {watch.Elapsed.TotalMilliseconds:0.00} ms; {string.Join(", ", summary.Reasons.Select(reason => $"{reason} {summary.Count(reason)}"))}");
        Assert.True(summary.Percent >= Wanted, $"{summary.PercentText()} % of {summary.Sites}");
    }
}
