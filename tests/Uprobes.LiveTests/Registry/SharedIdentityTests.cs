using System.Text;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Registry;

/// <summary>A probe point is (inode, offset): by whatever name the file is called, it is one probe with one breakpoint.</summary>
public sealed class SharedIdentityTests
{
    [Fact]
    public void A_hard_link_and_a_symbolic_link_name_the_same_probe()
    {
        using PrivateFolder folder = new();
        string program = folder.Copy("calls-pie", "program"), symbolic = folder.At("symbolic"), hard = folder.At("hard");
        File.CreateSymbolicLink(symbolic, program);
        PrivateFolder.Run("ln", program, hard);
        using TargetProcess target = folder.Start("program");
        StringBuilder trace = new();
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            ProbeRegistration[] all =
            [
                session.Register(ProbePoint.At(program, "nothing"), Count.Mark(trace, 'p')),
                session.Register(ProbePoint.At(symbolic, "nothing"), Count.Mark(trace, 's')),
                session.Register(ProbePoint.At(hard, "nothing"), Count.Mark(trace, 'h')),
            ];
            Assert.All(all, r => Assert.Same(all[0].Consumer.Uprobe, r.Consumer.Uprobe));
            Assert.All(all, r => Assert.Equal(all[0].Image, r.Image));
            TextDifference difference = Assert.Single(TextComparison.Compare(target.Pid), d => d.Path == program);
            Assert.Equal((ulong)difference.Offset, all[0].Offset.Value);
            target.Ask("nothing 3");
            Assert.Equal("pshpshpsh", trace.ToString());
            all[0].Dispose();
            Assert.Single(TextComparison.Compare(target.Pid), d => d.Path == program);
            all[2].Dispose();
            all[1].Dispose();
            TextComparison.AssertSame(target.Pid);
        }
    }

    [Fact]
    public void A_program_started_through_a_hard_link_is_probed_by_the_other_name()
    {
        using PrivateFolder folder = new();
        string program = folder.Copy("calls-pie", "program");
        PrivateFolder.Run("ln", program, folder.At("hard"));
        using TargetProcess target = folder.Start("hard");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration registration = session.Register(ProbePoint.At(program, "nothing"), Count.Only);
        target.Ask("nothing 5");
        Assert.Equal(5, registration.Hits);
    }

    [Fact]
    public void A_bind_mount_in_another_namespace_names_the_same_probe()
    {
        Require.Root();
        Require.Program("unshare");
        using PrivateFolder folder = new();
        string program = folder.Copy("calls-pie", "program"), bound = folder.At("bound");
        File.WriteAllText(bound, "");
        using TargetProcess target = TargetProcess.Start("unshare", "--mount", "--propagation", "private",
            "sh", "-c", $"mount --bind '{program}' '{bound}' && exec '{bound}'");
        target.WaitForLine("ready ");
        StringBuilder trace = new();
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration inside = session.Register(ProbePoint.At(bound, "nothing"), Count.Mark(trace, 'b'));
        using ProbeRegistration outside = session.Register(ProbePoint.At(program, "nothing"), Count.Mark(trace, 'p'));
        Assert.Same(inside.Consumer.Uprobe, outside.Consumer.Uprobe);
        target.Ask("nothing 2");
        Assert.Equal("bpbp", trace.ToString());
    }

    [Fact]
    public void Files_with_equal_contents_are_different_images()
    {
        using PrivateFolder folder = new();
        string first = folder.Copy("calls-pie", "first"), second = folder.Copy("calls-pie", "second");
        using TargetProcess one = folder.Start("first"), two = folder.Start("second");
        using UprobeSession session = UprobeSession.Attach([one.Pid, two.Pid]);
        using ProbeRegistration onFirst = session.Register(ProbePoint.At(first, "nothing"), Count.Only);
        using ProbeRegistration onSecond = session.Register(ProbePoint.At(second, "nothing"), Count.Only);
        Assert.NotEqual(onFirst.Image, onSecond.Image);
        one.Ask("nothing 2");
        two.Ask("nothing 3");
        Assert.Equal((2, 3), (onFirst.Hits, onSecond.Hits));
    }
}
