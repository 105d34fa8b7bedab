namespace Uprobes.Stacks.X64;

/// <summary>
/// What the kernel leaves on the stack for a signal handler (arch/x86/include/uapi/asm/sigcontext.h and ucontext.h), and the code that
/// the handler returns to.
/// </summary>
internal static class SignalFrame
{
    /// <summary>The most bytes that <see cref="IsTrampoline"/> looks at.</summary>
    internal const int TrampolineBytes = 9;

    // At the trampoline the stack pointer is that of struct ucontext; uc_mcontext comes behind uc_flags, uc_link and uc_stack.
    private const int Context = 40;

    // The order of struct sigcontext: r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip.
    private static ReadOnlySpan<byte> Order => [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16];

    /// <summary>
    /// Whether the code is that which handlers return to. Debuggers know it by these bytes; C libraries keep them for that reason.
    /// <code>
    /// mov rax, 15 ; or mov eax, 15: rt_sigreturn
    /// syscall
    /// </code>
    /// </summary>
    internal static bool IsTrampoline(ReadOnlySpan<byte> code) =>
        code.StartsWith((ReadOnlySpan<byte>)[0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05])
        || code.StartsWith((ReadOnlySpan<byte>)[0xb8, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05]);

    /// <summary>Goes from the trampoline to what the signal interrupted: all registers are known then.</summary>
    internal static bool TryRestore(ref StackRegisters registers, in CapturedStack stack)
    {
        if (!registers.TryGet(StackRegisters.Rsp, out ulong context))
            return false;
        StackRegisters interrupted = default;
        for (int i = 0; i < Order.Length; i++)
        {
            if (!stack.TryReadWord(unchecked(context + Context + (ulong)(8 * i)), out ulong value))
                return false;
            interrupted.Set(Order[i], value);
        }

        registers = interrupted;
        return true;
    }
}
