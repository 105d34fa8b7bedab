using System.Runtime.InteropServices;
using Iced.Intel;
using Uprobes.Linux;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Arming.Trap.X64;

/// <summary>
/// Starts a child process that runs given machine code and has nothing else in its address space: a page of code and
/// a block of data that it shares with us. No C library, no thread-local storage, no stack, no managed code, and all
/// signals blocked, so that none of the runtime's handlers ever runs in it.
/// </summary>
/// <remarks>
/// A plain vfork-like child (CLONE_VM) would live in our own address space. That is wrong for one that waits: kernels
/// before 5.16 kill every process that shares an address space when one of them dumps core, every kernel does so on
/// out of memory, and a mapping made in the child by remote system call would be a mapping in the tracer. So the child
/// gets a copy of the address space and unmaps it at once. What remains of copy-on-write is a page fault, without a
/// copy, at the tracer's next write to each page. Measured: starting takes 0.3 ms in a small tracer, 14 ms in one of 500 MB.
///
/// <para>A copy inherits the calling thread's rseq registration; once that memory is unmapped the kernel would kill
/// the child at its next preemption. Only CLONE_VM drops a registration. Hence two steps: a CLONE_VM|CLONE_VFORK
/// child, in which it is gone, makes the lasting child as its sister (CLONE_PARENT) and ends.</para>
///
/// <para>The exit signal of both is 0. The host gets no SIGCHLD from them, and its own waitpid(-1), without __WALL,
/// never sees them (until the child executes a program, which sets its exit signal to SIGCHLD).</para>
/// </remarks>
internal static class BareProcess
{
    /// <summary>Bytes that the start code owns at the beginning of the data block; what a body uses comes after.</summary>
    internal const int HeaderSize = 64;

    /// <summary>In the start code and in bodies, the register that holds the data block's address; no system call changes it.</summary>
    internal static readonly AssemblerRegister64 Data = r9;

    // The header: what the start code shares between the processes.
    private const int AllSignals = 0, SavedMask = 8, ChildId = 16;

    private const int CodeSize = AnonymousMapping.PageSize;
    private const ulong EndOfUserAddresses = 0x7FFF_FFFF_F000; // TASK_SIZE_MAX; nothing is mapped above unless asked for.

    private const uint CloneVm = 0x100, CloneFiles = 0x400, CloneVfork = 0x4000, CloneParent = 0x8000;
    private const int WaitForAny = 0x4000_0000; // __WALL

    /// <summary>Maps the shared block: a code page, then the data, readable and writable until <see cref="Start"/>.</summary>
    /// <exception cref="SyscallException">The mapping was refused.</exception>
    internal static AnonymousMapping Map(int dataSize) => AnonymousMapping.Create(CodeSize + dataSize);

    /// <summary>Where the data lies in the block, in our address space as in the child's.</summary>
    internal static nint DataOf(AnonymousMapping block) => block.Address + CodeSize;

    /// <summary>Starts the child. Its parent is the calling thread: only that thread may wait for it with __WNOTHREAD.</summary>
    /// <param name="block">From <see cref="Map"/>, with everything in place that the body reads. The child keeps its own mapping of it.</param>
    /// <param name="sharesDescriptors">
    /// Whether the child sees descriptors that we open and close later (CLONE_FILES), or has a copy of the table.
    /// </param>
    /// <param name="emitBody">Adds what the child runs. It must end the process, use no stack and keep <see cref="Data"/>.</param>
    /// <returns>The child's process id; the caller must collect its status (wait with __WALL).</returns>
    /// <exception cref="SyscallException">
    /// EAGAIN: process limit; ENOMEM: no memory to copy the address space; EACCES: executable memory is forbidden.
    /// </exception>
    internal static int Start(AnonymousMapping block, bool sharesDescriptors, Action<Assembler> emitBody)
    {
        byte[] code = Emit((ulong)block.Address, (ulong)block.Length, sharesDescriptors, emitBody);
        if (code.Length > CodeSize)
            throw new InvalidOperationException($"{code.Length} bytes of code do not fit a page");
        Marshal.Copy(code, 0, block.Address, code.Length);
        block.MakeExecutable(0, CodeSize);
        Marshal.WriteInt64(DataOf(block) + AllSignals, -1);
        return StartAgain(block);
    }

    /// <summary>Starts another child from a block that <see cref="Start"/> has filled.</summary>
    /// <returns>The child's process id; the caller must collect its status (wait with __WALL).</returns>
    /// <exception cref="SyscallException">EAGAIN: process limit; ENOMEM: no memory to copy the address space.</exception>
    internal static unsafe int StartAgain(AnonymousMapping block)
    {
        // SAFETY: the code is what Emit shows; it keeps the callee-saved registers and the stack.
        var start = (delegate* unmanaged<nint, int>)block.Address;
        int result = start(DataOf(block));
        return result > 0 ? result : throw new SyscallException("clone", -result);
    }

    private static byte[] Emit(ulong blockAddress, ulong blockLength, bool sharesDescriptors, Action<Assembler> emitBody)
    {
        var a = new Assembler(64);
        Label child = a.CreateLabel();
        EmitStart(a, sharesDescriptors, child);

        // child:  munmap(0, block)
        //         munmap(end of block, end of user addresses - end of block)
        // Where a mapping cannot be unmapped (mseal) all stays, which costs memory and nothing else.
        a.Label(ref child);
        a.xor(edi, edi);
        a.mov(rsi, blockAddress);
        a.mov(eax, 11);
        a.syscall();
        a.mov(rdi, blockAddress + blockLength);
        a.mov(rsi, EndOfUserAddresses - (blockAddress + blockLength));
        a.mov(eax, 11);
        a.syscall();
        emitBody(a);
        return MachineCode.Encode(a, blockAddress);
    }

    // int start(void *data)
    // start:   mov  %rdi, %r9
    //          rt_sigprocmask(SIG_BLOCK, &data->AllSignals, &data->SavedMask, 8)
    //          clone(CLONE_VM|CLONE_VFORK|CLONE_FILES, 0, 0, 0, 0)     same memory, same stack, which it never touches
    //          test %eax, %eax
    //          js   unblock
    //          jz   between
    //          mov  %eax, %r8d
    // reap:    wait4(%r8d, NULL, __WALL, NULL)
    //          cmp  $-EINTR, %eax
    //          je   reap
    //          mov  data->ChildId, %eax
    // unblock: mov  %eax, %r8d
    //          rt_sigprocmask(SIG_SETMASK, &data->SavedMask, NULL, 8)
    //          mov  %r8d, %eax
    //          ret
    // between: clone(CLONE_PARENT [|CLONE_FILES], 0, 0, 0, 0)
    //          test %eax, %eax
    //          jz   child
    //          mov  %eax, data->ChildId
    //          exit(0)
    private static void EmitStart(Assembler a, bool sharesDescriptors, Label child)
    {
        Label reap = a.CreateLabel(), unblock = a.CreateLabel(), between = a.CreateLabel();
        a.mov(Data, rdi);
        EmitSignalMask(a, how: 0, AllSignals, SavedMask);
        EmitClone(a, CloneVm | CloneVfork | CloneFiles);
        a.test(eax, eax);
        a.js(unblock);
        a.jz(between);
        a.mov(r8d, eax);
        a.Label(ref reap);
        a.mov(edi, r8d);
        a.xor(esi, esi);
        a.mov(edx, WaitForAny);
        a.xor(r10d, r10d);
        a.mov(eax, 61);
        a.syscall();
        a.cmp(eax, -Errno.EINTR);
        a.je(reap);
        a.mov(eax, __dword_ptr[Data + ChildId]);
        a.Label(ref unblock);
        a.mov(r8d, eax);
        EmitSignalMask(a, how: 2, SavedMask, save: null);
        a.mov(eax, r8d);
        a.ret();
        a.Label(ref between);
        EmitClone(a, CloneParent | (sharesDescriptors ? CloneFiles : 0));
        a.test(eax, eax);
        a.jz(child);
        a.mov(__dword_ptr[Data + ChildId], eax);
        a.xor(edi, edi);
        a.mov(eax, 60);
        a.syscall();
    }

    // rt_sigprocmask(how, &data[mask], save is null ? NULL : &data[save], 8)
    private static void EmitSignalMask(Assembler a, int how, int mask, int? save)
    {
        a.mov(edi, how);
        a.lea(rsi, __[Data + mask]);
        if (save is int offset)
            a.lea(rdx, __[Data + offset]);
        else
            a.xor(edx, edx);
        a.mov(r10d, 8);
        a.mov(eax, 14);
        a.syscall();
    }

    // clone(flags, 0, 0, 0, 0)
    private static void EmitClone(Assembler a, uint flags)
    {
        a.mov(edi, flags);
        a.xor(esi, esi);
        a.xor(edx, edx);
        a.xor(r10d, r10d);
        a.xor(r8d, r8d);
        a.mov(eax, 56);
        a.syscall();
    }
}
