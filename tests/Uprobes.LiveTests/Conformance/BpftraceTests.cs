using System.Globalization;
using System.Text.RegularExpressions;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Conformance;

/// <summary>The same scripts with bpftrace itself, where it is there: it prints the same, but for the differences that the cases and this class name.</summary>
public sealed partial class BpftraceTests
{
    private const int AtOnce = 16; // it waits for the kernel most of the time
    private const int EachOf = 3; // each launch costs about a fifth of a second; CONFORMANCE=all compares every case

    [Fact]
    [TestLimit(240)]
    public void Bpftrace_prints_the_same()
    {
        Require.Root();
        string bpftrace = Require.Program("bpftrace"), unshare = Require.Program("unshare");
        string target = Targets.Path("scripted");
        Version version = VersionOf(bpftrace);
        ConformanceCase[] cases = [.. ConformanceCase.Files.SelectMany(ConformanceCase.Read).Where(one => one.ExitCode == 0 && !one.Directives.ContainsKey("differs") && (one.Since ?? new Version(0, 17)) <= version)];
        if (Environment.GetEnvironmentVariable("CONFORMANCE") != "all")
            cases = [.. cases.Where((_, i) => i % EachOf == 0)];
        DirectoryInfo folder = Directory.CreateTempSubdirectory("conformance");
        try
        {
            // A probe of the kernel is hit by every process that maps the file: each script has a copy of its own.
            foreach ((int i, ConformanceCase one) in cases.Index())
            {
                string own = Path.Combine(folder.FullName, i.ToString(CultureInfo.InvariantCulture));
                Directory.CreateDirectory(own);
                File.Copy(target, Path.Combine(own, "scripted"));
                File.WriteAllText(Path.Combine(own, "script.bt"), one.Script.Replace("TARGET", Path.Combine(own, "scripted"), StringComparison.Ordinal));
                File.WriteAllText(Path.Combine(own, "args"), string.Concat(one.Options.Select(word => word + "\n")));
                File.WriteAllText(Path.Combine(own, "params"), string.Concat(one.Parameters.Select(word => word + "\n")));
            }

            // tracefs is mounted where nobody else sees it, and goes with the last of these processes.
            string script = $$"""
                mount -t tracefs none /sys/kernel/tracing || exit 77
                mount -t debugfs none /sys/kernel/debug 2>/dev/null
                export BPFTRACE_STRLEN=64
                seq 0 {{cases.Length - 1}} | xargs -P {{AtOnce}} -I @ sh -c '
                    cd {{folder.FullName}}/@ &&
                    timeout -s KILL 60 {{bpftrace}} $(cat args) -c {{folder.FullName}}/@/scripted script.bt $(cat params) >output 2>errors </dev/null; echo $? >status'
                """;
            using (TargetProcess run = TargetProcess.Start(unshare, "--mount", "--kill-child", "sh", "-c", script))
            {
                ExitStatus exit = run.WaitForExit(TimeSpan.FromSeconds(200));
                Assert.SkipWhen(exit == new ExitStatus(77, null), $"tracefs cannot be mounted here: {run.Errors.Trim()}");
                Assert.True(exit == new ExitStatus(0, null), $"{exit}: {run.Errors}");
            }

            string[] problems = [.. cases.Index().Select(one => Difference(one.Item, Path.Combine(folder.FullName, one.Index.ToString(CultureInfo.InvariantCulture)))).OfType<string>()];
            Assert.True(problems.Length == 0, $"{problems.Length} of {cases.Length} scripts differ:\n{string.Join("\n\n", problems)}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string? Difference(ConformanceCase one, string folder)
    {
        string output = File.ReadAllText(Path.Combine(folder, "output")), errors = File.ReadAllText(Path.Combine(folder, "errors"));
        string theirs = Comparable(output.Replace(Path.Combine(folder, "scripted"), "TARGET", StringComparison.Ordinal), one), ours = Comparable(one.Expected, one);
        return theirs == ours ? null : $"== {one}\n{one.Script}\n--- ours:\n{ours}\n--- bpftrace ({File.ReadAllText(Path.Combine(folder, "status")).Trim()}):\n{theirs}\n{errors}";
    }

    /// <summary>An output without the differences between the versions of bpftrace that all scripts have.</summary>
    private static string Comparable(string output, ConformanceCase one)
    {
        output = AttachLine().Replace(output, ""); // later ones tell it on the standard error
        output = Statistics().Replace(output, "count $1, average $2, total $3"); // before statistics were printed like records
        output = MapHeading().Replace(output, "$1"); // a space behind the heading of a histogram
        output = output.Replace("}, {\"m", "},{\"m", StringComparison.Ordinal); // JSON arrays
        // Empty lines are between maps of some kinds, and where a map was cleared.
        IEnumerable<string> lines = output.Split('\n').Where(line => line.Length > 0);
        return string.Join('\n', one.Directives.ContainsKey("unordered") ? lines.Order(StringComparer.Ordinal) : lines);
    }

    private static Version VersionOf(string bpftrace)
    {
        using TargetProcess asked = TargetProcess.Start(bpftrace, "--version");
        asked.WaitForExit();
        Match match = VersionNumber().Match(asked.Output);
        Assert.True(match.Success, $"{bpftrace} --version says: {asked.Output}{asked.Errors}");
        return Version.Parse(match.Groups[1].Value);
    }

    [GeneratedRegex(@"v(\d+\.\d+)")]
    private static partial Regex VersionNumber();

    [GeneratedRegex("""^(Attaching \d+ probes?\.\.\.|\{"type": "attached_probes".*)\n""")]
    private static partial Regex AttachLine();

    [GeneratedRegex(@"\{ \.count = (-?\d+), \.average = (-?\d+), \.total = (-?\d+) \}")]
    private static partial Regex Statistics();

    [GeneratedRegex("^(@.*:) $", RegexOptions.Multiline)]
    private static partial Regex MapHeading();
}
