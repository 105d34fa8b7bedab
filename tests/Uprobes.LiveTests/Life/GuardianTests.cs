using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Uprobes.Arming.Trap.X64;
using Uprobes.Linux;

namespace Uprobes.LiveTests.Life;

/// <summary>What is left of traps when the process that wrote them is killed.</summary>
public sealed class GuardianTests : IDisposable
{
    private const int Functions = 64, SigStop = 19, SigCont = 18, SigTerm = 15;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly NetProgram _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public void Text_is_restored_each_time_that_the_tracer_is_killed()
    {
        using Process target = _program.Serve(Functions);
        using SafeFileHandle memory = MemoryOf(target);
        for (int round = 0; round < 100; round++)
        {
            using HostProcess host = StartTracer(target);
            KillAndAwaitGuardian(host, out _);
            Assert.Equal(NetProgram.TextOf(Functions), ReadText(memory));
        }
        AssertServes(target);
    }

    [Fact]
    public void A_guardian_restores_ten_thousand_traps_in_no_time()
    {
        const int many = 10_000;
        using Process target = _program.Serve(many);
        using HostProcess host = HostProcess.Start("trap", many.ToString(), target.Id.ToString());
        KillAndAwaitGuardian(host, out TimeSpan taken);
        Assert.InRange(taken, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        AssertServes(target);
    }

    [Fact]
    public void A_byte_that_is_no_longer_a_trap_is_left_alone()
    {
        using Process target = _program.Serve(Functions);
        using SafeFileHandle memory = MemoryOf(target);
        using HostProcess host = StartTracer(target);
        int guardian = host.ReadNumber("armed");
        using SafeFileHandle end = Descriptors.OpenProcess(guardian);
        const byte foreign = 0x90;
        RandomAccess.Write(memory, [foreign], (long)NetProgram.Text);
        host.Kill();
        LifeNative.WaitForEnd(end, Deadline);
        byte[] expected = NetProgram.TextOf(Functions);
        expected[0] = foreign;
        Assert.Equal(expected, ReadText(memory));
        target.Kill();
    }

    [Fact]
    public void A_target_that_is_dead_keeps_no_other_from_being_restored()
    {
        using Process dead = _program.Serve(Functions), alive = _program.Serve(Functions);
        using HostProcess host = HostProcess.Start("trap", Functions.ToString(), dead.Id.ToString(), alive.Id.ToString());
        int guardian = host.ReadNumber("armed");
        using SafeFileHandle end = Descriptors.OpenProcess(guardian);
        dead.Kill();
        dead.WaitForExit();
        host.Kill();
        LifeNative.WaitForEnd(end, Deadline);
        AssertServes(alive);
    }

    [Fact]
    public void Signals_other_than_kill_do_not_move_a_guardian()
    {
        using Process target = _program.Serve(Functions);
        using HostProcess host = StartTracer(target);
        int guardian = host.ReadNumber("armed");
        using SafeFileHandle end = Descriptors.OpenProcess(guardian);
        foreach (int signal in (int[])[1, 2, 3, SigTerm, 10, 17, 34, 35, 64, SigStop, SigCont])
            Assert.Equal(0, LifeNative.kill(guardian, signal));
        using SafeFileHandle memory = MemoryOf(target);
        Assert.Equal(0xCC, ReadText(memory)[0]);
        host.Kill();
        LifeNative.WaitForEnd(end, Deadline);
        AssertServes(target);
    }

    [Fact]
    public void A_guardian_is_a_session_of_its_own_named_for_what_it_is_and_holds_next_to_no_memory()
    {
        using Guardian guardian = Guardian.Start();
        // It gives itself its name before it sheds its memory; both are its first acts, so they are awaited.
        Assert.True(SpinWait.SpinUntil(() => File.ReadLines($"/proc/{guardian.ProcessId}/maps").Count(line => !line.EndsWith("[vsyscall]")) == 2
            && File.ReadAllText($"/proc/{guardian.ProcessId}/comm") == "uprobe-guard\n", Deadline));
        string[] stat = File.ReadAllText($"/proc/{guardian.ProcessId}/stat").Split(") ")[1].Split(' ');
        Assert.Equal($"{Environment.ProcessId}", stat[1]);
        Assert.Equal($"{guardian.ProcessId}", stat[3]); // session
        string[] status = File.ReadAllLines($"/proc/{guardian.ProcessId}/status");
        Assert.Contains("SigBlk:\tfffffffffffbfeff", status); // all but SIGKILL and SIGSTOP
        Assert.True(guardian.IsAlive);
    }

    [Fact]
    public void A_killed_guardian_is_noticed_and_can_be_disposed()
    {
        using Guardian guardian = Guardian.Start();
        using SafeFileHandle end = Descriptors.OpenProcess(guardian.ProcessId);
        Assert.True(guardian.IsAlive);
        ChildProcess.Kill(guardian.ProcessId);
        LifeNative.WaitForEnd(end, Deadline);
        Assert.False(guardian.IsAlive);
        Assert.False(guardian.IsAlive);
        guardian.Dispose();
        guardian.Dispose();
        Assert.False(Directory.Exists($"/proc/{guardian.ProcessId}"));
    }

    [Fact]
    public void Entries_are_used_again()
    {
        using Guardian guardian = Guardian.Start();
        int first = guardian.Add(0, 0x1000, 0x55), second = guardian.Add(0, 0x2000, 0x55);
        guardian.Remove(first);
        Assert.Throws<ArgumentException>(() => guardian.Remove(first));
        Assert.Equal(1, guardian.Count);
        Assert.Equal(first, guardian.Add(0, 0x3000, 0x55));
        Assert.NotEqual(first, second);
        Assert.Throws<ArgumentOutOfRangeException>(() => guardian.Remove(2));
    }

    [Fact]
    public void A_journal_holds_a_million_entries_and_says_when_it_is_full()
    {
        using Guardian guardian = Guardian.Start();
        for (int i = 0; i < Guardian.MaximumEntries; i++)
            guardian.Add(0, (ulong)i, 0x55);
        Assert.Equal(-1, guardian.Add(0, 0, 0x55));
        guardian.Remove(77);
        Assert.Equal(77, guardian.Add(0, 0, 0x55));
    }

    [Fact]
    public void Disposing_leaves_no_process_descriptor_or_mapping()
    {
        using HostProcess host = HostProcess.Start("dispose", "200");
        string[] lines = host.Process.StandardOutput.ReadToEnd().Split('\n');
        host.Process.WaitForExit();
        Assert.Equal(0, host.Process.ExitCode);
        Assert.Equal(lines[0], lines[1]);
        Assert.EndsWith("0 mappings, children: ", lines[1], StringComparison.Ordinal);
    }

    private static HostProcess StartTracer(Process target) =>
        HostProcess.Start("trap", Functions.ToString(), target.Id.ToString());

    private static void KillAndAwaitGuardian(HostProcess host, out TimeSpan taken)
    {
        int guardian = host.ReadNumber("armed");
        using SafeFileHandle end = Descriptors.OpenProcess(guardian);
        long start = Stopwatch.GetTimestamp();
        host.Kill();
        LifeNative.WaitForEnd(end, Deadline);
        taken = Stopwatch.GetElapsedTime(start);
    }

    private static void AssertServes(Process target)
    {
        target.StandardInput.WriteLine();
        target.StandardInput.Close();
        Assert.Equal("right\nalive\n", target.StandardOutput.ReadToEnd());
        Assert.True(target.WaitForExit(Deadline));
        Assert.Equal(0, target.ExitCode);
    }

    private static SafeFileHandle MemoryOf(Process target) =>
        File.OpenHandle($"/proc/{target.Id}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

    private static byte[] ReadText(SafeFileHandle memory)
    {
        byte[] text = new byte[Functions * NetProgram.Stride];
        Assert.Equal(text.Length, RandomAccess.Read(memory, text, (long)NetProgram.Text));
        return text;
    }
}
