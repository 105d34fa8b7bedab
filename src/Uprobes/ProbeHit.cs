using Uprobes.Arming.Trap;
using Uprobes.Images.StaticProbes;
using Uprobes.Processes;
using Uprobes.Programs;

namespace Uprobes;

/// <summary>
/// One hit of a probe, seen while the thread that hit it is stopped. Valid only inside the handler call, on the tracer
/// thread; a handler that keeps something copies it.
/// </summary>
public class ProbeHit
{
    private readonly HitContext _context;

    internal ProbeHit(HitContext context) => _context = context;

    /// <summary>The process (thread group) id in the tracer's pid namespace.</summary>
    public int ProcessId => _context.Thread.Process.ProcessId;

    /// <summary>The thread id in the tracer's pid namespace.</summary>
    public int ThreadId => _context.Thread.ThreadId;

    /// <summary>When the tracer saw the hit: nanoseconds of CLOCK_MONOTONIC.</summary>
    public long TimestampNanoseconds => _context.Timestamp;

    /// <summary>The stopped thread's registers; what is written is in force when it goes on. RIP is the probed instruction's address.</summary>
    public ThreadRegisters Registers => _context.Registers;

    /// <summary>The address of the probed instruction in the process.</summary>
    public RemoteAddress Address => _context.SiteAddress;

    /// <summary>
    /// An integer or pointer argument by the System V x86-64 calling convention, right at a function's first instruction:
    /// 0 to 5 are rdi, rsi, rdx, rcx, r8, r9; from 6 on they are read from the stack (0 if that cannot be read).
    /// </summary>
    public ulong Arg(int index) => _context.Argument(index);

    /// <summary>An argument of a static probe, extended to 64 bits by its sign.</summary>
    /// <param name="probe">The <see cref="ProbePoint.StaticProbe"/> of the point that was hit.</param>
    /// <param name="index">Which of its arguments, from 0 on.</param>
    /// <param name="value">The argument; 0 where it cannot be read.</param>
    /// <returns>Whether it could be read: false where there is no such argument, where its <see cref="StaticArgument.Problem"/> says why, or where its memory cannot be read.</returns>
    public bool TryReadArgument(StaticProbeNote probe, int index, out long value)
    {
        ArgumentNullException.ThrowIfNull(probe);
        value = 0;
        return index >= 0 && index < probe.Arguments.Count && StaticArgumentValue.TryRead(probe, probe.Arguments[index], _context, out value);
    }

    /// <summary>Reads the process's memory. Returns the bytes read, fewer than asked for at an unreadable page; 0 if none.</summary>
    public int ReadMemory(RemoteAddress address, Span<byte> destination) => _context.Memory.Read(address, destination);

    /// <summary>Writes the process's memory, read-only pages included (they become private copies). Returns the bytes written.</summary>
    public int WriteMemory(RemoteAddress address, ReadOnlySpan<byte> source) => _context.Memory.Write(address, source);

    /// <summary>
    /// Reads a NUL-terminated string of at most <paramref name="maximumBytes"/> bytes as UTF-8 (malformed bytes become U+FFFD).
    /// Null when not even the first byte can be read. Not escaped: it may hold control characters.
    /// </summary>
    public string? ReadString(RemoteAddress address, int maximumBytes = 256) => _context.Memory.ReadString(address, maximumBytes);
}

/// <summary>The return of a probed function, seen at its return address.</summary>
public sealed class ReturnHit : ProbeHit
{
    private readonly ReturnContext _context;

    internal ReturnHit(ReturnContext context) : base(context.Hit) => _context = context;

    /// <summary>The function's integer or pointer result (rax).</summary>
    public ulong ReturnValue => Registers.Rax;

    /// <summary>When the call began: nanoseconds of CLOCK_MONOTONIC.</summary>
    public long EntryTimestampNanoseconds => _context.EntryTimestamp;

    /// <summary>From the entry's stop to the return's: the tracer's own time at the entry is included.</summary>
    public TimeSpan Duration => TimeSpan.FromTicks((TimestampNanoseconds - EntryTimestampNanoseconds) / 100);

    /// <summary>What <see cref="ReturnHandlers.Entry"/> returned for this call.</summary>
    public object? State => _context.State;
}
