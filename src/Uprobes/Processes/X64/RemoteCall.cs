using Uprobes.Linux;

namespace Uprobes.Processes.X64;

/// <summary>
/// Runs system calls in a stopped tracee (traps R1 to R11): no function of the target is called, its stack is not
/// used, signals are held back, and the thread goes on as if nothing had happened. On the tracer thread.
/// </summary>
/// <param name="tracer">The tracees.</param>
/// <param name="step">Called after each step, with its name; null but in tests that kill the tracer there.</param>
internal sealed class RemoteCall(Tracer tracer, Action<string>? step)
{
    private const ulong SYS_close = 3, SYS_mmap = 9, SYS_munmap = 11, SYS_rt_sigaction = 13, SYS_madvise = 28, SYS_prctl = 157, PR_GET_TSC = 25, SYS_memfd_create = 319;
    private const ulong MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000, MAP_FIXED_NOREPLACE = 0x100000;
    private const ulong PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4;
    private const ulong MADV_DONTDUMP = 16, MADV_WIPEONFORK = 18, MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2;

    /// <summary>A wish, not a demand (mmap(2)): between where programs and where libraries are, as a rule, and no sanitizer's shadow of what is mapped so.</summary>
    private const ulong FarAddress = 0x4800_0000_0000;

    private const ulong Large = 16 << 20;
    private BorrowedThread? _borrowed;

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

    /// <summary>
    /// Maps a file of the tracee shared, to be read and written: anywhere (0), or in place of what is mapped at an address. What is large is
    /// mapped far from all images: in front of a library it would keep jumps of 2 GiB from reaching free memory.
    /// </summary>
    internal RemoteCallResult MapShared(TracedThread thread, ulong address, ulong length, int descriptor) =>
        Invoke(thread, SYS_mmap, address == 0 && length >= Large ? FarAddress : address, length, PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_NORESERVE | (address != 0 ? MAP_FIXED : 0), (ulong)descriptor, 0);

    /// <summary>Closes a descriptor of the tracee.</summary>
    internal RemoteCallResult Close(TracedThread thread, int descriptor) => Invoke(thread, SYS_close, (ulong)descriptor, 0, 0, 0, 0, 0);

    /// <summary>Has pages of private memory read as zeros in forked children (madvise(2), MADV_WIPEONFORK; Linux 4.14).</summary>
    internal RemoteCallResult WipeOnFork(TracedThread thread, ulong address, ulong length) =>
        Invoke(thread, SYS_madvise, address, length, MADV_WIPEONFORK, 0, 0, 0);

    /// <summary>Leaves memory out of core dumps (madvise(2), MADV_DONTDUMP).</summary>
    internal RemoteCallResult LeaveOutOfDumps(TracedThread thread, ulong address, ulong length) =>
        Invoke(thread, SYS_madvise, address, length, MADV_DONTDUMP, 0, 0, 0);

    /// <summary>Stores how the thread may use the time stamp counter (prctl(2), PR_GET_TSC; 32 bits) in the tracee's memory.</summary>
    internal RemoteCallResult GetTickMode(TracedThread thread, RemoteAddress destination) =>
        Invoke(thread, SYS_prctl, PR_GET_TSC, destination.Value, 0, 0, 0, 0);

    internal RemoteCallResult Unmap(TracedThread thread, ulong address, ulong length) => Invoke(thread, SYS_munmap, address, length, 0, 0, 0, 0);

    /// <summary>Sets a signal's action from a <c>struct kernel_sigaction</c> in the tracee's memory.</summary>
    internal RemoteCallResult SetSignalAction(TracedThread thread, int signal, RemoteAddress action) =>
        Invoke(thread, SYS_rt_sigaction, (ulong)signal, action.Value, 0, sizeof(ulong), 0, 0);

    /// <summary>Stores a signal's action as a <c>struct kernel_sigaction</c> in the tracee's memory.</summary>
    internal RemoteCallResult GetSignalAction(TracedThread thread, int signal, RemoteAddress destination) =>
        Invoke(thread, SYS_rt_sigaction, (ulong)signal, 0, destination.Value, sizeof(ulong), 0, 0);

    /// <summary>
    /// Keeps a stopped thread ready for several calls in a row: its registers and its mask are its own again only when what is returned has been
    /// disposed. One thread at a time; borrowing it again meanwhile is the same.
    /// </summary>
    internal BorrowedThread.Loan Borrow(TracedThread thread)
    {
        if (_borrowed is not { IsOver: false } held || held.Thread != thread)
            _borrowed = new BorrowedThread(tracer, thread, step);
        return _borrowed.Lend();
    }

    private RemoteCallResult Invoke(TracedThread thread, ulong number, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5, ulong a6)
    {
        using BorrowedThread.Loan borrowed = Borrow(thread);
        return borrowed.Run(number, a1, a2, a3, a4, a5, a6);
    }
}
