using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Returns;

/// <summary>Calls that are left by longjmp and its like have no return, and the next call at their place has its own.</summary>
public sealed class JumpTests
{
    /// <summary>Commands and functions of the target <c>exits</c>; the odd calls of some return.</summary>
    public static TheoryData<string, string, string, int> Ways()
    {
        TheoryData<string, string, string, int> ways = [];
        foreach (string program in (string[])["exits", "exits-static", "exits-stripped", "exits-musl"])
        {
            ways.Add(program, "leap", "leaps", 0);
            ways.Add(program, "sometimes", "leaps", 2);
            ways.Add(program, "alt", "raises", 0);
            ways.Add(program, "homemade", "homes", 2);
            if (program == "exits-musl")
                continue;
            ways.Add(program, "hop", "hops", 2);
            ways.Add(program, "abandon", "parks", 2);
        }

        return ways;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Only_the_calls_that_return_are_seen_to_return(string program, string command, string function, int every)
    {
        const int N = 500;
        using TargetProcess target = TargetProcess.StartTarget(program);
        string expected = target.Ask($"{command} {N}");
        using (FollowedCalls calls = FollowedCalls.Of(target, Targets.Path(program), function))
        {
            Assert.Equal(expected, target.Ask($"{command} {N}", TimeSpan.FromSeconds(60)));
            Assert.Equal(N, calls[function].Entries);
            Assert.Equal(every == 0 ? 0 : N / every, calls[function].Returns);
            Assert.All(calls[function].Results, r => Assert.Equal(r.Argument, r.Value));
            Assert.InRange(calls.Session.AwaitedReturns, 0, program == "exits-stripped" || command == "homemade" || command == "abandon" ? 1 : 0);
            Assert.Empty(calls.Notices);
        }

        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void A_hundred_thousand_jumps_leave_nothing_behind()
    {
        using TargetProcess target = TargetProcess.StartTarget("exits");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("exits"), "leaps");
        target.Ask("leap 100000", TimeSpan.FromSeconds(100));
        Assert.Equal(100_000, calls["leaps"].Entries);
        Assert.Equal(0, calls["leaps"].Returns);
        calls.AssertQuiet();
    }

    [Fact]
    public void A_jump_out_of_nested_calls_and_out_of_a_signal_handler_leaves_them_all()
    {
        using TargetProcess target = TargetProcess.StartTarget("jumps");
        string expected = target.Ask("long 100") + target.Ask("signal 100");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("jumps"), "descend", "raiser", "work");
        Assert.Equal(expected, target.Ask("long 100") + target.Ask("signal 100"));
        Assert.Equal((700L, 0L), (calls["descend"].Entries, calls["descend"].Returns));
        Assert.Equal((400L, 0L), (calls["raiser"].Entries, calls["raiser"].Returns));
        Assert.Equal((100L, 100L), (calls["work"].Entries, calls["work"].Returns));
        calls.AssertQuiet();
    }

    [Fact]
    public void The_jumping_functions_themselves_can_be_followed()
    {
        using TargetProcess target = TargetProcess.StartTarget("exits");
        string expected = target.Ask("sometimes 100");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("exits"), "leaps");
        FollowedFunction jump = calls.Add("libc", "longjmp"), set = calls.Add("libc", "_setjmp");
        Assert.Equal(expected, target.Ask("sometimes 100"));
        Assert.Equal((50L, 0L), (jump.Entries, jump.Returns));
        Assert.Equal((100L, 100L), (set.Entries, set.Returns));
        Assert.Equal(50, calls["leaps"].Returns);
        calls.AssertQuiet();
    }
}
