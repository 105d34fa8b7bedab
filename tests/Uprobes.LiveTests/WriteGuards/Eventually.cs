namespace Uprobes.LiveTests.WriteGuards;

/// <summary>Waits for a state of the system that nothing announces, with a deadline.</summary>
internal static class Eventually
{
    internal static void Holds(Func<bool> condition, string what) =>
        Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)), $"never came true: {what}");
}
