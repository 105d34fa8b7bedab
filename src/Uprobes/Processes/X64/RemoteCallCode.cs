using Iced.Intel;
using Uprobes.Linux;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Processes.X64;

/// <summary>
/// The code that a borrowed thread runs a system call from. The tracer stops it at the call's exit and puts its
/// registers back; all that follows runs only if the tracer has been killed by then, and takes the thread back to where it
/// was, so that it never runs on with foreign registers (traps R9).
/// </summary>
internal static class RemoteCallCode
{
    /// <summary>Room that the code needs.</summary>
    internal const int Size = 320;

    private const int SetMask = 2, RtSigprocmask = 14, RestartSyscall = 219, RedZone = 128, MaskBytes = 8;
    private const long RestartSys = -512, RestartNoIntr = -513, RestartNoHand = -514, RestartBlock = -516;

    /// <summary>syscall; mov $14,%eax; mov $2,%edi</summary>
    private static ReadOnlySpan<byte> Beginning => [0x0F, 0x05, 0xB8, RtSigprocmask, 0, 0, 0, 0xBF, SetMask, 0, 0, 0];

    /// <summary>Emits, for a thread with the given state:</summary>
    /// <remarks>
    /// <code>
    ///     syscall                         ; the borrowed call
    ///     mov   eax, 14                   ; rt_sigprocmask(SIG_SETMASK, mask, NULL, 8)
    ///     mov   edi, 2
    ///     lea   rsi, [mask]
    ///     xor   edx, edx
    ///     mov   r10d, 8
    ///     syscall
    ///     mov   rsp, RSP - 136            ; below the red zone
    ///     mov   rax, RFLAGS
    ///     push  rax
    ///     popfq
    ///     mov   rax, RAX                  ; and so on for every general register
    ///     ...
    ///     mov   rsp, RSP
    ///     jmp   [rip]                     ; RIP
    ///     .quad RIP
    /// mask: .quad MASK
    /// </code>
    /// A system call that the stop interrupted is made to start again, as the kernel would have done on return.
    /// </remarks>
    internal static byte[] Emit(RemoteAddress at, in UserRegisters registers, ulong signalMask)
    {
        (ulong rip, ulong rax) = AfterRestart(registers);
        Assembler a = new(64);
        Label mask = a.CreateLabel();
        Label target = a.CreateLabel();
        a.syscall();
        a.mov(eax, RtSigprocmask);
        a.mov(edi, SetMask);
        a.lea(rsi, __[mask]);
        a.xor(edx, edx);
        a.mov(r10d, MaskBytes);
        a.syscall();
        a.mov(rsp, registers.Rsp - RedZone - 8);
        a.mov(AssemblerRegisters.rax, registers.Rflags);
        a.push(AssemblerRegisters.rax);
        a.popfq();
        a.mov(AssemblerRegisters.rax, rax);
        a.mov(rbx, registers.Rbx);
        a.mov(rcx, registers.Rcx);
        a.mov(rdx, registers.Rdx);
        a.mov(rsi, registers.Rsi);
        a.mov(rdi, registers.Rdi);
        a.mov(rbp, registers.Rbp);
        a.mov(r8, registers.R8);
        a.mov(r9, registers.R9);
        a.mov(r10, registers.R10);
        a.mov(r11, registers.R11);
        a.mov(r12, registers.R12);
        a.mov(r13, registers.R13);
        a.mov(r14, registers.R14);
        a.mov(r15, registers.R15);
        a.mov(rsp, registers.Rsp);
        a.jmp(__qword_ptr[target]);
        a.Label(ref target);
        a.dq(rip);
        a.Label(ref mask);
        a.dq(signalMask);
        using MemoryStream code = new();
        a.Assemble(new StreamCodeWriter(code), at.Value);
        return code.ToArray();
    }

    /// <summary>Whether bytes begin like code that <see cref="Emit"/> makes.</summary>
    internal static bool IsLikelyAt(ReadOnlySpan<byte> code) => code.StartsWith(Beginning);

    private static (ulong Rip, ulong Rax) AfterRestart(in UserRegisters registers)
    {
        if (registers.OrigRax == ulong.MaxValue)
            return (registers.Rip, registers.Rax);
        return (long)registers.Rax switch
        {
            RestartSys or RestartNoIntr or RestartNoHand => (registers.Rip - 2, registers.OrigRax),
            RestartBlock => (registers.Rip - 2, RestartSyscall),
            _ => (registers.Rip, registers.Rax),
        };
    }
}
