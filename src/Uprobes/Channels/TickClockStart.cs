using Uprobes.Channels.X64;
using Uprobes.Linux;

namespace Uprobes.Channels;

/// <summary>
/// The beginning of a <see cref="TickClock"/>: its first sample, which has to be a millisecond old when the clock is made. Taken early, nobody waits for that.
/// </summary>
internal sealed class TickClockStart : IDisposable
{
    private readonly TickCounter? _counter;

    /// <summary>Takes the sample. Where it cannot be taken, those who need the clock are told.</summary>
    internal TickClockStart()
    {
        try
        {
            TickCounter counter = _counter = new TickCounter();
            TickSample first = counter.Sample();
            Clock = new Lazy<TickClock>(() => TickClock.Create(counter, first));
        }
        catch (SyscallException e)
        {
            Clock = new Lazy<TickClock>(() => throw e);
        }
    }

    /// <summary>The clock, made at its first use.</summary>
    internal Lazy<TickClock> Clock { get; }

    public void Dispose()
    {
        if (Clock.IsValueCreated)
            Clock.Value.Dispose();
        _counter?.Dispose();
    }
}
