using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>
/// The general registers of a stopped thread as PTRACE_GETREGS fills them: <c>struct user_regs_struct</c> of
/// <c>sys/user.h</c> on x86-64, 27 words of 8 bytes in this order.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct UserRegisters
{
#pragma warning disable CS1591, CA1051 // The fields are the registers of those names; this is the kernel's layout.
    public ulong R15, R14, R13, R12, Rbp, Rbx, R11, R10, R9, R8, Rax, Rcx, Rdx, Rsi, Rdi;

    /// <summary>The number of the system call that the thread is in, or all ones when it is in none.</summary>
    public ulong OrigRax;
    public ulong Rip, Cs, Rflags, Rsp, Ss, FsBase, GsBase, Ds, Es, Fs, Gs;
#pragma warning restore CS1591, CA1051
}
