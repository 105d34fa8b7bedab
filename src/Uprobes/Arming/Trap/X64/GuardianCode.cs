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

    /// <summary>
    /// Bytes of an entry: address of a breakpoint, or the distance from the block's data to a semaphore's <see cref="SemaphorePlace"/> (8), descriptor of
    /// /proc/PID/mem (4), original byte, what is there or 0, count of an unsettled semaphore (2).
    /// </summary>
    internal const int EntrySize = 16;

    internal const int EntryDescriptor = 8, EntryOriginal = 12, EntryActive = 13, EntryCount = 14;

    /// <summary>What an entry is about: a breakpoint; a semaphore that is being changed; one that has been counted up.</summary>
    internal const byte Breakpoint = 1, UnsettledSemaphore = 2, Semaphore = 3;

    /// <summary>Where the places of semaphores begin.</summary>
    internal const int Places = Entries + Guardian.MaximumEntries * EntrySize;

    /// <summary>Bytes of a place: address, device and inode as the maps line has them, the counter's place in the file (8 each), descriptor of /proc/PID/maps (4).</summary>
    internal const int PlaceSize = 40;

    internal const int PlaceAddress = 0, PlaceDevice = 8, PlaceInode = 16, PlaceOffset = 24, PlaceDescriptor = 32;

    /// <summary>Where the lines of /proc/PID/maps are read to, and how many bytes of them: as many as the kernel's default limit of mappings has.</summary>
    internal const int Lines = Places + Guardian.MaximumSemaphores * PlaceSize;

    internal const int LineBytes = 8 << 20;

    /// <summary>Bytes of the block: behind the lines are as many of 0 as reading one that is cut off may go on for.</summary>
    internal const int Size = Lines + LineBytes + 64;

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
    // count:   mov   (%r13), %r14
    //          add   %data, %r14
    //          see EmitIdentity                  skip where something else is mapped by now
    //          pread64(Descriptor(%r13), &data->Scratch, 2, Address(%r14))
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
    //          pwrite64(Descriptor(%r13), &data->Scratch, 2, Address(%r14))
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
        EmitTransfer(a, systemCall: 17, bytes: 1, r13);
        a.cmp(rax, 1);
        a.jne(skip);
        a.cmp(__byte_ptr[data + Scratch], 0xCC);
        a.jne(skip);
        a.lea(rsi, __[r13 + EntryOriginal]);
        EmitTransfer(a, systemCall: 18, bytes: 1, r13);
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
        a.mov(r14, __qword_ptr[r13]);
        a.add(r14, data);
        EmitIdentity(a, skip);
        a.lea(rsi, __[data + Scratch]);
        EmitTransfer(a, systemCall: 17, SemaphoreBytes, r14);
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
        EmitTransfer(a, systemCall: 18, SemaphoreBytes, r14);
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

    // pread64 or pwrite64(Descriptor(%r13), %rsi, bytes, (%at))
    private static void EmitTransfer(Assembler a, int systemCall, int bytes, AssemblerRegister64 at)
    {
        a.mov(edi, __dword_ptr[r13 + EntryDescriptor]);
        a.mov(edx, bytes);
        a.mov(r10, __qword_ptr[at]);
        a.mov(eax, systemCall);
        a.syscall();
    }

    // Goes on only where the semaphore at %r14 is in private writable memory that the same part of the same file is mapped to.
    //
    //          lseek(Descriptor(%r14), 0, SEEK_SET)
    //          lea   data->Lines, %r15
    //          lea   data->Lines + LineBytes, %rbp
    // fill:    read(Descriptor(%r14), %r15, %rbp - %r15)     a page or so at a time
    //          test  %rax, %rax
    //          jle   filled
    //          add   %rax, %r15
    //          cmp   %rbp, %r15
    //          jb    fill
    // filled:  movq  $0, (%r15)                  what an earlier semaphore's lines have left behind ends no number
    //          lea   data->Lines, %rsi
    // line:    cmp   %r15, %rsi                  start-end rw-p offset major:minor inode
    //          jae   skip
    //          number(%rbx, 16)
    //          number(%rbp, 16)
    //          mov   Address(%r14), %rdi
    //          cmp   %rbx, %rdi
    //          jb    skip                        they ascend
    //          cmp   %rbp, %rdi
    //          jb    found
    // rest:    cmpb  $'\n', (%rsi)
    //          lea   1(%rsi), %rsi
    //          je    line
    //          cmp   %r15, %rsi
    //          jb    rest
    //          jmp   skip
    // found:   cmpb  $'w', 1(%rsi)
    //          jne   skip
    //          cmpb  $'p', 3(%rsi)
    //          jne   skip
    //          add   $5, %rsi
    //          sub   %rbx, %rdi
    //          number(%rdx, 16)
    //          add   %rdi, %rdx
    //          cmp   Offset(%r14), %rdx
    //          jne   skip
    //          number(%rbx, 16)
    //          number(%rdx, 16)
    //          shl   $32, %rbx
    //          or    %rdx, %rbx
    //          cmp   Device(%r14), %rbx
    //          jne   skip
    //          number(%rdx, 10)
    //          cmp   Inode(%r14), %rdx
    //          jne   skip
    private static void EmitIdentity(Assembler a, Label skip)
    {
        AssemblerRegister64 data = BareProcess.Data;
        Label fill = a.CreateLabel(), filled = a.CreateLabel(), line = a.CreateLabel(), rest = a.CreateLabel(), found = a.CreateLabel();
        a.mov(edi, __dword_ptr[r14 + PlaceDescriptor]);
        a.xor(esi, esi);
        a.xor(edx, edx);
        a.mov(eax, 8);
        a.syscall();
        a.lea(r15, __[data + Lines]);
        a.lea(rbp, __[data + (Lines + LineBytes)]);
        a.Label(ref fill);
        a.mov(edi, __dword_ptr[r14 + PlaceDescriptor]);
        a.mov(rsi, r15);
        a.mov(rdx, rbp);
        a.sub(rdx, r15);
        a.xor(eax, eax);
        a.syscall();
        a.test(rax, rax);
        a.jle(filled);
        a.add(r15, rax);
        a.cmp(r15, rbp);
        a.jb(fill);
        a.Label(ref filled);
        a.mov(__qword_ptr[r15], 0);
        a.lea(rsi, __[data + Lines]);
        a.Label(ref line);
        a.cmp(rsi, r15);
        a.jae(skip);
        EmitNumber(a, rbx, 16);
        EmitNumber(a, rbp, 16);
        a.mov(rdi, __qword_ptr[r14 + PlaceAddress]);
        a.cmp(rdi, rbx);
        a.jb(skip);
        a.cmp(rdi, rbp);
        a.jb(found);
        a.Label(ref rest);
        a.cmp(__byte_ptr[rsi], (byte)'\n');
        a.lea(rsi, __[rsi + 1]);
        a.je(line);
        a.cmp(rsi, r15);
        a.jb(rest);
        a.jmp(skip);
        a.Label(ref found);
        a.cmp(__byte_ptr[rsi + 1], (byte)'w');
        a.jne(skip);
        a.cmp(__byte_ptr[rsi + 3], (byte)'p');
        a.jne(skip);
        a.add(rsi, 5);
        a.sub(rdi, rbx);
        EmitNumber(a, rdx, 16);
        a.add(rdx, rdi);
        a.cmp(rdx, __qword_ptr[r14 + PlaceOffset]);
        a.jne(skip);
        EmitNumber(a, rbx, 16);
        EmitNumber(a, rdx, 16);
        a.shl(rbx, 32);
        a.or(rbx, rdx);
        a.cmp(rbx, __qword_ptr[r14 + PlaceDevice]);
        a.jne(skip);
        EmitNumber(a, rdx, 10);
        a.cmp(rdx, __qword_ptr[r14 + PlaceInode]);
        a.jne(skip);
    }

    // Reads a number at %rsi, and what it ends with.
    //
    //          mov   $0, %value
    // next:    movzbl (%rsi), %eax
    //          inc   %rsi
    //          sub   $'0', %eax
    //          jb    done
    //          cmp   $10, %eax
    //          jb    digit
    //          sub   $'a' - '0', %eax
    //          jb    done
    //          cmp   $5, %eax
    //          ja    done
    //          add   $10, %eax
    // digit:   imul  $radix, %value
    //          add   %rax, %value
    //          jmp   next
    // done:    nop
    private static void EmitNumber(Assembler a, AssemblerRegister64 value, int radix)
    {
        Label next = a.CreateLabel(), digit = a.CreateLabel(), done = a.CreateLabel();
        a.mov(value, 0);
        a.Label(ref next);
        a.movzx(eax, __byte_ptr[rsi]);
        a.inc(rsi);
        a.sub(eax, '0');
        a.jb(done);
        a.cmp(eax, 10);
        a.jb(digit);
        a.sub(eax, 'a' - '0');
        a.jb(done);
        a.cmp(eax, 5);
        a.ja(done);
        a.add(eax, 10);
        a.Label(ref digit);
        a.imul(value, value, radix);
        a.add(value, rax);
        a.jmp(next);
        a.Label(ref done);
        a.nop();
    }
}
