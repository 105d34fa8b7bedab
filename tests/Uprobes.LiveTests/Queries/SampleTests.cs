using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Queries;

/// <summary>The samples about queries, built and run as their users do.</summary>
[TestLimit(300)]
public sealed class SampleTests
{
    [Fact]
    public void Allocation_sizes_shows_a_distribution_and_counts()
    {
        CommandResult result = Run("allocation-sizes.cs", "cat", "/etc/hostname");
        Assert.Equal(0, result.Exit.Code);
        Assert.Equal(File.ReadAllText("/etc/hostname"), result.Output);
        string[] lines = result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Matches(@"^malloc [1-9]\d*$", lines[^1]);
        Assert.Matches(@"^\[\d+, \d+K?\) +\d+ \|@* *\|$", lines[0]);
    }

    [Fact]
    public void Slow_calls_shows_calls_with_results_and_durations()
    {
        CommandResult result = Run("slow-calls.cs", "libc", "malloc", "0", "cat", "/etc/hostname");
        Assert.Equal(0, result.Exit.Code);
        Assert.Equal(File.ReadAllText("/etc/hostname"), result.Output);
        string[] lines = result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Matches(@"^\d+: malloc\(\d+\) = \d+ in \d+ us$", line));
    }

    private static CommandResult Run(string sample, params string[] arguments)
    {
        // Build servers would outlive the test.
        StartOptions options = new()
        {
            Environment = new Dictionary<string, string?> { ["MSBUILDDISABLENODEREUSE"] = "1", ["UseSharedCompilation"] = "false", ["DOTNET_NOLOGO"] = "1" },
        };
        using TargetProcess process = TargetProcess.Start(options, Require.Program("dotnet"), ["run", "-c", "Release", Path.Combine(Checkout.Root, "samples", sample), "--", .. arguments]);
        process.CloseInput();
        return new(process.WaitForExit(TimeSpan.FromSeconds(240)), process.Output, process.Errors);
    }
}
