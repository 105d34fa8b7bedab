using Uprobes.Linux;

namespace Uprobes.Processes.X64;

/// <summary>
/// Runs system calls in a stopped tracee (traps R1 to R11): no function of the target is called, its stack is not
/// used, signals are held back, and the thread goes on as if nothing had happened. On the tracer thread.
/// </summary>
/// <remarks>
/// The tracer may be killed between any two steps, and the thread then goes on by itself (traps R9). So whatever is
/// changed is changed in an order in which every state leads back to the thread's own: its registers are set before its
/// signals are blocked and put back after its mask, because it is the code at the new RIP that restores both.
/// </remarks>
/// <param name="tracer">The tracees.</param>
/// <param name="step">Called after each step, with its name; null but in tests that kill the tracer there.</param>
internal sealed class RemoteCall(Tracer tracer, Action<string>? step)
{
    private const ulong SYS_close = 3, SYS_mmap = 9, SYS_munmap = 11, SYS_rt_sigaction = 13, SYS_madvise = 28, SYS_memfd_create = 319;
    private const ulong MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000, MAP_FIXED_NOREPLACE = 0x100000;
    private const ulong PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4;
    private const ulong MADV_DONTDUMP = 16, MADV_WIPEONFORK = 18, MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2;
    private const ulong KernelErrors = unchecked((ulong)-4095);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    /// <summary>Maps private memory that can be read and run, at an address or anywhere (0). The tracer fills it through its memory file.</summary>
    internal RemoteCallResult Map(TracedThread thread, ulong address, ulong length) =>
        Invoke(thread, SYS_mmap, address, length, PROT_READ | PROT_EXEC,
            MAP_PRIVATE | MAP_ANONYMOUS | (address != 0 ? MAP_FIXED_NOREPLACE : 0), ulong.MaxValue, 0);

    /// <summary>Maps private memory of zeros that can be read and written, anywhere.</summary>
    internal RemoteCallResult MapData(TracedThread thread, ulong length) =>
        Invoke(thread, SYS_mmap, 0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, ulong.MaxValue, 0);

    /// <summary>Makes an anonymous file (memfd_create(2)) whose descriptor is closed at exec; it is empty.</summary>
    /// <param name="thread">Of the tracee.</param>
    /// <param name="name">Where its name is in the tracee's memory.</param>
    internal RemoteCallResult CreateMemoryFile(TracedThread thread, RemoteAddress name) =>
        Invoke(thread, SYS_memfd_create, name.Value, MFD_CLOEXEC | MFD_ALLOW_SEALING, 0, 0, 0, 0);

    /// <summary>Maps a file of the tracee shared, to be read and written: anywhere (0), or in place of what is mapped at an address.</summary>
    internal RemoteCallResult MapShared(TracedThread thread, ulong address, ulong length, int descriptor) =>
        Invoke(thread, SYS_mmap, address, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | (address != 0 ? MAP_FIXED : 0), (ulong)descriptor, 0);

    /// <summary>Closes a descriptor of the tracee.</summary>
    internal RemoteCallResult Close(TracedThread thread, int descriptor) => Invoke(thread, SYS_close, (ulong)descriptor, 0, 0, 0, 0, 0);

    /// <summary>Has pages of private memory read as zeros in forked children (madvise(2), MADV_WIPEONFORK; Linux 4.14).</summary>
    internal RemoteCallResult WipeOnFork(TracedThread thread, ulong address, ulong length) =>
        Invoke(thread, SYS_madvise, address, length, MADV_WIPEONFORK, 0, 0, 0);

    /// <summary>Leaves memory out of core dumps (madvise(2), MADV_DONTDUMP).</summary>
    internal RemoteCallResult LeaveOutOfDumps(TracedThread thread, ulong address, ulong length) =>
        Invoke(thread, SYS_madvise, address, length, MADV_DONTDUMP, 0, 0, 0);

    internal RemoteCallResult Unmap(TracedThread thread, ulong address, ulong length) => Invoke(thread, SYS_munmap, address, length, 0, 0, 0, 0);

    /// <summary>Sets a signal's action from a <c>struct kernel_sigaction</c> in the tracee's memory.</summary>
    internal RemoteCallResult SetSignalAction(TracedThread thread, int signal, RemoteAddress action) =>
        Invoke(thread, SYS_rt_sigaction, (ulong)signal, action.Value, 0, sizeof(ulong), 0, 0);

    /// <summary>Stores a signal's action as a <c>struct kernel_sigaction</c> in the tracee's memory.</summary>
    internal RemoteCallResult GetSignalAction(TracedThread thread, int signal, RemoteAddress destination) =>
        Invoke(thread, SYS_rt_sigaction, (ulong)signal, 0, destination.Value, sizeof(ulong), 0, 0);

    /// <summary>Runs one system call in a thread that is stopped. Afterwards the thread is stopped again with its own registers.</summary>
    private RemoteCallResult Invoke(TracedThread thread, ulong number, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5, ulong a6)
    {
        int tid = thread.ThreadId;
        int seccomp = ThreadStatus.TryRead(tid)?.SeccompMode ?? 0;
        if (seccomp != 0 && Ptrace.SetOptions(tid, Ptrace.Standard | Ptrace.Options.SuspendSeccomp) != 0)
            return RemoteCallResult.Forbidden;
        RemoteCallResult result = InvokeUnfiltered(thread, number, a1, a2, a3, a4, a5, a6);
        if (seccomp != 0)
            _ = Ptrace.SetOptions(tid, Ptrace.Standard); // ESRCH: gone, and its filter with it.
        return result;
    }

    private RemoteCallResult InvokeUnfiltered(TracedThread thread, ulong number, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5, ulong a6)
    {
        int tid = thread.ThreadId;
        // A signal that waits to be delivered in this stop would be delivered in the middle of our code if the tracer died.
        if (thread.InSignalStop)
            tracer.StopAgain(thread);
        if (thread.State != TraceState.Stopped
            || Ptrace.GetRegisters(tid, out UserRegisters own) != 0 || Ptrace.GetSignalMask(tid, out ulong mask) != 0)
            return RemoteCallResult.Gone;
        using CallArea? area = CallArea.Take(tracer, thread);
        if (area is null)
            return RemoteCallResult.NoRoom;
        if (area.Fill(RemoteCallCode.Emit(area.Address, own, mask)) is not 0 and var error)
            return RemoteCallResult.Failed(error);
        step?.Invoke("call code written");
        UserRegisters call = own;
        call.Rip = area.Address.Value;
        call.Rax = number;
        call.OrigRax = ulong.MaxValue; // Otherwise the kernel would "restart" the interrupted call at the new RIP (traps R1).
        (call.Rdi, call.Rsi, call.Rdx, call.R10, call.R8, call.R9) = (a1, a2, a3, a4, a5, a6);
        if (Ptrace.SetRegisters(tid, call) != 0)
            return RemoteCallResult.Gone;
        step?.Invoke("call registers set");
        if (Ptrace.SetSignalMask(tid, ulong.MaxValue) != 0)
            return RemoteCallResult.Gone;
        step?.Invoke("call signals blocked");
        bool entered = RunToSystemCallStop(thread, out bool isLate);
        step?.Invoke("call entered");
        bool left = entered && RunToSystemCallStop(thread, out isLate);
        step?.Invoke("call left");
        if (thread.State == TraceState.Gone)
            return RemoteCallResult.Gone;
        if (isLate)
        {
            // It is still in the kernel. When it comes out it restores itself, as if the tracer had been killed.
            area.Abandon();
            tracer.StopAgain(thread);
            return thread.State == TraceState.Gone ? RemoteCallResult.Gone : RemoteCallResult.Failed(Errno.ETIMEDOUT);
        }

        RemoteCallResult result = !left || Ptrace.GetRegisters(tid, out UserRegisters after) != 0 ? RemoteCallResult.Forbidden
            : after.Rax >= KernelErrors ? RemoteCallResult.Failed((int)-(long)after.Rax) : RemoteCallResult.Success(after.Rax);
        _ = Ptrace.SetSignalMask(tid, mask);
        step?.Invoke("call signals restored");
        _ = Ptrace.SetRegisters(tid, own);
        step?.Invoke("call registers restored");
        // Registers that are restored at a system call's exit stop lose the pending restart of the interrupted call
        // when the thread is continued from there (traps R2): let it pass through one more stop.
        tracer.StopAgain(thread);
        step?.Invoke("call over");
        return thread.State == TraceState.Gone ? RemoteCallResult.Gone : result;
    }

    /// <summary>Lets the thread run to the next entry or exit of a system call. False when it is stopped by something else for good, or late.</summary>
    private bool RunToSystemCallStop(TracedThread thread, out bool isLate)
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
}
