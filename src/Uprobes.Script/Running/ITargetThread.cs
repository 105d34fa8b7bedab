namespace Uprobes.Script.Running;

/// <summary>A thread of the target that waits while an action runs for it: what programs in the target cannot see or may not do.</summary>
internal interface ITargetThread
{
    /// <summary>The process, as this process numbers it.</summary>
    int ProcessId { get; }

    /// <summary>The thread, as this process numbers it.</summary>
    int ThreadId { get; }

    /// <summary>Reads a register.</summary>
    /// <param name="name">As in <c>struct pt_regs</c>: ax, di, ip, flags, r8 …</param>
    /// <param name="value">Its value.</param>
    /// <returns>Whether there is such a register.</returns>
    bool TryReadRegister(string name, out ulong value);

    /// <summary>Writes a register; the thread goes on with it.</summary>
    /// <param name="name">As in <see cref="TryReadRegister"/>.</param>
    /// <param name="value">Its value.</param>
    /// <returns>Whether there is such a register that may be written.</returns>
    bool TryWriteRegister(string name, ulong value);

    /// <summary>Writes memory of the target; returns how many bytes were written.</summary>
    int Write(ulong address, ReadOnlySpan<byte> bytes);

    /// <summary>Sends a signal. Returns 0 or errno.</summary>
    /// <param name="number">The signal.</param>
    /// <param name="toThread">To the thread and not to the process.</param>
    int Signal(int number, bool toThread);
}
