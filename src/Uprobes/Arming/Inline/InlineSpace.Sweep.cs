using System.Diagnostics;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Keys that programs have deleted make room for others while no thread is in a program.</summary>
internal sealed partial class InlineSpace
{
    /// <summary>For one part of the time in which threads are stopped for it, they run so many.</summary>
    private const int RunsPerStop = 20;

    /// <summary>When threads may be stopped for it again; a time stamp of the stop watch.</summary>
    private long _nextSweep;

    /// <summary>Whether a map of a program here has many keys that were deleted, and the threads have not been stopped for that lately.</summary>
    internal bool IsSweepDue => Stopwatch.GetTimestamp() >= _nextSweep && _programs.Values.Any(p => p.Run.IsSweepDue(p.Memory));

    /// <summary>Takes such keys out. Where a thread stays in a program, the next look is for it.</summary>
    /// <returns>How long the threads were stopped.</returns>
    internal TimeSpan SweepMaps()
    {
        using SpaceStop stop = new(services.Tracer, space);
        if (!stop.IsGone && stop.Unstoppable.Count == 0 && stop.Threads.All(IsOutOfPrograms) && !IsReturnedTo(stop.Threads))
        {
            foreach (ProgramSpace program in _programs.Values)
                program.Run.Sweep(program.Memory);
        }

        TimeSpan stopped = stop.Elapsed;
        _nextSweep = Stopwatch.GetTimestamp() + (long)(stopped.TotalSeconds * RunsPerStop * Stopwatch.Frequency);
        return stopped;
    }

    /// <summary>Has a stopped thread leave the program that it is in, if any. Displaced instructions are none: it may wait in one for long.</summary>
    private bool IsOutOfPrograms(TracedThread thread)
    {
        return IsOut() || RollForward(thread, staysPatched: true) || IsOut();

        bool IsOut() => Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0 || !IsInTrampolines(registers.Rip)
            || (OwnerOf(registers.Rip) is (_, { } trampoline) && trampoline.PositionOf(registers.Rip) is not null);
    }
}
