using System.Diagnostics;
using System.Globalization;

namespace Uprobes.Bench;

/// <summary>The command line: start-up, time until armed, memory.</summary>
internal static class CommandBenchmark
{
    internal static IEnumerable<Row> Run(string top, int rounds)
    {
        string tool = $"{top}/.build/uprobe/uprobe";
        List<double> help = [], armed = [], memory = [];
        using Child target = new("/usr/bin/python3", "-c", "import sys\nfor line in sys.stdin: print(sum(range(1000)), flush=True)");
        target.Ask("go");
        for (int round = 0; round <= rounds; round++)
        {
            double start = Help(tool);
            (double ready, double peak) = Count(tool, target.ProcessId);
            if (round == 0)
                continue;
            help.Add(start);
            armed.Add(ready);
            memory.Add(peak);
        }

        yield return new Row("uprobe --help", Row.Median(help), "ms", null, "goal 15 ms");
        yield return new Row("uprobe count -p PYTHON libc:malloc, start to armed", Row.Median(armed), "ms", null, "goal 80 ms");
        yield return new Row("its peak memory", Row.Median(memory), "MB", null, "goal 60 MB");
    }

    private static double Help(string tool)
    {
        long start = Stopwatch.GetTimestamp();
        using Process process = Process.Start(new ProcessStartInfo(tool, "--help") { RedirectStandardOutput = true })!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static (double Milliseconds, double Megabytes) Count(string tool, int pid)
    {
        long start = Stopwatch.GetTimestamp();
        using Process process = Process.Start(new ProcessStartInfo(tool, ["count", "-p", pid.ToString(CultureInfo.InvariantCulture), "libc:malloc"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        string? line = process.StandardError.ReadLine(); // The first thing that it says is that it is armed.
        double ready = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        if (line is null)
            throw new InvalidOperationException("uprobe count ended without a word");
        double peak = Peak(process.Id);
        using Process stop = Process.Start("/bin/kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]);
        stop.WaitForExit();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (ready, peak);
    }

    private static double Peak(int pid)
    {
        string line = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
