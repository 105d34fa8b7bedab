using Uprobes.Linux;

namespace Uprobes.Channels.X64;

/// <summary>The processor's time stamp counter, which .NET has no way to read: a function of machine code in a page of its own.</summary>
internal sealed unsafe class TickCounter : IDisposable
{
    // rdtsc
    // shl rdx, 32
    // or  rax, rdx
    // ret
    private static ReadOnlySpan<byte> Code => [0x0F, 0x31, 0x48, 0xC1, 0xE2, 0x20, 0x48, 0x09, 0xD0, 0xC3];

    private readonly AnonymousMapping _page = AnonymousMapping.Create(AnonymousMapping.PageSize);
    private readonly delegate* unmanaged[SuppressGCTransition]<ulong> _read;

    /// <exception cref="SyscallException">No memory, or a policy forbids to make it executable.</exception>
    internal TickCounter()
    {
        Code.CopyTo(new Span<byte>((void*)_page.Address, Code.Length));
        _page.MakeExecutable(0, AnonymousMapping.PageSize);
        _read = (delegate* unmanaged[SuppressGCTransition]<ulong>)_page.Address;
    }

    /// <summary>
    /// Reads the counter and CLOCK_MONOTONIC at the same moment, as nearly as a few attempts can: the clock is read between two
    /// readings of the counter, and the closest pair counts.
    /// </summary>
    internal TickSample Sample()
    {
        const int Attempts = 16;
        ObjectDisposedException.ThrowIf(_page.IsClosed, this);
        var best = new TickSample(0, 0, ulong.MaxValue);
        for (int i = 0; i < Attempts; i++)
        {
            // SAFETY: the page holds the function above; whoever disposes the counter calls nothing on it at the same time.
            ulong before = _read();
            long nanoseconds = MonotonicClock.Nanoseconds;
            ulong window = _read() - before;
            if (window < best.Window)
                best = new TickSample(before + (window / 2), nanoseconds, window);
        }

        return best;
    }

    public void Dispose() => _page.Dispose();
}
