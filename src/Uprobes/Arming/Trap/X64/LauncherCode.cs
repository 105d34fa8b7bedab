using Iced.Intel;
using Uprobes.Linux;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Arming.Trap.X64;

/// <summary>Emits what a launched child runs until it executes its program, and lays out the data that it reads.</summary>
internal static class LauncherCode
{
    // The block after BareProcess.HeaderSize. Descriptors are 4 bytes, -1 for none; pointers are 8 bytes.
    internal const int ReleaseRead = 64, ReleaseWrite = 68, ErrorWrite = 72, Standard0 = 76, Standard1 = 80, Standard2 = 84;
    internal const int Directory = 88, Path = 96, ArgumentVector = 104, EnvironmentVector = 112;

    /// <summary>Where the vectors and strings begin.</summary>
    internal const int Strings = 256;

    /// <summary>What the child writes when it fails: errno, then the <see cref="LaunchStep"/>, 4 bytes each.</summary>
    internal const int FailureSize = 8;

    // Not initialised by the parent: the report; a byte to read into; two struct sigaction, one of them all zero.
    private const int Failure = 120, Scratch = 128, OldAction = 136, DefaultAction = 168, EmptyMask = 200;

    private const int LastSignal = 64;

    // launch:  close(data->ReleaseWrite)         so that our death is the end of the pipe
    // wait:    read(data->ReleaseRead, &data->Scratch, 1)
    //          cmp   $-EINTR, %eax
    //          je    wait
    //          cmp   $1, %eax
    //          jne   quit
    //          (signals, descriptors, directory)
    //          execve(data->Path, data->ArgumentVector, data->EnvironmentVector)
    //          mov   $Execute, %ebx
    // failed:  neg   %eax
    //          mov   %eax, data->Failure
    //          mov   %ebx, data->Failure + 4
    //          write(data->ErrorWrite, &data->Failure, 8)
    // quit:    exit_group(127)
    internal static void EmitBody(Assembler a)
    {
        AssemblerRegister64 data = BareProcess.Data;
        Label wait = a.CreateLabel(), failed = a.CreateLabel(), quit = a.CreateLabel();
        a.mov(edi, __dword_ptr[data + ReleaseWrite]);
        a.mov(eax, 3);
        a.syscall();
        a.Label(ref wait);
        a.mov(edi, __dword_ptr[data + ReleaseRead]);
        a.lea(rsi, __[data + Scratch]);
        a.mov(edx, 1);
        a.xor(eax, eax);
        a.syscall();
        a.cmp(eax, -Errno.EINTR);
        a.je(wait);
        a.cmp(eax, 1);
        a.jne(quit);
        EmitSignals(a);
        EmitDescriptors(a, failed);
        EmitDirectory(a, failed);
        a.mov(rdi, __qword_ptr[data + Path]);
        a.mov(rsi, __qword_ptr[data + ArgumentVector]);
        a.mov(rdx, __qword_ptr[data + EnvironmentVector]);
        a.mov(eax, 59);
        a.syscall();
        a.mov(ebx, (int)LaunchStep.Execute);
        a.Label(ref failed);
        a.neg(eax);
        a.mov(__dword_ptr[data + Failure], eax);
        a.mov(__dword_ptr[data + Failure + 4], ebx);
        a.mov(edi, __dword_ptr[data + ErrorWrite]);
        a.lea(rsi, __[data + Failure]);
        a.mov(edx, FailureSize);
        a.mov(eax, 1);
        a.syscall();
        a.Label(ref quit);
        a.mov(edi, 127);
        a.mov(eax, 231);
        a.syscall();
    }

    // The runtime's handlers must be gone before a signal can arrive: their code is not here. What is ignored stays
    // ignored (nohup), but for SIGPIPE, which the runtime ignores for itself.
    //
    //          mov   $64, %ebx
    // each:    rt_sigaction(%ebx, NULL, &data->OldAction, 8)
    //          test  %eax, %eax
    //          jnz   next
    //          cmp   $SIGPIPE, %ebx
    //          je    reset
    //          cmpq  $SIG_IGN, data->OldAction
    //          jbe   next
    // reset:   rt_sigaction(%ebx, &data->DefaultAction, NULL, 8)
    // next:    dec   %ebx
    //          jnz   each
    //          rt_sigprocmask(SIG_SETMASK, &data->EmptyMask, NULL, 8)
    private static void EmitSignals(Assembler a)
    {
        AssemblerRegister64 data = BareProcess.Data;
        Label each = a.CreateLabel(), reset = a.CreateLabel(), next = a.CreateLabel();
        a.mov(ebx, LastSignal);
        a.Label(ref each);
        a.mov(edi, ebx);
        a.xor(esi, esi);
        a.lea(rdx, __[data + OldAction]);
        a.mov(r10d, 8);
        a.mov(eax, 13);
        a.syscall();
        a.test(eax, eax);
        a.jnz(next);
        a.cmp(ebx, LibC.SIGPIPE);
        a.je(reset);
        a.cmp(__qword_ptr[data + OldAction], 1);
        a.jbe(next);
        a.Label(ref reset);
        a.mov(edi, ebx);
        a.lea(rsi, __[data + DefaultAction]);
        a.xor(edx, edx);
        a.mov(r10d, 8);
        a.mov(eax, 13);
        a.syscall();
        a.Label(ref next);
        a.dec(ebx);
        a.jnz(each);
        a.mov(edi, 2);
        a.lea(rsi, __[data + EmptyMask]);
        a.xor(edx, edx);
        a.mov(r10d, 8);
        a.mov(eax, 14);
        a.syscall();
    }

    // For each N of 0, 1, 2; the sources are numbered 3 or more, so none is overwritten before its turn:
    //          mov   $StandardDescriptors, %ebx
    //          mov   data->StandardN, %edi
    //          test  %edi, %edi
    //          js    kept
    //          dup2(%edi, N)
    //          test  %eax, %eax
    //          js    failed
    // kept:
    private static void EmitDescriptors(Assembler a, Label failed)
    {
        a.mov(ebx, (int)LaunchStep.StandardDescriptors);
        for (int number = 0; number < 3; number++)
        {
            Label kept = a.CreateLabel();
            a.mov(edi, __dword_ptr[BareProcess.Data + (Standard0 + 4 * number)]);
            a.test(edi, edi);
            a.js(kept);
            a.mov(esi, number);
            a.mov(eax, 33);
            a.syscall();
            a.test(eax, eax);
            a.js(failed);
            a.Label(ref kept);
        }
    }

    //          mov   $WorkingDirectory, %ebx
    //          mov   data->Directory, %rdi
    //          test  %rdi, %rdi
    //          jz    kept
    //          chdir(%rdi)
    //          test  %eax, %eax
    //          js    failed
    // kept:
    private static void EmitDirectory(Assembler a, Label failed)
    {
        Label kept = a.CreateLabel();
        a.mov(ebx, (int)LaunchStep.WorkingDirectory);
        a.mov(rdi, __qword_ptr[BareProcess.Data + Directory]);
        a.test(rdi, rdi);
        a.jz(kept);
        a.mov(eax, 80);
        a.syscall();
        a.test(eax, eax);
        a.js(failed);
        a.Label(ref kept);
    }
}
