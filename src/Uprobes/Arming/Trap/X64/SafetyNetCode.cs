using System.Numerics;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Arming.Trap.X64;

/// <summary>
/// Emits the SIGTRAP handler that keeps a trap-probed process alive when its tracer is gone.
/// </summary>
/// <remarks>
/// While the tracer lives it takes every SIGTRAP of its own before the process sees it, so this handler does not run.
/// It runs for a thread that was in its signal-delivery-stop when the tracer was killed (the kernel then delivers the
/// signal), for hits after that until the guardian has restored the text, and for processes that share the memory but
/// were never traced. It sends the thread to the slot, where the displaced instruction runs, and on.
///
/// <para>A SIGTRAP that is not ours has the effect that it would have had without the handler. With SIG_DFL the thread
/// dies of it. With SIG_IGN one that a process sent is dropped, but one that the kernel forces (int3, single step)
/// kills, because the kernel resets an ignored disposition before it forces a signal.</para>
///
/// <para>It cannot help a thread that hits a trap with SIGTRAP blocked: the kernel then resets the disposition and
/// kills (traps.md T6).</para>
/// </remarks>
internal static class SafetyNetCode
{
    /// <summary>
    /// The sa_flags to install it with: SA_SIGINFO, SA_RESTORER, SA_ONSTACK (a thread may stand on a stack of a few
    /// hundred bytes, as goroutines do) and SA_RESTART.
    /// </summary>
    internal const ulong ActionFlags = 0x0000_0004 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000;

    /// <summary>The sa_mask to install it with: no other signal's handler may see a program counter inside this one.</summary>
    internal const ulong ActionMask = ulong.MaxValue;

    /// <summary>2^64 divided by the golden ratio, made odd: spreads neighbouring addresses over the table (Fibonacci hashing).</summary>
    internal const ulong HashMultiplier = 0x9E37_79B9_7F4A_7C15;

    /// <summary>
    /// The si_code by which the tracer marks a signal of its breakpoints whose thread it is about to send to si_addr; no code
    /// of the kernel's (asm-generic/siginfo.h).
    /// </summary>
    internal const int CodeRedirected = 0x5550;

    private const int SignalTrap = 5;
    private const int CodeKernel = 0x80; // SI_KERNEL: int3
    private const int AddressOffset = 16; // siginfo_t.si_addr
    private const int CodeOffset = 8; // siginfo_t.si_code
    private const int RipOffset = 0xA8; // ucontext_t.uc_mcontext.gregs[REG_RIP]
    private const int EntryShift = 4; // SafetyNetTable.EntrySize is 16

    /// <summary>Emits the handler; its first byte is the entry point.</summary>
    /// <param name="codeAddress">Where the code will lie in the target. It is r-x there and needs no writable memory.</param>
    /// <param name="tableAddress">Where the <see cref="SafetyNetTable"/> will lie in the target, a multiple of 16.</param>
    /// <param name="capacity">Entries of that table, a power of two from 2 on.</param>
    /// <param name="originallyIgnored">Whether the target's own disposition of SIGTRAP is SIG_IGN rather than SIG_DFL.</param>
    /// <param name="restorerOffset">Byte offset of the code to pass as sa_restorer.</param>
    internal static byte[] Emit(ulong codeAddress, ulong tableAddress, uint capacity, bool originallyIgnored, out int restorerOffset)
    {
        SafetyNetTable.ThrowIfBadCapacity(capacity);
        if (tableAddress % SafetyNetTable.EntrySize != 0)
            throw new ArgumentException($"0x{tableAddress:x} is not a multiple of {SafetyNetTable.EntrySize}", nameof(tableAddress));

        var a = new Assembler(64);
        Label notInTable = a.CreateLabel(), die = a.CreateLabel();
        Label foreign = originallyIgnored ? a.CreateLabel() : die;
        Label restorer = a.CreateLabel(), defaultAction = a.CreateLabel();

        EmitLookup(a, tableAddress, capacity, notInTable, foreign);
        EmitStaleHit(a, notInTable, die);
        EmitForeign(a, originallyIgnored, foreign, die, defaultAction);

        // restorer: mov $15, %rax      rt_sigreturn; in glibc's own encoding, by which unwinders know a signal frame
        //           syscall
        a.Label(ref restorer);
        a.AddInstruction(Instruction.Create(Code.Mov_rm64_imm32, Register.RAX, 15));
        a.syscall();

        // defaultAction: a struct sigaction of the kernel: SIG_DFL, no flags, no restorer, empty mask
        a.Label(ref defaultAction);
        for (int word = 0; word < 4; word++)
            a.dq(0UL);

        byte[] code = MachineCode.Encode(a, codeAddress, out AssemblerResult result);
        restorerOffset = (int)(result.GetLabelRIP(restorer) - codeAddress);
        return code;
    }

    //           endbr64                        rdi = SIGTRAP, rsi = siginfo_t, rdx = ucontext_t; [rsp] = restorer
    //           mov  RIP(%rdx), %rax           the address after the trap: the key
    //           cmpl $SI_KERNEL, 8(%rsi)       only int3 gives this code
    //           je   search
    //           cmpl $CodeRedirected, 8(%rsi)
    //           jne  foreign
    //           cmp  %rax, 16(%rsi)            the tracer had sent it on before it was killed
    //           jne  search
    //           ret
    // search:
    //           mov  $table, %r8
    //           mov  $multiplier, %r9
    //           imul %rax, %r9
    //           shr  $(64-bits), %r9           the first entry to look at
    //           mov  $capacity, %ecx           no more entries than there are
    // next:     mov  %r9, %r10
    //           shl  $4, %r10
    //           add  %r8, %r10
    //           mov  (%r10), %r11
    //           cmp  %rax, %r11
    //           je   found
    //           test %r11, %r11                an entry never used: the key is not in the table
    //           jz   notInTable
    // probe:    inc  %r9d
    //           and  $(capacity-1), %r9d
    //           dec  %ecx
    //           jnz  next
    //           jmp  notInTable
    // found:    mov  8(%r10), %r11
    //           cmp  %rax, (%r10)              was the entry given to another trap meanwhile?
    //           jne  probe
    //           mov  %r11, RIP(%rdx)
    //           ret                            to the restorer
    private static void EmitLookup(Assembler a, ulong tableAddress, uint capacity, Label notInTable, Label foreign)
    {
        Label next = a.CreateLabel(), probe = a.CreateLabel(), found = a.CreateLabel(), search = a.CreateLabel();
        a.endbr64();
        a.mov(rax, __qword_ptr[rdx + RipOffset]);
        a.cmp(__dword_ptr[rsi + CodeOffset], CodeKernel);
        a.je(search);
        a.cmp(__dword_ptr[rsi + CodeOffset], CodeRedirected);
        a.jne(foreign);
        a.cmp(__qword_ptr[rsi + AddressOffset], rax);
        a.jne(search);
        a.ret();
        a.Label(ref search);
        a.mov(r8, tableAddress);
        a.mov(r9, HashMultiplier);
        a.imul(r9, rax);
        a.shr(r9, (byte)(64 - BitOperations.Log2(capacity)));
        a.mov(ecx, capacity);
        a.Label(ref next);
        a.mov(r10, r9);
        a.shl(r10, EntryShift);
        a.add(r10, r8);
        a.mov(r11, __qword_ptr[r10]);
        a.cmp(r11, rax);
        a.je(found);
        a.test(r11, r11);
        a.jz(notInTable);
        a.Label(ref probe);
        a.inc(r9d);
        a.and(r9d, capacity - 1);
        a.dec(ecx);
        a.jnz(next);
        a.jmp(notInTable);
        a.Label(ref found);
        a.mov(r11, __qword_ptr[r10 + 8]);
        a.cmp(__qword_ptr[r10], rax);
        a.jne(probe);
        a.mov(__qword_ptr[rdx + RipOffset], r11);
        a.ret();
    }

    // A probe may have been removed between the trap and this handler. Then the instruction is back, and runs.
    //
    // notInTable: cmpb $0xcc, -1(%rax)         still an int3: the program's own
    //             je   die
    //             cmpb $0x03, -1(%rax)         cd 03 is the two-byte int3
    //             jne  stale
    //             cmpb $0xcd, -2(%rax)
    //             je   die
    // stale:      dec  %rax
    //             mov  %rax, RIP(%rdx)
    //             ret
    private static void EmitStaleHit(Assembler a, Label notInTable, Label die)
    {
        Label stale = a.CreateLabel();
        a.Label(ref notInTable);
        a.cmp(__byte_ptr[rax - 1], 0xCC);
        a.je(die);
        a.cmp(__byte_ptr[rax - 1], 0x03);
        a.jne(stale);
        a.cmp(__byte_ptr[rax - 2], 0xCD);
        a.je(die);
        a.Label(ref stale);
        a.dec(rax);
        a.mov(__qword_ptr[rdx + RipOffset], rax);
        a.ret();
    }

    // The signal is made pending again; the mask holds it back until the restorer has put the thread's own registers
    // in place, so that a core dump shows the thread where the signal met it.
    //
    // foreign: cmpl $0, 8(%rsi)                only where the signal was ignored; elsewhere foreign is die
    //          jle  ignore                     sent by a process, not forced by the kernel
    // die:     mov  $SIGTRAP, %edi             rt_sigaction(SIGTRAP, &defaultAction, NULL, 8)
    //          lea  defaultAction(%rip), %rsi
    //          xor  %edx, %edx
    //          mov  $8, %r10d
    //          mov  $13, %eax
    //          syscall
    //          mov  $39, %eax                  getpid()
    //          syscall
    //          mov  %eax, %r8d
    //          mov  $186, %eax                 gettid()
    //          syscall
    //          mov  %r8d, %edi                 tgkill(pid, tid, SIGTRAP)
    //          mov  %eax, %esi
    //          mov  $SIGTRAP, %edx
    //          mov  $234, %eax
    //          syscall
    // ignore:  ret
    private static void EmitForeign(Assembler a, bool originallyIgnored, Label foreign, Label die, Label defaultAction)
    {
        Label ignore = a.CreateLabel();
        if (originallyIgnored)
        {
            a.Label(ref foreign);
            a.cmp(__dword_ptr[rsi + CodeOffset], 0);
            a.jle(ignore);
        }
        a.Label(ref die);
        a.mov(edi, SignalTrap);
        a.lea(rsi, __[defaultAction]);
        a.xor(edx, edx);
        a.mov(r10d, 8);
        a.mov(eax, 13);
        a.syscall();
        a.mov(eax, 39);
        a.syscall();
        a.mov(r8d, eax);
        a.mov(eax, 186);
        a.syscall();
        a.mov(edi, r8d);
        a.mov(esi, eax);
        a.mov(edx, SignalTrap);
        a.mov(eax, 234);
        a.syscall();
        a.Label(ref ignore);
        a.ret();
    }
}
