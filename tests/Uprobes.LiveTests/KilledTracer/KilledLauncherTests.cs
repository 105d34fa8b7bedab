using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Life;

namespace Uprobes.LiveTests.KilledTracer;

/// <summary>A launched program whose tracer is killed: it is not stopped for ever, it runs on, without probes.</summary>
public sealed class KilledLauncherTests
{
    [Theory]
    [InlineData("hold")]
    [InlineData("start")]
    public void A_launched_program_runs_to_its_end(string start)
    {
        string program = Targets.Path("selfcheck");
        using HostProcess host = HostProcess.Start("launch", start, program, $"{program}:step", "libc:mem*");
        // The program writes to the same pipe, "ready PID", as soon as it runs.
        string line = "";
        while (!line.StartsWith("launched ", StringComparison.Ordinal))
            line = host.Process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the host said nothing");
        int pid = int.Parse(line["launched ".Length..], provider: null);
        host.Process.StandardInput.WriteLine("go 1000");
        host.Kill();
        host.Process.StandardInput.Close();
        string output = host.Process.StandardOutput.ReadToEnd(); // To the end of the program, which holds the pipe.
        Assert.Contains("right", output, StringComparison.Ordinal);
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{pid}") || ProcessSnapshot.Status(pid)["State"][0] == 'Z', TimeSpan.FromSeconds(30)));
    }
}
