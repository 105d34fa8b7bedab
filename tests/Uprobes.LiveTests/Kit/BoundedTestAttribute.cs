using System.Collections.Concurrent;
using System.Reflection;
using Xunit.v3;

namespace Uprobes.LiveTests.Kit;

/// <summary>
/// Gives every test of the assembly its limit. When it passes, all targets are killed, which ends every wait on one, so that
/// the test fails with what it was waiting for; where even that does not end it, the run is aborted with the test's name
/// after a long while, since that costs the results of all others.
/// A test that leaves a process behind fails.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class BoundedTestAttribute : BeforeAfterTestAttribute
{
    private static readonly TimeSpan Standard = TimeSpan.FromSeconds(120), Grace = TimeSpan.FromSeconds(60);
    private readonly ConcurrentDictionary<string, Timer> running = new();
    private readonly ConcurrentDictionary<string, bool> exceeded = new();

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        TestLimitAttribute? limit = methodUnderTest.GetCustomAttribute<TestLimitAttribute>()
            ?? methodUnderTest.DeclaringType?.GetCustomAttribute<TestLimitAttribute>();
        TimeSpan time = limit is null ? Standard : TimeSpan.FromSeconds(limit.Seconds);
        string name = test.TestDisplayName, id = test.UniqueID;
        int fired = 0;
        running[id] = new Timer(_ =>
        {
            if (fired++ > 0)
                Environment.FailFast($"{name} still runs {Grace.TotalSeconds} s after its targets were killed");
            exceeded[id] = true;
            Console.Error.WriteLine($"{name} exceeds its limit of {time.TotalSeconds} s: its targets are killed");
            Ledger.KillAll();
        }, null, time, Grace);
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (running.TryRemove(test.UniqueID, out Timer? timer))
            timer.Dispose();
        IReadOnlyList<string> left = Ledger.Leftovers;
        if (left.Count > 0)
        {
            Ledger.KillAndForget(); // the tests after this one are not to blame
            Assert.Fail($"The test left processes behind: {string.Join("; ", left)}");
        }

        if (exceeded.TryRemove(test.UniqueID, out _))
            Assert.Fail("The test exceeded its limit, and its targets were killed");
    }
}
