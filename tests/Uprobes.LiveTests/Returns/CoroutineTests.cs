using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Returns;

public sealed class CoroutineTests
{
    [Fact]
    public void A_hundred_interleaved_coroutines_return_from_every_call()
    {
        using TargetProcess target = TargetProcess.StartTarget("jumps");
        string expected = target.Ask("context 20");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("jumps"), "yields", "routine");
        Assert.Equal(expected, target.Ask("context 20", TimeSpan.FromSeconds(60)));
        // 1 + index % 5 levels, and one more for the bottom: 4 on average.
        Assert.Equal((8000L, 8000L), (calls["yields"].Entries, calls["yields"].Returns));
        Assert.Equal((100L, 100L), (calls["routine"].Entries, calls["routine"].Returns));
        calls.AssertQuiet();
    }

    [Fact]
    public void Calls_that_begin_in_one_thread_and_return_in_another_are_followed()
    {
        using TargetProcess target = TargetProcess.StartTarget("cancel");
        string expected = target.Ask("move 50");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("cancel"), "strays");
        Assert.Equal(expected, target.Ask("move 50", TimeSpan.FromSeconds(60)));
        Assert.Equal((50L, 50L), (calls["strays"].Entries, calls["strays"].Returns));
        Assert.All(calls["strays"].Results, r => Assert.Equal(r.Argument * 3, r.Value));
        Assert.Equal(0, calls.Session.AwaitedReturns);
        Assert.Empty(calls.Notices);
    }
}
