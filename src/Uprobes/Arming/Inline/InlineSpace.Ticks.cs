using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Processes.X64;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline;

/// <summary>
/// Programs that have the time stamp counter raise SIGSEGV (prctl(2), PR_SET_TSC): what reads it is not run in them. Where they have it so
/// after programs were armed, or in another thread than was asked, the tracer answers for the counter.
/// </summary>
internal sealed partial class InlineSpace
{
    private const int TicksRaiseSignals = 2; // PR_TSC_SIGSEGV
    private bool? _hasTicks;

    /// <summary>Whether a program of the point reads the counter.</summary>
    internal static bool NeedsTicks(ArmedPoint point) => point.Sink.Programs?.Any(p => ProgramNeeds.Ticks(p.Group)) == true;

    private bool HasTicks(TracedProcess process) => _hasTicks ??= MayReadTicks(process);

    private bool MayReadTicks(TracedProcess process)
    {
        const ulong Size = 4096;
        Span<byte> mode = stackalloc byte[sizeof(int)];
        ulong place = 0;
        RemoteCallResult asked = services.WithStoppedThread(process, space, thread =>
        {
            RemoteCallResult mapped = services.Calls.MapData(thread, Size);
            if (!mapped.IsSuccess)
                return mapped;
            place = mapped.Value;
            return services.Calls.GetTickMode(thread, new RemoteAddress(place));
        });
        bool isKnown = asked.IsSuccess && space.Memory.Read(new RemoteAddress(place), mode) == mode.Length;
        if (place != 0)
            services.WithStoppedThread(process, space, thread => services.Calls.Unmap(thread, place, Size));
        return isKnown && BitConverter.ToInt32(mode) != TicksRaiseSignals;
    }

    /// <summary>Says that programs cannot read the counter. False where that is known already.</summary>
    internal bool LoseTicks()
    {
        bool isNews = _hasTicks != false;
        _hasTicks = false;
        return isNews;
    }

    /// <summary>Where a program's code, not an instruction of the target, has raised SIGSEGV by reading the counter, has it read.</summary>
    /// <param name="thread">Stopped.</param>
    /// <param name="passage">What the thread runs on; null where it runs the code itself.</param>
    /// <returns>Whether it was that.</returns>
    internal bool AnswerTicks(TracedThread thread, Passage? passage)
    {
        ReadOnlySpan<byte> instruction = [0x0F, 0x31]; // rdtsc
        Span<byte> now = stackalloc byte[instruction.Length];
        if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
            return false; // Killed meanwhile.
        ulong code = passage?.OriginalOf(registers.Rip) ?? registers.Rip;
        if (!IsInTrampolines(code) || (OwnerOf(code) is ({ }, { } trampoline) && trampoline.PositionOf(code) is not null)
            || space.Memory.Read(new RemoteAddress(code), now) != now.Length || !now.SequenceEqual(instruction))
            return false;
        ulong ticks = services.Clock.Value.ToTicks(MonotonicClock.Nanoseconds);
        (registers.Rax, registers.Rdx) = ((uint)ticks, ticks >> 32);
        registers.Rip += (ulong)instruction.Length;
        _ = Ptrace.SetRegisters(thread.ThreadId, registers); // ESRCH: killed meanwhile.
        return true;
    }
}
