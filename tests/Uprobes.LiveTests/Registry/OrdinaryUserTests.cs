using System.Globalization;
using Uprobes.LiveTests.Kit;
using Uprobes.Processes;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Registry;

/// <summary>What an ordinary user may and may not probe, and which reason is given.</summary>
public sealed class OrdinaryUserTests
{
    private static readonly StartOptions Nobody = new() { User = StartOptions.Nobody };

    [Fact]
    public void An_own_process_is_probed()
    {
        Require.OtherUser();
        using TargetProcess target = TargetProcess.StartTarget(Nobody, "calls-pie");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        Assert.Equal("probed 1", Probe(target.Pid, Targets.Path("calls-pie"), "nothing"));
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void A_process_of_another_user()
    {
        Require.OtherUser();
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string answer = Probe(target.Pid, Targets.Path("calls-pie"), "nothing");
        Assert.StartsWith($"refused {AttachFailure.OtherUser} ", answer, StringComparison.Ordinal);
        Assert.Contains($"runs as user 0, you are user {StartOptions.Nobody}", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void An_own_process_that_is_not_dumpable()
    {
        Require.OtherUser();
        const string Script = "import ctypes,sys\nctypes.CDLL(None).prctl(4,0,0,0,0)\nprint('ready ',flush=True)\nsys.stdin.readline()"; // PR_SET_DUMPABLE
        using TargetProcess target = TargetProcess.Start(Nobody, Require.InstalledFile("/usr/bin/python3"), "-c", Script);
        target.WaitForLine("ready ");
        string answer = Probe(target.Pid, Targets.Path("calls-pie"), "nothing");
        Assert.StartsWith($"refused {AttachFailure.NotDumpable} ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_may_not_be_read()
    {
        Require.OtherUser();
        using PrivateFolder folder = new();
        string image = folder.Copy("libplug.so");
        PrivateFolder.Run("chmod", "600", image);
        using TargetProcess target = TargetProcess.StartTarget(Nobody, "calls-pie");
        string answer = Probe(target.Pid, image, "plug_work");
        Assert.StartsWith($"refused {ProbeRefusalReason.FileNotReadable} ", answer, StringComparison.Ordinal);
        Assert.Contains("EACCES", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_was_replaced_since_it_was_mapped()
    {
        Require.OtherUser();
        using PrivateFolder folder = new();
        string image = folder.Copy("calls-pie");
        using TargetProcess target = TargetProcess.Start(Nobody, image);
        target.WaitForLine("ready ");
        File.Move(folder.Copy("calls-O2"), image, overwrite: true);
        string answer = Probe(target.Pid, image, "nothing");
        Assert.StartsWith($"refused {ProbeRefusalReason.ImageChanged} ", answer, StringComparison.Ordinal);
        Assert.Contains("has been replaced since", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void A_process_whose_seccomp_filter_forbids_what_arming_needs()
    {
        Require.OtherUser();
        using TargetProcess target = TargetProcess.StartTarget(Nobody, "seccomp", "errno");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        string answer = Probe(target.Pid, Targets.Path("seccomp"), "work");
        Assert.StartsWith($"refused {ProbeRefusalReason.Seccomp} ", answer, StringComparison.Ordinal);
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
    }

    /// <summary>Has a process of user nobody probe a function; gives its answer, and has seen that it kept nothing open.</summary>
    private static string Probe(int pid, string image, string function)
    {
        string host = Path.Combine(AppContext.BaseDirectory, "Uprobes.LiveTests.Host.dll");
        using TargetProcess process = TargetProcess.Start(Nobody, Require.Program("dotnet"), "exec", host, "probe",
            pid.ToString(CultureInfo.InvariantCulture), image, function);
        string answer = process.WaitForLine(_ => true, TimeSpan.FromSeconds(60));
        Assert.Equal("left 0", process.WaitForLine("left "));
        Assert.Equal(new ExitStatus(0, null), process.WaitForExit());
        return answer;
    }
}
