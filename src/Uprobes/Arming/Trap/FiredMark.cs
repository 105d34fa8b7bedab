using Uprobes.Linux;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Remembers that a thread was taken back from a slot to its site before the displaced instruction had run: when it comes
/// to the site again with the same registers, the handlers have already been called (traps T5, X12).
/// </summary>
internal readonly struct FiredMark(Site site, in UserRegisters registers)
{
    private const ulong ResumeFlag = 0x10000;
    private readonly UserRegisters _registers = registers;

    internal bool Matches(Site at, in UserRegisters now) =>
        ReferenceEquals(site, at) && now.Rsp == _registers.Rsp && now.Rbp == _registers.Rbp && now.Rbx == _registers.Rbx
        && now.Rax == _registers.Rax && now.Rcx == _registers.Rcx && now.Rdx == _registers.Rdx && now.Rsi == _registers.Rsi
        && now.Rdi == _registers.Rdi && now.R8 == _registers.R8 && now.R9 == _registers.R9 && now.R10 == _registers.R10
        && now.R11 == _registers.R11 && now.R12 == _registers.R12 && now.R13 == _registers.R13 && now.R14 == _registers.R14
        && now.R15 == _registers.R15 && ((now.Rflags ^ _registers.Rflags) & ~ResumeFlag) == 0;
}

/// <summary>What the engine keeps about a thread.</summary>
internal sealed class ThreadArming
{
    /// <summary>The hit whose handlers have been called and whose instruction has not run; null mostly.</summary>
    internal FiredMark? Fired { get; set; }

    /// <summary>Set while a signal of the instruction itself is being judged by fault handlers, and by post handlers that emulate.</summary>
    internal long LastMaskCheck { get; set; }

    /// <summary>The FS base when a call of the thread was followed: its control block.</summary>
    internal ulong FsBase { get; set; }

    /// <summary>The stack that the thread was started with; null when it is not known, or not yet.</summary>
    internal StackExtent? OwnStack { get; set; }

    internal bool IsOwnStackKnown { get; set; }

    /// <summary>RSP where the exception was thrown, or taken up again, that the thread is unwinding for; 0 when there is none.</summary>
    internal ulong ThrownFrom { get; set; }
}
