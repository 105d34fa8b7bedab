using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Arming.Trap.X64;

/// <summary>Emits what the guardian process runs, and lays out the journal that it reads.</summary>
internal static class GuardianCode
{
    // The block after BareProcess.HeaderSize: a struct pollfd, a byte to read into, the name, the count of entries, a struct
    // sched_param, the address of the word of the tracer thread's mark or 0, a struct timespec, the mark.
    internal const int PollDescriptor = 64, PollEvents = 68, PollResult = 70, Scratch = 72, Name = 80, HighWater = 96, Priority = 100, Word = 104, Interval = 112,
        Mark = 128;

    /// <summary>Where the entries begin.</summary>
    internal const int Entries = Mark + Linux.ThreadMark.Size;

    /// <summary>Bytes of an entry: address (8), descriptor of /proc/PID/mem (4), original byte, what is there or 0, count of an unsettled semaphore (2).</summary>
    internal const int EntrySize = 16;

    internal const int EntryDescriptor = 8, EntryOriginal = 12, EntryActive = 13, EntryCount = 14;

    /// <summary>What an entry is about: a breakpoint; a semaphore that is being changed; one that has been counted up.</summary>
    internal const byte Breakpoint = 1, UnsettledSemaphore = 2, Semaphore = 3;

    private const int SemaphoreBytes = Images.StaticProbes.StaticProbeNote.SemaphoreBytes;

    internal const short PollIn = 1;

    private const int SetName = 15; // PR_SET_NAME
    private const int FirstInFirstOut = 1; // SCHED_FIFO

    /// <summary>Bits of a robust futex's word (futex(2)): the owner's thread id, its death, and that somebody waits.</summary>
    private const uint OwnerMask = 0x3FFF_FFFF, OwnerDied = 0x4000_0000, Waiters = 0x8000_0000;

    // guard:   setsid()                          no signal of our terminal's reaches it
    //          prctl(PR_SET_NAME, data->Name)
    //          sched_setscheduler(0, SCHED_FIFO, &data->Priority)    where it may: what runs must not make it wait
    // watch:   mov   data->Word, %rdi            a dying thread changes this long before its process is gone
    //          test  %rdi, %rdi
    //          jz    forever
    //          mov   (%rdi), %eax
    //          test  $OwnerDied, %eax
    //          jnz   restore
    //          test  $OwnerMask, %eax
    //          jz    forever                     given back: only the process's end counts
    //          mov   %eax, %edx
    //          or    $Waiters, %edx
    //          lock cmpxchg %edx, (%rdi)
    //          jne   watch
    //          futex(%rdi, FUTEX_WAIT, %edx, &data->Interval)
    //          xor   %edx, %edx                  now and then, should the kernel have lost the list of such words
    //          jmp   look
    // forever: mov   $-1, %edx
    // look:    poll(&data->PollDescriptor, 1, %edx)
    //          cmp   $-EINTR, %eax
    //          je    watch
    //          test  %eax, %eax
    //          jz    watch
    //          cmp   $1, %eax
    //          jne   quit
    //          testw $POLLIN, data->PollResult   POLLNVAL: the descriptor was closed under us, the tracer may live
    //          jz    quit
    // restore: mov   data->HighWater, %r12d
    //          lea   data->Entries, %r13
    // next:    test  %r12d, %r12d
    //          jz    quit
    //          cmpb  $Breakpoint, Active(%r13)
    //          ja    count
    //          jb    skip
    //          pread64(Descriptor(%r13), &data->Scratch, 1, (%r13))
    //          cmp   $1, %rax                    gone with its process
    //          jne   skip
    //          cmpb  $0xcc, data->Scratch        somebody else's bytes by now
    //          jne   skip
    //          pwrite64(Descriptor(%r13), &Original(%r13), 1, (%r13))
    //          jmp   skip
    // count:   pread64(Descriptor(%r13), &data->Scratch, 2, (%r13))
    //          cmp   $2, %rax
    //          jne   skip
    //          movzwl data->Scratch, %eax
    //          sub   $1, %eax
    //          jb    skip                        nothing of ours: it was mapped anew
    //          cmpb  $Semaphore, Active(%r13)
    //          je    lower
    //          cmp   %ax, Count(%r13)            in the middle of a change: the higher value is the one with ours
    //          jne   skip
    // lower:   mov   %ax, data->Scratch
    //          pwrite64(Descriptor(%r13), &data->Scratch, 2, (%r13))
    // skip:    add   $16, %r13
    //          dec   %r12d
    //          jmp   next
    // quit:    exit_group(0)
    internal static void EmitBody(Assembler a)
    {
        AssemblerRegister64 data = BareProcess.Data;
        Label restore = a.CreateLabel(), next = a.CreateLabel(), skip = a.CreateLabel(), quit = a.CreateLabel(), count = a.CreateLabel();
        a.mov(eax, 112);
        a.syscall();
        a.mov(edi, SetName);
        a.lea(rsi, __[data + Name]);
        a.mov(eax, 157);
        a.syscall();
        a.xor(edi, edi);
        a.mov(esi, FirstInFirstOut);
        a.lea(rdx, __[data + Priority]);
        a.mov(eax, 144);
        a.syscall();
        EmitWatch(a, restore, quit);
        a.Label(ref restore);
        a.mov(r12d, __dword_ptr[data + HighWater]);
        a.lea(r13, __[data + Entries]);
        a.Label(ref next);
        a.test(r12d, r12d);
        a.jz(quit);
        a.cmp(__byte_ptr[r13 + EntryActive], Breakpoint);
        a.ja(count);
        a.jb(skip);
        a.lea(rsi, __[data + Scratch]);
        EmitTransfer(a, systemCall: 17, bytes: 1);
        a.cmp(rax, 1);
        a.jne(skip);
        a.cmp(__byte_ptr[data + Scratch], 0xCC);
        a.jne(skip);
        a.lea(rsi, __[r13 + EntryOriginal]);
        EmitTransfer(a, systemCall: 18, bytes: 1);
        a.jmp(skip);
        a.Label(ref count);
        EmitLowering(a, skip);
        a.Label(ref skip);
        a.add(r13, EntrySize);
        a.dec(r12d);
        a.jmp(next);
        a.Label(ref quit);
        a.xor(edi, edi);
        a.mov(eax, 231);
        a.syscall();
    }

    private static void EmitLowering(Assembler a, Label skip)
    {
        AssemblerRegister64 data = BareProcess.Data;
        Label lower = a.CreateLabel();
        a.lea(rsi, __[data + Scratch]);
        EmitTransfer(a, systemCall: 17, SemaphoreBytes);
        a.cmp(rax, SemaphoreBytes);
        a.jne(skip);
        a.movzx(eax, __word_ptr[data + Scratch]);
        a.sub(eax, 1);
        a.jb(skip);
        a.cmp(__byte_ptr[r13 + EntryActive], Semaphore);
        a.je(lower);
        a.cmp(__word_ptr[r13 + EntryCount], ax);
        a.jne(skip);
        a.Label(ref lower);
        a.mov(__word_ptr[data + Scratch], ax);
        a.lea(rsi, __[data + Scratch]);
        EmitTransfer(a, systemCall: 18, SemaphoreBytes);
    }

    private static void EmitWatch(Assembler a, Label restore, Label quit)
    {
        AssemblerRegister64 data = BareProcess.Data;
        Label watch = a.CreateLabel(), forever = a.CreateLabel(), look = a.CreateLabel();
        a.Label(ref watch);
        a.mov(rdi, __qword_ptr[data + Word]);
        a.test(rdi, rdi);
        a.jz(forever);
        a.mov(eax, __dword_ptr[rdi]);
        a.test(eax, OwnerDied);
        a.jnz(restore);
        a.test(eax, OwnerMask);
        a.jz(forever);
        a.mov(edx, eax);
        a.or(edx, Waiters);
        a.@lock.cmpxchg(__dword_ptr[rdi], edx);
        a.jne(watch);
        a.xor(esi, esi);
        a.lea(r10, __[data + Interval]);
        a.mov(eax, 202);
        a.syscall();
        a.xor(edx, edx);
        a.jmp(look);
        a.Label(ref forever);
        a.mov(edx, -1);
        a.Label(ref look);
        a.lea(rdi, __[data + PollDescriptor]);
        a.mov(esi, 1);
        a.mov(eax, 7);
        a.syscall();
        a.cmp(eax, -Linux.Errno.EINTR);
        a.je(watch);
        a.test(eax, eax);
        a.jz(watch);
        a.cmp(eax, 1);
        a.jne(quit);
        a.test(__word_ptr[data + PollResult], PollIn);
        a.jz(quit);
    }

    // pread64 or pwrite64(Descriptor(%r13), %rsi, bytes, (%r13))
    private static void EmitTransfer(Assembler a, int systemCall, int bytes)
    {
        a.mov(edi, __dword_ptr[r13 + EntryDescriptor]);
        a.mov(edx, bytes);
        a.mov(r10, __qword_ptr[r13]);
        a.mov(eax, systemCall);
        a.syscall();
    }
}
