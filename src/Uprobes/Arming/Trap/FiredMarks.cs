using Uprobes.Linux;

namespace Uprobes.Arming.Trap;

/// <summary>
/// The marks of one thread, the newest last: signal handlers nest, and hit probes of their own. While a handler is awaited the
/// thread's system calls are traced, since the end of rt_sigreturn is the one moment that tells a return from a handler
/// from a jump out of it. On the tracer thread only.
/// </summary>
internal sealed class FiredMarks
{
    /// <summary>Handlers that never return leave marks behind; so many of them, and so many system calls after the last, are kept.</summary>
    private const int MostMarks = 64, MostSystemCalls = 4096;
    private readonly List<FiredMark> _marks = [];
    private int _awaited;
    private int _systemCalls;

    /// <summary>Whether the thread's system calls have to be traced.</summary>
    internal bool AwaitsHandlers => _awaited > 0;

    internal void Add(FiredMark mark)
    {
        if (_marks.Count == MostMarks)
            RemoveAt(0);
        _marks.Add(mark);
        _awaited += mark.AwaitsHandler ? 1 : 0;
        _systemCalls = 0;
    }

    /// <summary>
    /// Tells at a hit whether its handlers have been called already. A thread that comes to any other site first has not gone
    /// on from where it was taken back to, and one that comes to a site again from within its handler has left it.
    /// </summary>
    internal bool TakeAtHit(Site site, in UserRegisters registers)
    {
        if (_marks.Count == 0)
            return false;
        bool again = false;
        if (!_marks[^1].AwaitsHandler)
        {
            again = _marks[^1].Matches(site, registers);
            RemoveAt(_marks.Count - 1);
        }

        for (int i = _marks.Count - 1; i >= 0 && !again; i--)
        {
            if (ReferenceEquals(_marks[i].Site, site) && _marks[i].Registers.Rsp == registers.Rsp)
                RemoveAt(i);
        }

        return again;
    }

    /// <summary>A system call was entered or left. Gives the site to which a signal handler has just returned, if it was taken from there.</summary>
    internal Site? TakeAtSystemCall(in UserRegisters registers)
    {
        // Only rt_sigreturn leaves no system call number behind (arch/x86/kernel/signal_64.c).
        if (registers.OrigRax != ulong.MaxValue)
        {
            if (++_systemCalls > MostSystemCalls)
                Clear();
            return null;
        }

        ulong rsp = registers.Rsp;
        int index = _marks.FindLastIndex(m => m.AwaitsHandler && m.Registers.Rsp == rsp);
        if (index < 0)
            return null;
        Site site = _marks[index].Site;
        while (_marks.Count > index)
            RemoveAt(_marks.Count - 1);
        return registers.Rip == site.Address ? site : null;
    }

    private void Clear()
    {
        _marks.Clear();
        _awaited = 0;
    }

    private void RemoveAt(int index)
    {
        _awaited -= _marks[index].AwaitsHandler ? 1 : 0;
        _marks.RemoveAt(index);
    }
}
