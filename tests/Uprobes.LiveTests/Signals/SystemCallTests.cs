using Iced.Intel;
using Uprobes.LiveTests.Kit;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Signals;

/// <summary>Probes on system call instructions themselves (traps X7).</summary>
public sealed class SystemCallTests
{
    private const int SIGCONT = 18, SIGSTOP = 19;
    private static readonly string[] Names = ["read", "sleep", "fork", "vfork", "clone", "exec", "exit"];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Calls_children_and_threads_behave_as_without_probes(bool withPost)
    {
        using ProbedTarget target = ProbedTarget.Start("syscalls");
        Dictionary<string, ProbeRegistration> probes = [];
        foreach (string name in Names)
            probes.Add(name, target.Probe([Point(name)], withPost ? new ProbeHandlers { Pre = _ => { }, Post = _ => { } } : null)[0]);
        (string Command, string Name, long Hits)[] cases =
            [("read 20", "read", 20), ("fork 5", "fork", 5), ("vfork 5", "vfork", 5), ("clone 10", "clone", 10), ("exec 3", "exec", 6), ("exit 3", "exit", 3)];
        foreach ((string command, string name, long hits) in cases)
        {
            string result = target.Process.Ask(command);
            Assert.True(result == "0", target.Process.Output);
            Assert.True(hits == probes[name].Hits, $"{command}: {probes[name].Hits} hits");
        }

        target.Detach();
        Assert.Equal("0", target.Process.Ask("fork 1"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_call_that_is_restarted_is_counted_once(bool withPost)
    {
        using ProbedTarget target = ProbedTarget.Start("syscalls");
        ProbeHandlers handlers = withPost ? new ProbeHandlers { Pre = _ => { }, Post = _ => { } } : new ProbeHandlers { Pre = _ => { } };
        ProbeRegistration read = target.Probe([Point("read")], handlers)[0], sleep = target.Probe([Point("sleep")], handlers)[0];
        string result = target.Process.Ask("restart 3");
        Assert.True(result == "0", target.Process.Output);
        Assert.Equal(3, read.Hits);

        target.Process.Send("sleep 1500");
        target.Process.WaitForLine("sleeping");
        Assert.True(SpinWait.SpinUntil(() => sleep.Hits == 1, TimeSpan.FromSeconds(30)));
        for (int round = 0; round < 10; round++)
        {
            target.Process.Signal(SIGSTOP);
            target.Process.Signal(SIGCONT);
            using ProbeRegistration more = target.Session.Register(Point("fork"), handlers);
        }

        Assert.True("result 0" == target.Process.WaitForLine("result "), target.Process.Output);
        Assert.Equal(1, sleep.Hits);
        target.Detach();
    }

    [Fact]
    public void Probes_on_a_sleeping_call_come_and_go()
    {
        using TargetProcess target = TargetProcess.StartTarget("syscalls");
        target.Send("sleep 2000");
        target.WaitForLine("sleeping");
        for (int round = 0; round < 15; round++)
        {
            using UprobeSession session = UprobeSession.Attach(target.Pid);
            session.Register(Point("sleep"), new ProbeHandlers { Pre = _ => { } });
            session.Register(Point("read"), new ProbeHandlers { Pre = _ => { } });
        }

        Assert.True("result 0" == target.WaitForLine("result "), target.Output);
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void The_return_from_signal_handlers_is_refused()
    {
        string libc = LibraryOf();
        using Images.ElfImage image = Images.ElfImage.Open(libc);
        ReadOnlySpan<byte> sequence = [0x48, 0xC7, 0xC0, 0x0F, 0, 0, 0, 0x0F, 0x05];
        byte[] text = File.ReadAllBytes(libc);
        int at = text.AsSpan().IndexOf(sequence);
        Assert.True(at > 0);
        using ProbedTarget target = ProbedTarget.Start("signals");
        foreach (int offset in (int[])[at, at + 7])
        {
            ProbeRefusedException refused = Assert.Throws<ProbeRefusedException>(
                () => target.Session.Register(ProbePoint.At(libc, (ulong)offset), new ProbeHandlers { Pre = _ => { } }));
            Assert.True(refused.Refusal.Reason is ProbeRefusalReason.UnsafeLocation or ProbeRefusalReason.UnsupportedInstruction, refused.Message);
        }

        string LibraryOf()
        {
            using TargetProcess process = TargetProcess.StartTarget("signals");
            return File.ReadLines($"/proc/{process.Pid}/maps").Select(l => l.Split(' ')[^1]).First(p => p.Contains("/libc.so", StringComparison.Ordinal));
        }
    }

    private static ProbePoint Point(string name) => InstructionPoints.First(Targets.Path("syscalls"), "s_" + name, Mnemonic.Syscall);
}
