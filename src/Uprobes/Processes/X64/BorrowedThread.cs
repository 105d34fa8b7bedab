using Uprobes.Linux;

namespace Uprobes.Processes.X64;

/// <summary>
/// A stopped thread that runs system calls for the tracer, one after the other, until it is given back. Nothing is done to it before the first.
/// On the tracer thread.
/// </summary>
/// <remarks>
/// The tracer may be killed between any two steps, and the thread then goes on by itself (traps R9). So whatever is
/// changed is changed in an order in which every state leads back to the thread's own: its registers are set before its
/// signals are blocked and put back after its mask, because it is the code at the new RIP that restores both.
/// </remarks>
internal sealed class BorrowedThread(Tracer tracer, TracedThread thread, Action<string>? step)
{
    private const ulong KernelErrors = unchecked((ulong)-4095);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);
    private UserRegisters _own;
    private ulong _mask;
    private bool _hasFilter, _hasBegun, _isMasked;
    private CallArea? _area;
    private int _users;

    internal TracedThread Thread => thread;

    /// <summary>Whether the thread is its own again.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>Counts one more who has it.</summary>
    internal Loan Lend()
    {
        _users++;
        return new Loan(this);
    }

    private RemoteCallResult Run(ulong number, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5, ulong a6)
    {
        if (_hasBegun && _area!.IsStale)
            Restore();
        if (!_hasBegun && Begin() is { IsSuccess: false } failure)
        {
            GiveBack();
            return failure;
        }

        int tid = thread.ThreadId;
        UserRegisters call = _own;
        call.Rip = _area!.Address.Value;
        call.Rax = number;
        call.OrigRax = ulong.MaxValue; // Otherwise the kernel would "restart" the interrupted call at the new RIP (traps R1).
        (call.Rdi, call.Rsi, call.Rdx, call.R10, call.R8, call.R9) = (a1, a2, a3, a4, a5, a6);
        if (Ptrace.SetRegisters(tid, call) != 0)
            return RemoteCallResult.Gone;
        step?.Invoke("call registers set");
        if (!_isMasked && Ptrace.SetSignalMask(tid, ulong.MaxValue) != 0)
            return RemoteCallResult.Gone;
        _isMasked = true;
        step?.Invoke("call signals blocked");
        bool entered = RunToSystemCallStop(out bool isLate);
        step?.Invoke("call entered");
        bool left = entered && RunToSystemCallStop(out isLate);
        step?.Invoke("call left");
        if (thread.State == TraceState.Gone)
            return RemoteCallResult.Gone;
        if (isLate)
        {
            // It is still in the kernel. When it comes out it restores itself, as if the tracer had been killed.
            _area.Abandon();
            (_hasBegun, _isMasked) = (false, false);
            tracer.StopAgain(thread);
            GiveBack();
            return thread.State == TraceState.Gone ? RemoteCallResult.Gone : RemoteCallResult.Failed(Errno.ETIMEDOUT);
        }

        RemoteCallResult result = !left || Ptrace.GetRegisters(tid, out UserRegisters after) != 0 ? RemoteCallResult.Forbidden
            : after.Rax >= KernelErrors ? RemoteCallResult.Failed((int)-(long)after.Rax) : RemoteCallResult.Success(after.Rax);
        if (!left)
            GiveBack();
        return thread.State == TraceState.Gone ? RemoteCallResult.Gone : result;
    }

    private void Return()
    {
        if (--_users == 0)
            GiveBack();
    }

    private RemoteCallResult Begin()
    {
        int tid = thread.ThreadId;
        if (IsOver)
            return RemoteCallResult.Gone;
        _hasFilter = ThreadStatus.TryRead(tid) is { SeccompMode: not 0 };
        if (_hasFilter && Ptrace.SetOptions(tid, Ptrace.Standard | Ptrace.Options.SuspendSeccomp) != 0)
            return RemoteCallResult.Forbidden;
        // A signal that waits to be delivered in this stop would be delivered in the middle of our code if the tracer died.
        if (thread.InSignalStop)
            tracer.StopAgain(thread);
        if (thread.State != TraceState.Stopped || Ptrace.GetRegisters(tid, out _own) != 0 || Ptrace.GetSignalMask(tid, out _mask) != 0)
            return RemoteCallResult.Gone;
        _area = CallArea.Take(tracer, thread);
        if (_area is null)
            return RemoteCallResult.NoRoom;
        if (_area.Fill(RemoteCallCode.Emit(_area.Address, _own, _mask)) is not 0 and var error)
            return RemoteCallResult.Failed(error);
        step?.Invoke("call code written");
        _hasBegun = true;
        return RemoteCallResult.Success(0);
    }

    private void GiveBack()
    {
        if (IsOver)
            return;
        IsOver = true;
        Restore();
    }

    private void Restore()
    {
        if (_hasBegun && thread.State != TraceState.Gone)
        {
            _ = Ptrace.SetSignalMask(thread.ThreadId, _mask);
            step?.Invoke("call signals restored");
            _ = Ptrace.SetRegisters(thread.ThreadId, _own);
            step?.Invoke("call registers restored");
            // Registers that are restored at a system call's exit stop lose the pending restart of the interrupted call
            // when the thread is continued from there (traps R2): let it pass through one more stop.
            tracer.StopAgain(thread);
            step?.Invoke("call over");
        }

        _area?.Dispose();
        if (_hasFilter)
            _ = Ptrace.SetOptions(thread.ThreadId, Ptrace.Standard); // ESRCH: gone, and its filter with it.
        (_area, _hasBegun, _isMasked, _hasFilter) = (null, false, false, false);
    }

    /// <summary>Lets the thread run to the next entry or exit of a system call. False when it is stopped by something else for good, or late.</summary>
    private bool RunToSystemCallStop(out bool isLate)
    {
        isLate = false;
        int signal = 0;
        while (true)
        {
            if (Ptrace.ContinueToSystemCall(thread.ThreadId, signal) != 0)
                return false;
            signal = 0;
            int waited = tracer.WaitFor(thread.ThreadId, Deadline, out WaitStatus status);
            isLate = waited == 0;
            if (waited <= 0)
                return false;
            switch (status.Kind)
            {
                case WaitKind.SystemCall:
                    return true;
                case WaitKind.Exited or WaitKind.Killed:
                    tracer.ServeNow(thread.ThreadId, status);
                    return false;
                case WaitKind.SignalDelivery when status.Signal == Signal.SIGSTOP:
                    signal = Signal.SIGSTOP; // Its process is stopped; the thread runs on up to its next stop, and stays there.
                    break;
                case WaitKind.SignalDelivery:
                    return false; // All signals are blocked: this one is forced (SIGSYS from a filter).
            }
        }
    }

    /// <summary>The right to use the thread; the last that ends gives it back.</summary>
    internal readonly ref struct Loan(BorrowedThread borrowed)
    {
        /// <summary>Runs one system call.</summary>
        internal RemoteCallResult Run(ulong number, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5, ulong a6) =>
            borrowed.Run(number, a1, a2, a3, a4, a5, a6);

        public void Dispose() => borrowed.Return();
    }
}
