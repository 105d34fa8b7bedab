using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Returns;

public sealed class TailCallTests
{
    [Fact]
    public void Every_call_of_a_chain_of_tail_calls_returns()
    {
        const int N = 1000;
        using TargetProcess target = TargetProcess.StartTarget("tail");
        string expected = target.Ask($"go {N}");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("tail"), "even", "odd", "self_tail", "first", "second", "third");
        Assert.Equal(expected, target.Ask($"go {N}", TimeSpan.FromSeconds(60)));
        foreach (FollowedFunction function in calls.Functions)
            Assert.Equal((function.Name, function.Entries), (function.Name, function.Returns));
        Assert.Equal(N + 1, calls["self_tail"].Returns);
        Assert.Equal(2 * (N + 1), calls["even"].Returns + calls["odd"].Returns);
        calls.AssertQuiet();
    }

    [Theory]
    [InlineData("self_tail", 1001)]
    [InlineData("even", 1001)]
    public void One_function_that_comes_to_itself_by_jumps_returns_as_often_as_it_was_entered(string function, int entries)
    {
        using TargetProcess target = TargetProcess.StartTarget("tail");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("tail"), function);
        for (int round = 1; round <= 3; round++)
        {
            target.Ask("go 1000", TimeSpan.FromSeconds(60));
            Assert.Equal(round * entries, calls[function].Entries);
            Assert.Equal(round * entries, calls[function].Returns);
        }

        calls.AssertQuiet();
    }

    [Fact]
    public void Twenty_thousand_tail_calls_in_a_row_return_in_the_order_of_the_innermost_first()
    {
        using TargetProcess target = TargetProcess.StartTarget("tail");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("tail"), "self_tail");
        target.Ask("go 19999", TimeSpan.FromSeconds(90));
        Assert.Equal(20_000, calls["self_tail"].Returns);
        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => (ulong)i), calls["self_tail"].Results.Select(r => r.Argument));
        calls.AssertQuiet();
    }
}
