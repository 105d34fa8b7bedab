using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Returns;

public sealed class PlainReturnTests
{
    [Fact]
    public void Every_level_of_a_recursion_returns_its_own_value()
    {
        string image = Targets.Path("calls-pie");
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string expected = target.Ask("fact 3");
        using FollowedCalls calls = FollowedCalls.Of(target, image, "fact");
        Assert.Equal(expected, target.Ask("fact 3"));
        FollowedFunction fact = calls["fact"];
        Assert.Equal(30, fact.Returns);
        ulong product = 1;
        foreach ((ulong argument, ulong value, TimeSpan duration, int process, int thread) in fact.Results.Take(10))
        {
            product *= argument;
            Assert.Equal(product, value);
            Assert.InRange(duration, TimeSpan.FromTicks(1), TimeSpan.FromMinutes(1));
            Assert.Equal(target.Pid, process);
            Assert.Equal(target.Pid, thread);
        }

        Assert.Equal(fact.Results.Take(10).Select(r => r.Duration).Order(), fact.Results.Take(10).Select(r => r.Duration));
        calls.AssertQuiet();
    }

    [Fact]
    public void A_recursion_ten_thousand_deep_returns_from_every_level()
    {
        using TargetProcess target = TargetProcess.StartTarget("returns");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("returns"), "down");
        Assert.Equal("10000", target.Ask("depth 10000", TimeSpan.FromSeconds(60)));
        Assert.Equal(10_001, calls["down"].Entries);
        Assert.Equal(10_001, calls["down"].Returns);
        Assert.All(calls["down"].Results, r => Assert.Equal(r.Argument, r.Value));
        calls.AssertQuiet();
    }

    [Fact]
    public void Returns_to_two_hundred_places_are_all_seen()
    {
        using TargetProcess target = TargetProcess.StartTarget("returns");
        string expected = target.Ask("sites 5");
        using (FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("returns"), "work"))
        {
            Assert.Equal(expected, target.Ask("sites 5"));
            Assert.Equal(1000, calls["work"].Returns);
            calls.AssertQuiet();
        }

        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void Functions_that_take_their_arguments_off_the_stack_return()
    {
        using TargetProcess target = TargetProcess.StartTarget("insns");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("insns"), "i_ret16", "via_ret16");
        Assert.Equal("0", target.Ask("go 20"));
        Assert.Equal(20, calls["i_ret16"].Returns);
        Assert.Equal(20, calls["via_ret16"].Returns);
        calls.AssertQuiet();
    }

    [Fact]
    public void Eight_threads_return_each_on_its_own()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("threads"), "work", "body");
        Assert.Equal("8000", target.Ask("go 8 1000", TimeSpan.FromSeconds(60)));
        Assert.Equal(8000, calls["work"].Returns);
        Assert.Equal(8, calls["body"].Returns);
        Assert.Equal(8, calls["work"].Results.Select(r => r.ThreadId).Distinct().Count());
        Assert.All(calls["work"].Results.GroupBy(r => r.ThreadId), g => Assert.Equal(1000, g.Count()));
        calls.AssertQuiet();
    }

    [Fact]
    public void A_thousand_threads_one_after_another_leave_nothing_awaited()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("threads"), "work");
        Assert.Equal("1000", target.Ask("births 1000", TimeSpan.FromSeconds(60)));
        Assert.Equal(1000, calls["work"].Returns);
        calls.AssertQuiet();
    }

    [Fact]
    public void Backtraces_and_callers_read_by_the_program_are_what_they_were()
    {
        using TargetProcess target = TargetProcess.StartTarget("returns");
        string expected = target.Ask("trace 20");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("returns"), "looks", "through");
        Assert.Equal(expected, target.Ask("trace 20"));
        Assert.Equal(20, calls["looks"].Returns);
        Assert.Equal(20, calls["through"].Returns);
        calls.AssertQuiet();
    }
}
