using Uprobes.Images;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Returns;

/// <summary>Several consumers of one function, and consumers that go.</summary>
public sealed class ConsumerTests
{
    [Fact]
    public void Nothing_happens_at_the_return_of_a_call_whose_consumer_was_removed_meanwhile()
    {
        using TargetProcess target = TargetProcess.StartTarget("returns");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        using (FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("returns"), "waits"))
        {
            target.Send("slow 1");
            target.WaitForLine("waiting");
            Assert.True(SpinWait.SpinUntil(() => calls["waits"].Entries == 1, Deadline.Default));
            calls["waits"].Registration!.Dispose();
            Assert.Equal(0, calls.Session.AwaitedReturns);
            TextComparison.AssertSame(target.Pid);
            target.Ask("go on");
            Assert.Equal(0, calls["waits"].Returns);
            calls.AssertQuiet();
        }

        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        target.Ask("depth 10");
    }

    [Fact]
    public void A_session_that_ends_inside_a_call_lets_it_return_unseen()
    {
        using TargetProcess target = TargetProcess.StartTarget("returns");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("returns"), "waits");
        target.Send("slow 1");
        target.WaitForLine("waiting");
        Assert.True(SpinWait.SpinUntil(() => calls["waits"].Entries == 1, Deadline.Default));
        calls.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.Ask("go on");
        Assert.Equal(0, calls["waits"].Returns);
    }

    [Fact]
    public void The_hooks_on_exits_leave_the_text_with_the_last_consumer_of_returns()
    {
        using TargetProcess target = TargetProcess.StartTarget("exits");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("exits"), "leaps");
        using ProbeRegistration other = calls.Session.Register(ProbePoint.At(Targets.Path("exits"), "main"), new ProbeHandlers());
        target.Ask("sometimes 10");
        int whileFollowed = TextComparison.Compare(target.Pid).Count;
        calls["leaps"].Registration!.Dispose();
        int afterwards = TextComparison.Compare(target.Pid).Count;
        Assert.True(whileFollowed > afterwards + 2, $"{whileFollowed} bytes differed while calls were followed, {afterwards} after");
        target.Ask("sometimes 10");
        FollowedFunction again = calls.Add(Targets.Path("exits"), "leaps");
        target.Ask("sometimes 10");
        Assert.Equal((10L, 5L), (again.Entries, again.Returns));
        calls.AssertQuiet();
    }

    [Fact]
    public void Two_consumers_of_returns_and_one_of_entries_all_see_their_events()
    {
        string image = Targets.Path("calls-pie");
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        List<string> order = [];
        using FollowedCalls calls = FollowedCalls.Of(target, image);
        ProbePoint work = ProbePoint.At(image, "work");
        foreach (string name in (string[])["first", "second"])
        {
            calls.Session.RegisterReturn(work, new ReturnHandlers
            {
                Entry = _ => { order.Add($"{name} in"); return name; },
                Return = hit => { Assert.Equal(name, hit.State); order.Add($"{name} out"); },
            });
        }

        calls.Session.Register(work, new ProbeHandlers { Pre = _ => order.Add("pre"), Post = _ => order.Add("post") });
        target.Ask("work 2");
        string[] once = ["first in", "second in", "pre", "post", "second out", "first out"];
        Assert.Equal([.. once, .. once], order);
        calls.AssertQuiet();
    }

    [Fact]
    public void A_call_whose_entry_handler_does_not_want_the_return_has_none()
    {
        string image = Targets.Path("calls-pie");
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        List<ulong> returned = [];
        using FollowedCalls calls = FollowedCalls.Of(target, image);
        calls.Session.RegisterReturn(ProbePoint.At(image, "fact"), new ReturnHandlers
        {
            Entry = hit => hit.Arg(0) % 2 == 0 ? hit.Arg(0) : ReturnHandlers.SkipReturn,
            Return = hit => returned.Add((ulong)hit.State!),
        });
        target.Ask("fact 2");
        Assert.Equal([2, 4, 6, 8, 10, 2, 4, 6, 8, 10], returned);
        calls.AssertQuiet();
    }

    [Fact]
    public void A_probe_at_the_place_of_return_fires_after_the_return()
    {
        string image = Targets.Path("calls-pie");
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string expected = target.Ask("work 3");
        List<string> order = [];
        using FollowedCalls calls = FollowedCalls.Of(target, image);
        ulong entry = 0, back = 0;
        ProbeRegistration work = calls.Session.RegisterReturn(ProbePoint.At(image, "work"), new ReturnHandlers
        {
            Entry = hit => { entry = hit.Address.Value; order.Add("in"); return null; },
            Return = hit => { back = hit.Address.Value; order.Add("out"); },
        });
        Assert.Equal(expected, target.Ask("work 3"));
        // The call, its place of return, and the instruction that follows: neighbours, all with their own probes.
        FileOffset place = new(work.Offset.Value + (back - entry));
        calls.Session.Register(ProbePoint.At(image, new FileOffset(place.Value - 5)), new ProbeHandlers { Pre = _ => order.Add("call") });
        ProbeRegistration at = calls.Session.Register(ProbePoint.At(image, place), new ProbeHandlers { Pre = _ => order.Add("place"), Post = _ => order.Add("past") });
        order.Clear();
        Assert.Equal(expected, target.Ask("work 3"));
        string[] once = ["call", "in", "out", "place", "past"];
        Assert.Equal(Enumerable.Repeat(once, 3).SelectMany(o => o), order);
        work.Dispose();
        order.Clear();
        target.Ask("work 1");
        Assert.Equal(["call", "place", "past"], order);
        at.Dispose();
        calls.AssertQuiet();
    }

    [Fact]
    public void Callers_made_at_run_time_are_counted_as_lost_and_told_once()
    {
        using TargetProcess target = TargetProcess.StartTarget("returns");
        string expected = target.Ask("anonymous 20");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("returns"), "work");
        Assert.Equal(expected, target.Ask("anonymous 20"));
        Assert.Equal((20L, 0L, 20L), (calls["work"].Entries, calls["work"].Returns, calls["work"].Registration!.LostReturns));
        SessionNotice notice = Assert.Single(calls.Notices);
        Assert.Equal(NoticeKind.ReturnLost, notice.Kind);
        Assert.Contains("code made at run time", notice.Message, StringComparison.Ordinal);
        Assert.Equal(0, calls.Session.AwaitedReturns);
    }
}
