using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Returns;

/// <summary>Exceptions and ends of threads pass through followed calls as if nobody looked.</summary>
public sealed class ThrowTests
{
    [Theory]
    [InlineData("deep")]
    [InlineData("again")]
    [InlineData("nested")]
    [InlineData("library")]
    [InlineData("go")]
    public void Exceptions_are_caught_where_they_would_be(string command)
    {
        const int N = 60;
        using TargetProcess target = TargetProcess.StartTarget("throw");
        string expected = target.Ask($"{command} {N}");
        string image = Targets.Path("throw"), library = Targets.Path("libthrow.so");
        using (FollowedCalls calls = FollowedCalls.Of(target, image, "level", "throw_again", "throw_nested", "returns_normally", "called_back"))
        {
            calls.Add(library, "library_throw");
            calls.Add(library, "library_call");
            Assert.Equal(expected, target.Ask($"{command} {N}", TimeSpan.FromSeconds(60)));
            Assert.Equal((N, N), (calls["returns_normally"].Entries, calls["returns_normally"].Returns));
            Assert.Equal(0, calls["level"].Returns + calls["throw_again"].Returns + calls["throw_nested"].Returns);
            if (command is "library" or "go")
            {
                // Every third is thrown, and every other one of those goes through the library as well.
                Assert.Equal((N, N * 2 / 3), (calls["library_throw"].Entries, calls["library_throw"].Returns));
                Assert.Equal((N, N * 2 / 3), (calls["called_back"].Entries, calls["called_back"].Returns));
                Assert.Equal((N, N * 5 / 6), (calls["library_call"].Entries, calls["library_call"].Returns));
            }

            calls.AssertQuiet();
        }

        TextComparison.AssertSame(target.Pid);
    }

    [Theory]
    [InlineData("exit", 0)]
    [InlineData("cancel", 0)]
    [InlineData("both", 4)]
    public void Threads_that_end_inside_calls_leave_no_call_awaited(string command, int returns)
    {
        const int N = 50;
        using TargetProcess target = TargetProcess.StartTarget("cancel");
        string expected = target.Ask($"{command} {N}");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("cancel"), "sinks");
        Assert.Equal(expected, target.Ask($"{command} {N}", TimeSpan.FromSeconds(60)));
        Assert.Equal((4 * N, returns * N), (calls["sinks"].Entries, calls["sinks"].Returns));
        calls.AssertQuiet();
    }
}
