using System.Diagnostics;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming;

/// <summary>
/// All threads that run in one address space, stopped for as long as this lives: also those of a child that has borrowed it
/// (vfork). Those that were stopped before stay so. On the tracer thread only.
/// </summary>
internal sealed class SpaceStop : IDisposable
{
    private readonly HashSet<TracedThread> _before;
    private readonly TracedProcess[] _processes;
    private readonly long _start = Stopwatch.GetTimestamp();

    internal SpaceStop(Tracer tracer, AddressSpace space)
    {
        _processes = [.. tracer.Processes.Where(p => p.RunsIn(space))];
        _before = [.. _processes.SelectMany(p => p.Threads.Values).Where(t => t.State == TraceState.Stopped)];
        foreach (TracedProcess process in _processes)
        {
            foreach (TracedThread thread in tracer.StopAll(process))
            {
                if (ThreadStatus.TryRead(thread.ThreadId) is { State: not ('Z' or 'X') })
                    Unstoppable.Add(thread);
            }
        }

        // The process may have ended, or executed another program, while it was stopped.
        _processes = [.. _processes.Where(p => p.RunsIn(space))];
    }

    /// <summary>Those that did not stop in time.</summary>
    internal List<TracedThread> Unstoppable { get; } = [];

    internal bool IsGone => _processes.Length == 0;

    internal IEnumerable<TracedThread> Threads =>
        _processes.SelectMany(p => p.Threads.Values).Where(t => t.State == TraceState.Stopped).ToArray();

    /// <summary>The threads with their registers, as they are now; those that were killed meanwhile are not among them.</summary>
    internal List<(TracedThread Thread, UserRegisters Registers)> ReadRegisters()
    {
        List<(TracedThread, UserRegisters)> all = [];
        foreach (TracedThread thread in Threads)
        {
            if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) == 0)
                all.Add((thread, registers));
        }

        return all;
    }

    /// <summary>How long the threads have been stopped.</summary>
    internal TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    public void Dispose()
    {
        foreach (TracedThread thread in _processes.SelectMany(p => p.Threads.Values).ToArray())
        {
            if (thread.State == TraceState.Stopped && !thread.IsHeld && !_before.Contains(thread))
                Tracer.Resume(thread);
        }
    }
}
