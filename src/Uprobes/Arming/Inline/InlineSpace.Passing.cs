using Uprobes.Arming.Inline.X64;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline;

/// <summary>
/// Letting one thread run to a place in code of ours. Others run there too, and the tracer may be killed at any moment: so no code that is in use is
/// changed, and the thread goes on by itself from wherever it is.
/// </summary>
internal sealed partial class InlineSpace
{
    private static readonly TimeSpan PassageDeadline = TimeSpan.FromSeconds(2);

    /// <summary>Signals that an instruction raises: blocked, they would end the program (kernel/signal.c, force_sig_info_to_task).</summary>
    private static readonly ulong RaisedByInstructions = Signal.Bit(Signal.SIGSEGV) | Signal.Bit(Signal.SIGBUS) | Signal.Bit(Signal.SIGFPE)
        | Signal.Bit(Signal.SIGILL) | Signal.Bit(Signal.SIGTRAP);

    /// <summary>Threads that have raised a signal on their last passage, and where.</summary>
    private readonly Dictionary<int, ulong> _raising = [];

    /// <summary>
    /// Lets one thread run to a place, with its signals held back. A signal that it was about to get is pending afterwards, and the thread in
    /// a signal's stop no more; but one that others of its kind are queued behind is about to be delivered again.
    /// </summary>
    /// <param name="thread">Stopped between the two.</param>
    /// <param name="from">Where the piece of code begins.</param>
    /// <param name="place">Behind the piece.</param>
    /// <returns>Whether it is there, or gone.</returns>
    private bool RunTo(TracedThread thread, ulong from, ulong place)
    {
        int tid = thread.ThreadId;
        byte[] piece = new byte[(int)(place - from)];
        if (Ptrace.GetRegisters(tid, out UserRegisters registers) != 0)
            return true; // Killed meanwhile.
        if (_raising.Remove(tid, out ulong raising) && raising == registers.Rip)
            return false; // It would again.
        if (Ptrace.GetSignalMask(tid, out ulong mask) != 0 || space.Memory.Read(new RemoteAddress(from), piece) != piece.Length)
            return false;
        int most = Passage.MostBytes(piece.Length);
        if (_chunks.Find(c => c.Contains(from)) is not { } chunk || !chunk.TryTake(most, out ulong start))
        {
            // The thunks' code refers to nothing by its distance.
            bool isThunk = _thunks?.Contains(from) == true;
            if (_chunks.Find(c => (isThunk || c.Reaches(from)) && c.HasRoom(most, 0)) is not { } other || !other.TryTake(most, out start))
                return false;
            chunk = other;
        }

        bool isVacated = true;
        if (Passage.Make(piece, from, start, mask) is not { } passage || passage.Code.Length > most || passage.CopyOf(registers.Rip) is not { } entry
            || space.Memory.WriteAll(new RemoteAddress(start), passage.Code) != 0)
        {
            chunk.Return(start, most);
            return false;
        }

        services.Step?.Invoke("passage written");
        bool arrived = Pass(thread, passage, entry, place, mask, ref isVacated);
        if (isVacated)
            chunk.Return(start, most);
        return arrived;
    }

    /// <remarks>isVacated: whether the thread is out of the copy; if not, it passes the copy's end by itself, and the copy has to stay.</remarks>
    private bool Pass(TracedThread thread, Passage passage, ulong entry, ulong place, ulong mask, ref bool isVacated)
    {
        int tid = thread.ThreadId;
        bool isStoppedByJob = thread.InGroupStop;
        Ptrace.SignalInfo info = default;
        int held = thread.InSignalStop && Ptrace.GetSignalInfo(tid, out info) == 0 ? info.Number : 0;
        // Pending again, it would be behind others of its kind. A tracer killed on the way takes such a one with it.
        bool isQueued = held >= Signal.FirstQueued && ThreadStatus.TryRead(tid) is { } status && (status.Pending & Signal.Bit(held)) != 0;
        if (Ptrace.SetInstructionPointer(tid, entry) != 0)
            return true; // Killed meanwhile.
        services.Step?.Invoke("thread on its passage");
        // The kernel keeps a signal that is to be delivered while it is blocked for later, as it is (kernel/signal.c, ptrace_signal).
        _ = Ptrace.SetSignalMask(tid, ~RaisedByInstructions | (held == 0 ? 0 : Signal.Bit(held)));
        services.Step?.Invoke("passage signals blocked");
        List<int> early = [];
        bool arrived = Arrives(thread, passage, isQueued ? 0 : held, early, ref isStoppedByJob);
        if (thread.State != TraceState.Stopped || Ptrace.GetRegisters(tid, out UserRegisters registers) != 0)
            return isVacated = thread.State == TraceState.Gone;
        if (arrived && Passage.TryUndo(ref registers, (address, bytes) => space.Memory.Read(new RemoteAddress(address), bytes)))
        {
            registers.Rip = place;
            _ = Ptrace.SetRegisters(tid, registers);
        }
        else if (passage.OriginalOf(registers.Rip) is { } original)
        {
            // A displaced instruction has raised a signal, and does so again where it is looked for.
            (arrived, registers.Rip) = (false, original);
            _raising[tid] = original;
            _ = Ptrace.SetRegisters(tid, registers);
            _ = Ptrace.SetSignalMask(tid, mask);
        }
        else
        {
            (arrived, isVacated) = (false, !passage.Contains(registers.Rip));
        }

        services.Step?.Invoke("passage over");
        if (isQueued)
            TakeUp(thread, info);
        foreach (int sent in early)
            _ = Tasks.KillThread(thread.Process.ProcessId, tid, sent); // ESRCH: killed meanwhile.
        if (isStoppedByJob)
            Tracer.StopNext(thread); // Its process is stopped, unless it has been continued meanwhile: the kernel knows.
        return arrived;
    }

    /// <summary>Brings a thread into a signal's stop, without letting it run, and puts a signal that was taken from it before in that one's place.</summary>
    private void TakeUp(TracedThread thread, in Ptrace.SignalInfo taken)
    {
        int tid = thread.ThreadId;
        if (ThreadStatus.TryRead(tid) is not { } status || Ptrace.GetSignalMask(tid, out ulong mask) != 0)
            return; // Killed meanwhile.
        // Should the tracer be killed now, one that nobody waits for does no harm.
        int[] harmless = [Signal.SIGWINCH, Signal.SIGURG, Signal.SIGCHLD];
        int other = Array.Find(harmless, signal => !status.IsCaught(signal) && (status.Pending & Signal.Bit(signal)) == 0) is > 0 and var found ? found : Signal.SIGWINCH;
        _ = Ptrace.SetSignalMask(tid, ~(RaisedByInstructions | Signal.Bit(other)));
        if (Tasks.KillThread(thread.Process.ProcessId, tid, other) != 0)
            return;
        int signal = 0;
        List<int> early = [];
        while (Ptrace.Continue(tid, signal) == 0 && services.Tracer.WaitFor(tid, PassageDeadline, out WaitStatus stop) > 0)
        {
            signal = 0;
            if (stop.IsEnd)
            {
                services.Tracer.ServeNow(tid, stop);
                return;
            }

            if (stop.Kind == WaitKind.SignalDelivery && stop.Signal == other)
                break;
            if (stop.Kind == WaitKind.SignalDelivery && stop.Signal == Signal.SIGSTOP)
                signal = Signal.SIGSTOP;
            else if (stop.Kind == WaitKind.SignalDelivery)
                early.Add(stop.Signal);
        }

        foreach (int sent in early)
            _ = Tasks.KillThread(thread.Process.ProcessId, tid, sent); // ESRCH: killed meanwhile.

        _ = Ptrace.SetSignalMask(tid, mask);
        thread.InSignalStop = Ptrace.SetSignalInfo(tid, taken) == 0;
    }

    /// <summary>Continues a thread until it leaves the system call at the end of its passage, or an instruction raises a signal.</summary>
    private bool Arrives(TracedThread thread, Passage passage, int signal, List<int> early, ref bool isStoppedByJob)
    {
        int tid = thread.ThreadId;
        bool entered = false;
        (thread.InSignalStop, thread.InGroupStop) = (false, false);
        while (Ptrace.ContinueToSystemCall(tid, signal) == 0)
        {
            signal = 0;
            if (services.Tracer.WaitFor(tid, PassageDeadline, out WaitStatus status) <= 0)
            {
                services.Tracer.StopAgain(thread);
                return false;
            }

            switch (status.Kind)
            {
                case WaitKind.Exited or WaitKind.Killed:
                    services.Tracer.ServeNow(tid, status);
                    return true;
                case WaitKind.GroupStop:
                    isStoppedByJob = true;
                    break;
                case WaitKind.SignalDelivery when status.Signal == Signal.SIGSTOP:
                    // Taken from the thread, it could not be given back before a SIGCONT that comes meanwhile: its process is stopped now.
                    signal = Signal.SIGSTOP;
                    break;
                case WaitKind.SignalDelivery when status.Signal == Signal.SIGSEGV && AnswerTicks(thread, passage):
                    break;
                case WaitKind.SignalDelivery:
                    if (Ptrace.GetSignalInfo(tid, out Ptrace.SignalInfo info) != 0 || info.Code > 0)
                        return false;
                    early.Add(status.Signal); // Somebody has sent it, it cannot be blocked, and it is not its time yet.
                    break;
                case WaitKind.SystemCall:
                    if (Ptrace.GetRegisters(tid, out UserRegisters registers) != 0 || (registers.Rip == passage.Stop && entered))
                        return true;
                    entered = registers.Rip == passage.Stop;
                    break;
            }
        }

        return true; // Killed meanwhile.
    }

    /// <summary>Takes a thread that a followed call is returning in one step on: into the return program's code, behind that, or to the caller.</summary>
    private bool RunReturn(TracedThread thread, CallThunks thunks, UserRegisters registers)
    {
        int tid = thread.ThreadId;
        ulong rip = registers.Rip;
        ReturnStub? stub = FindStub(rip);
        (ulong from, ulong to) = stub is not null ? (stub.Start, stub.LastJump)
            : rip >= thunks.Finish ? (thunks.Finish, thunks.LastJump) : (thunks.Common, thunks.CommonJump);
        if (rip < from)
        {
            // In a thunk: push $index; jmp common.
            ulong index = (rip - thunks.Table.Thunks) / CallTable.ThunkSize;
            if ((rip - thunks.Table.Thunks) % CallTable.ThunkSize == 0)
            {
                registers.Rsp -= sizeof(ulong);
                if (space.Memory.WriteAll(new RemoteAddress(registers.Rsp), BitConverter.GetBytes(index)) != 0)
                    return false;
            }

            registers.Rip = from;
            _ = Ptrace.SetRegisters(tid, registers);
            return true;
        }

        if (rip != to && !RunTo(thread, from, to))
            return false;
        if (thread.State != TraceState.Stopped || Ptrace.GetRegisters(tid, out registers) != 0)
            return true;
        ulong next = to == thunks.CommonJump ? registers.Rcx : thunks.Finish;
        if (to == thunks.LastJump && !space.Memory.TryReadWord(new RemoteAddress(registers.Rsp - sizeof(ulong)), out next))
            return false;
        _ = Ptrace.SetInstructionPointer(tid, next);
        return true;
    }

    private ReturnStub? FindStub(ulong rip) => !IsInTrampolines(rip) ? null
        : _sites.Values.SelectMany(s => s.Trampoline?.Stubs ?? []).Concat(_leaving.SelectMany(l => l.Trampoline.Stubs)).FirstOrDefault(s => s.Contains(rip));
}
