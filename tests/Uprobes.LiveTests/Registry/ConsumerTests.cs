using System.Text;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Registry;

/// <summary>Several consumers share one probe: called in the order of registration, each for the processes it wants, removed one by one.</summary>
public sealed class ConsumerTests
{
    [Theory]
    [InlineData("abc")]
    [InlineData("acb")]
    [InlineData("bac")]
    [InlineData("bca")]
    [InlineData("cab")]
    [InlineData("cba")]
    public void Three_consumers_are_called_in_order_and_removed_in_any(string order)
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        StringBuilder trace = new();
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            Dictionary<char, ProbeRegistration> registered = [];
            foreach (char name in "abc")
                registered.Add(name, session.Register(ProbePoint.At("calls-pie", "sum6"), Count.Mark(trace, name)));
            foreach (char removed in order)
            {
                trace.Clear();
                target.Ask("sum6 1");
                Assert.Equal(string.Concat("abc".Where(registered.ContainsKey)), trace.ToString());
                registered.Remove(removed, out ProbeRegistration? registration);
                Assert.Contains(TextComparison.Compare(target.Pid), d => d.Path.EndsWith("calls-pie", StringComparison.Ordinal));
                registration!.Dispose();
                Assert.False(registration.IsActive);
            }

            // Its memory in the process stays until the session ends, the text does not.
            TextComparison.AssertSame(target.Pid);
            trace.Clear();
            target.Ask("sum6 3");
            Assert.Equal("", trace.ToString());
        }

        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
    }

    [Fact]
    public void A_consumer_registered_again_is_called_last()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        StringBuilder trace = new();
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbePoint point = ProbePoint.At("calls-pie", "nothing");
        ProbeRegistration a = session.Register(point, Count.Mark(trace, 'a'));
        using ProbeRegistration b = session.Register(point, Count.Mark(trace, 'b'));
        a.Dispose();
        using ProbeRegistration again = session.Register(point, Count.Mark(trace, 'a'));
        target.Ask("nothing 2");
        Assert.Equal("baba", trace.ToString());
    }

    [Fact]
    public void Each_consumer_filters_by_process()
    {
        using TargetProcess one = TargetProcess.StartTarget("calls-pie"), two = TargetProcess.StartTarget("calls-pie");
        StringBuilder trace = new();
        using (UprobeSession session = UprobeSession.Attach([one.Pid, two.Pid]))
        {
            ProbePoint point = ProbePoint.At("calls-pie", "nothing");
            using ProbeRegistration first = session.Register(point, Count.Mark(trace, '1'), pid => pid == one.Pid);
            using ProbeRegistration second = session.Register(point, Count.Mark(trace, '2'), pid => pid == two.Pid);
            using ProbeRegistration none = session.Register(point, Count.Mark(trace, '0'), _ => false);
            using ProbeRegistration both = session.Register(point, Count.Mark(trace, '+'));
            one.Ask("nothing 2");
            two.Ask("nothing 1");
            Assert.Equal("1+1+2+", trace.ToString());
            Assert.Equal((2, 1, 0, 3), (first.Hits, second.Hits, none.Hits, both.Hits));
        }

        TextComparison.AssertSame(one.Pid);
        TextComparison.AssertSame(two.Pid);
    }
}
