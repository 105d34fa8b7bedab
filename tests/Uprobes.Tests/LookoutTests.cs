namespace Uprobes.Tests;

/// <summary>Something that is done again and again.</summary>
public sealed class LookoutTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(1), Most = TimeSpan.FromSeconds(30);

    [Fact]
    public void Whoever_is_told_that_it_failed_can_end_it()
    {
        using ManualResetEventSlim made = new(), ended = new();
        Lookout? lookout = null;
        Exception? told = null;
        lookout = new Lookout(Interval, () => throw new InvalidOperationException("lost"), error =>
        {
            made.Wait();
            told = error;
            lookout!.Dispose();
            ended.Set();
        });
        made.Set();
        Assert.True(ended.Wait(Most, TestContext.Current.CancellationToken));
        Assert.Equal("lost", Assert.IsType<InvalidOperationException>(told).Message);
    }
}
