using System.Diagnostics;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Life;

namespace Uprobes.LiveTests.KilledTracer;

/// <summary>A target that works while one tracer after another is killed.</summary>
internal sealed class ProbedTarget : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly string _path;

    internal ProbedTarget(string name, string work, StartOptions? options = null)
    {
        _path = Targets.Path(name);
        Process = TargetProcess.StartTarget(options ?? new StartOptions(), name);
        Process.Send(work);
    }

    internal TargetProcess Process { get; }

    /// <summary>A function of the target's own, as the host takes it.</summary>
    internal string Point(string function) => $"{_path}:{function}";

    /// <summary>Starts a host with a session on this target.</summary>
    internal HostProcess Trace(string verb, string handlers, params string[] points) =>
        HostProcess.Start([verb, $"{Process.Pid}", handlers, .. points]);

    /// <summary>
    /// Fails unless the target is soon as if it had never been traced, but for memory of the tracer's: its text is the file's, nobody
    /// traces it, it is not stopped, and no guardian that watched over it is left.
    /// </summary>
    internal void AssertLeftAlone(string when)
    {
        string left = "";
        bool isAlone = SpinWait.SpinUntil(() => (left = Left()).Length == 0, Deadline);
        Assert.True(isAlone, $"killed {when}: {left}");
    }

    /// <summary>Ends the work of a selfcheck target and fails unless its result is right.</summary>
    internal void AssertRight()
    {
        Process.Send("quit");
        Process.WaitForLine("right", TimeSpan.FromSeconds(60));
        Assert.Equal(0, Process.WaitForExit().Code);
    }

    public void Dispose() => Process.Dispose();

    private string Left()
    {
        if (Process.HasExited)
            return $"the target has ended: {Process.WaitForExit()}\n{Process.Output}\n{Process.Errors}";
        int[] guardians = GuardiansOf(Process.Pid);
        if (guardians.Length > 0)
            return $"guardian {guardians[0]} is left";
        ProcessSnapshot now = ProcessSnapshot.Take(Process.Pid);
        if (now.TracerPid != 0 || now.State is 'T' or 't')
            return $"state {now.State}, tracer {now.TracerPid}";
        return string.Join('\n', TextComparison.Compare(Process.Pid));
    }

    /// <summary>The guardians that hold a process's memory.</summary>
    internal static int[] GuardiansOf(int pid)
    {
        List<int> found = [];
        foreach (Process process in System.Diagnostics.Process.GetProcessesByName("uprobe-guard"))
        {
            using (process)
            {
                try
                {
                    if (ProcessSnapshot.DescriptorsOf($"/proc/{process.Id}/fd").Any(d => d.EndsWith($"/proc/{pid}/mem", StringComparison.Ordinal)))
                        found.Add(process.Id);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // It ended just now, or is somebody else's.
                }
            }
        }

        return [.. found];
    }
}
