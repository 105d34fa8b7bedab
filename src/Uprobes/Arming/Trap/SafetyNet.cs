using System.Buffers.Binary;
using Uprobes.Arming.Trap.X64;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Processes.X64;

namespace Uprobes.Arming.Trap;

/// <summary>
/// The memory of ours in a tracee that is not slots: a place for remote system calls, and the SIGTRAP handler with its
/// table by which the tracee steps over breakpoints when the tracer has been killed. The handler is installed where the program
/// has none of its own; a program that installs one later is on its own when the tracer is killed. On the tracer thread only.
/// </summary>
/// <remarks>
/// Layout: remote calls at 0, the handler's code at 512, actions for rt_sigaction(2) at 1,024, what
/// a later session recognises it by at 2,048, the table from 4,096 on.
/// </remarks>
internal sealed class SafetyNet
{
    internal const int CodeOffset = 512, DescriptionOffset = 2048, TableOffset = 4096;
    private const int ActionOffset = 1024, ActionSize = ProgramDisposition.ActionSize;
    private readonly SafetyNetTable _table;

    private SafetyNet(ulong start, int length, SafetyNetTable table, ProgramDisposition disposition)
    {
        Start = start;
        Length = length;
        _table = table;
        Disposition = disposition;
    }

    internal ulong Start { get; }

    internal int Length { get; }

    /// <summary>What the program itself has chosen for SIGTRAP.</summary>
    internal ProgramDisposition Disposition { get; private set; }

    internal RemoteAddress CallArea => new(Start);

    internal bool HasRoomFor(int traps) => _table.Count + traps <= (int)(_table.Capacity - ((_table.Capacity + 3) / 4));

    /// <summary>Maps and fills the memory for at least so many entries, and installs the handler.</summary>
    /// <param name="services">What it takes.</param>
    /// <param name="thread">A stopped thread.</param>
    /// <param name="traps">How many entries there must be room for.</param>
    /// <param name="disposition">What the program had chosen for SIGTRAP.</param>
    /// <param name="former">The entries of the net that this one replaces: they are in place before its handler is.</param>
    internal static (SafetyNet? Net, RemoteCallResult Result) Create(ArmingServices services, TracedThread thread, int traps,
        ProgramDisposition disposition, IReadOnlyCollection<KeyValuePair<ulong, ulong>> former)
    {
        uint capacity = SafetyNetTable.CapacityFor(Math.Max(traps, 1000));
        int length = TableOffset + SafetyNetTable.SizeInBytes(capacity);
        length = (length + 4095) / 4096 * 4096;
        RemoteCallResult mapped = services.Calls.Map(thread, 0, (ulong)length);
        if (!mapped.IsSuccess)
            return (null, mapped);
        SafetyNet net = new(mapped.Value, length, new SafetyNetTable(capacity), disposition);
        RemoteCallResult installed = net.Fill(thread.Process.Space.Memory);
        if (installed.IsSuccess && net.Add(thread.Process.Space.Memory, former) is not 0 and var error)
            installed = RemoteCallResult.Failed(error);
        services.Step?.Invoke("net filled");
        if (installed.IsSuccess)
            installed = net.Install(services, thread);
        if (installed.IsSuccess)
            return (net, installed);
        _ = services.Calls.Unmap(thread, net.Start, (ulong)net.Length); // Best effort: the refusal is what counts.
        return (null, installed);
    }

    /// <summary>The mirror of a net that was copied into a forked child's memory.</summary>
    internal SafetyNet CopyForChild() => new(Start, Length, _table.Copy(), Disposition);

    /// <summary>
    /// The entries by which the handler finds the way of a thread that has run into a breakpoint, and of one that the tracer has
    /// sent to the slot already.
    /// </summary>
    internal static IEnumerable<KeyValuePair<ulong, ulong>> EntriesOf(ulong trap, ulong slot) => [new(trap, slot), new(slot - 1, slot)];

    /// <summary>Enters where threads resume that run into breakpoints; before the breakpoints are written. Returns 0 or errno.</summary>
    internal int Add(TraceeMemory memory, IReadOnlyCollection<KeyValuePair<ulong, ulong>> resumeByTrap)
    {
        TableWrite write = _table.SetMany(resumeByTrap);
        return memory.WriteAll(new RemoteAddress(Start + TableOffset + (ulong)write.Offset), write.Bytes.Span);
    }

    /// <summary>All that is in the table, to move it into a larger one.</summary>
    internal IReadOnlyCollection<KeyValuePair<ulong, ulong>> Entries => _table.Entries();

    /// <summary>Follows a change of the program's own: its handler comes into force, or else ours.</summary>
    internal RemoteCallResult Adopt(ArmingServices services, TracedThread thread, ProgramDisposition disposition)
    {
        // A handler of the program's own replaces that of a killed tracer as it replaces ours.
        Disposition = disposition.IsCaught ? disposition : disposition with { Former = Disposition.Former };
        RemoteCallResult filled = Fill(thread.Process.Space.Memory);
        return filled.IsSuccess ? Install(services, thread) : filled;
    }

    /// <summary>
    /// Installs the handler, ours or the program's own, also after the kernel has reset it (a breakpoint met with SIGTRAP
    /// blocked: force_sig, kernel/signal.c).
    /// </summary>
    internal RemoteCallResult Install(ArmingServices services, TracedThread thread)
    {
        if (Disposition is { IsCaught: true, Action: null })
            return RemoteCallResult.Success(0);
        RemoteCallResult result = services.Calls.SetSignalAction(thread, Signal.SIGTRAP, Action(Disposition.IsCaught ? 1 : 0));
        ProcessArming.Of(thread.Process).HasHandler |= result.IsSuccess;
        return result;
    }

    /// <summary>Puts the program's own disposition back.</summary>
    internal RemoteCallResult Uninstall(ArmingServices services, TracedThread thread) =>
        Disposition.IsCaught
            ? RemoteCallResult.Success(0)
            : services.Calls.SetSignalAction(thread, Signal.SIGTRAP, Action(1));

    /// <summary>The handler's code in a net that starts at an address.</summary>
    internal static byte[] Handler(ulong start, uint capacity, bool isIgnored, out int restorer)
    {
        byte[] code = SafetyNetCode.Emit(start + CodeOffset, start + TableOffset, capacity, isIgnored, out restorer);
        return code.Length <= ActionOffset - CodeOffset
            ? code
            : throw new InvalidOperationException($"the handler's code takes {code.Length} bytes, more than its room");
    }

    private RemoteAddress Action(int index) => new(Start + ActionOffset + (ulong)(index * ActionSize));

    private RemoteCallResult Fill(TraceeMemory memory)
    {
        byte[] code = Handler(Start, _table.Capacity, Disposition.IsIgnored, out int restorer);
        Span<byte> actions = stackalloc byte[2 * ActionSize];
        actions.Clear();
        WriteAction(actions, Start + CodeOffset, SafetyNetCode.ActionFlags, Start + CodeOffset + (ulong)restorer, SafetyNetCode.ActionMask);
        (Disposition.Former?.Action ?? Disposition.Action)?.CopyTo(actions[ActionSize..]);
        Span<byte> description = stackalloc byte[FormerNet.DescriptionSize];
        FormerNet.Describe(description, Start, _table.Capacity, Disposition.IsIgnored);
        int error = memory.WriteAll(new RemoteAddress(Start + CodeOffset), code);
        if (error == 0)
            error = memory.WriteAll(Action(0), actions);
        if (error == 0)
            error = memory.WriteAll(new RemoteAddress(Start + DescriptionOffset), description);
        return error == 0 ? RemoteCallResult.Success(0) : RemoteCallResult.Failed(error);
    }

    /// <summary><c>struct kernel_sigaction</c> of x86-64: handler, flags, restorer, mask.</summary>
    private static void WriteAction(Span<byte> destination, ulong handler, ulong flags, ulong restorer, ulong mask)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, handler);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], flags);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], restorer);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], mask);
    }
}
