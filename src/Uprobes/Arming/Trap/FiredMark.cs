using Uprobes.Linux;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Remembers that a thread was taken back from a slot to its site before the displaced instruction had run: when it comes
/// to the site again, the handlers have already been called (traps T5, X12).
/// </summary>
/// <param name="Site">Where.</param>
/// <param name="Registers">With which it was taken back.</param>
/// <param name="AwaitsHandler">
/// Whether a signal handler of the program runs first. Then only rt_sigreturn leads back to the interrupted instruction; one that
/// leaves by longjmp and comes to the same place with the same registers executes it anew.
/// </param>
internal sealed record FiredMark(Site Site, UserRegisters Registers, bool AwaitsHandler)
{
    private const ulong ResumeFlag = 0x10000;

    /// <summary>Whether a thread stands at the site as it was put there.</summary>
    internal bool Matches(Site at, in UserRegisters now)
    {
        UserRegisters then = Registers;
        return ReferenceEquals(Site, at) && now.Rsp == then.Rsp && now.Rbp == then.Rbp && now.Rbx == then.Rbx
            && now.Rax == then.Rax && now.Rcx == then.Rcx && now.Rdx == then.Rdx && now.Rsi == then.Rsi
            && now.Rdi == then.Rdi && now.R8 == then.R8 && now.R9 == then.R9 && now.R10 == then.R10
            && now.R11 == then.R11 && now.R12 == then.R12 && now.R13 == then.R13 && now.R14 == then.R14
            && now.R15 == then.R15 && ((now.Rflags ^ then.Rflags) & ~ResumeFlag) == 0;
    }
}
