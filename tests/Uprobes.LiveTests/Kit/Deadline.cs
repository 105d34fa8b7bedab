using System.Diagnostics;

namespace Uprobes.LiveTests.Kit;

/// <summary>A moment after which waiting is a failure. Every wait of the kit has one; the default is a minute.</summary>
public readonly struct Deadline
{
    private readonly long end;

    private Deadline(long end) => this.end = end;

    public static readonly TimeSpan Default = TimeSpan.FromSeconds(60);

    public static Deadline In(TimeSpan? time) =>
        new(Stopwatch.GetTimestamp() + (long)((time ?? Default).TotalSeconds * Stopwatch.Frequency));

    public bool HasPassed => Stopwatch.GetTimestamp() >= end;

    /// <summary>What is left, for poll(2): rounded up, so that 0 means that it has passed.</summary>
    public int Milliseconds
    {
        get
        {
            long left = end - Stopwatch.GetTimestamp();
            return left <= 0 ? 0 : (int)Math.Min(int.MaxValue, (left * 1000 / Stopwatch.Frequency) + 1);
        }
    }
}
