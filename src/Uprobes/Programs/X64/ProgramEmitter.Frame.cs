using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>
/// Scratch frames: room that the target's stack has not got. A frame's first word is 0 if it is free, otherwise the address of a
/// word on its user's stack that holds the frame's own address. A user that was left by longjmp out of a signal handler gives nothing
/// back: when all frames are in use, the one whose stack no longer says so is taken over. Comparing stack pointers would not do, as
/// the handler may have a stack of its own. The last frame is room for that search only. The claim is locked: threads that
/// share an FS base may lose counts to each other, but not what is saved in a frame.
/// </summary>
internal sealed partial class ProgramEmitter
{
    private const int UsableFrames = ChannelLayout.ScratchFrames - 1, ProcessVmReadv = 310, BadAddress = -14;
    private const int SavedOffset = 8;

    private int _roomUsed;

    /// <summary>What is saved in the frame, in order.</summary>
    private IEnumerable<Gpr> FramedRegisters() =>
        _plan.Touched.Without(Gpr.Rax).Without(Gpr.Rcx).Without(Gpr.Rdx).Without(Gpr.R11).Without(Gpr.Rbx).Without(Gpr.Rbp).All();

    private Operand SavedInFrame(Gpr register)
    {
        int offset = SavedOffset;
        foreach (Gpr saved in FramedRegisters())
        {
            if (saved == register)
                return Operand.Word(Gpr.Rbx, offset);
            offset += 8;
        }

        return Operand.InPlace(register);
    }

    /// <summary>Takes room in the frame.</summary>
    /// <returns>Its offset in the frame. It is given back by setting <c>_roomUsed</c> to what it was before.</returns>
    private int TakeRoom(int bytes)
    {
        int offset = _roomUsed;
        _roomUsed += bytes;
        return _roomUsed <= ChannelLayout.ScratchFrameSize
            ? offset
            : throw new ArgumentException($"The program needs more than {ChannelLayout.ScratchFrameSize} bytes of scratch memory.");
    }

    /// <summary>
    /// <code>
    ///     lea   rbx, [rbp + 192]
    ///     push  rbx
    ///     xor   eax, eax
    ///     lock cmpxchg [rbx], rsp
    ///     jne   taken                     ; EmitFrameSearch
    /// claimed:
    ///     mov   [rbx + 8], rsi            ; and so on, whatever else is changed
    ///     mov   [rbx + place], r11        ; the thread's id, if the program wants it
    /// </code>
    /// </summary>
    private void EmitFrame()
    {
        Label claimed = _code.NewLabel(), taken = _code.NewLabel();
        Touch(Gpr.Rbx);
        A.lea(rbx, __qword_ptr[rbp + ChannelLayout.ScratchOffset]);
        A.push(rbx);
        A.xor(eax, eax);
        A.@lock.cmpxchg(__qword_ptr[rbx], rsp);
        A.jne(taken);
        _code.Mark(claimed);
        Cold(() => EmitFrameSearch(taken, claimed));
        _roomUsed = SavedOffset;
        foreach (Gpr register in FramedRegisters())
            A.mov(__qword_ptr[rbx + TakeRoom(8)], register.Q);
        _readArea = TakeRoom(ReadAreaSize);
        if (!_needsThreadId)
            return;
        Operand id = Operand.Word(Gpr.Rbx, TakeRoom(8));
        A.mov(id.Memory, _threadId.Register.Q);
        _threadId = id;
    }

    /// <summary>
    /// <code>
    /// leave:
    ///     mov   rsi, [rbx + 8]            ; and so on
    ///     mov   qword [rbx], 0
    ///     lea   rsp, [rsp + 8]
    /// leaveWithoutFrame:
    /// </code>
    /// </summary>
    private void EmitFrameEnd()
    {
        _code.Mark(_leave);
        foreach (Gpr register in FramedRegisters())
            A.mov(register.Q, SavedInFrame(register).Memory);
        A.mov(__qword_ptr[rbx], 0);
        A.lea(rsp, __qword_ptr[rsp + 8]);
        _code.Mark(_leaveWithoutFrame);
    }

    /// <summary>
    /// <code>
    /// taken:
    ///     add   rbx, 1024
    ///     mov   [rsp], rbx
    ///     lea   rcx, [rbp + last]
    ///     xor   eax, eax
    ///     cmp   rbx, rcx
    ///     je    search
    ///     lock cmpxchg [rbx], rsp
    ///     je    claimed
    ///     jmp   taken
    /// search:                             ; the last frame: who else searches, loses
    ///     lock cmpxchg [rbx], rsp
    ///     jne   lost
    ///     mov   [rbx + 8], rdi            ; and rsi, r10, r8, r9, r11
    ///     ...                             ; buffers for reading a word: EmitDeadFrameTest
    ///     lea   rdx, [rbp + 192]
    /// look:
    ///     ...                             ; jumps to dead, or falls through
    /// alive:
    ///     add   rdx, 1024
    ///     cmp   rdx, rbx
    ///     jne   look
    ///     mov   rdi, [rbx + 8]            ; and so on
    ///     mov   qword [rbx], 0
    /// lost:
    ///     lea   rsp, [rsp + 8]
    ///     mov   rax, channel
    ///     lock inc qword [rax + 16]
    ///     jmp   leaveWithoutFrame
    /// dead:
    ///     mov   [rsp], rdx
    ///     mov   rax, [rbx + owner]
    ///     lock cmpxchg [rdx], rsp
    ///     jne   alive
    ///     mov   rdi, [rbx + 8]            ; and so on
    ///     mov   qword [rbx], 0
    ///     mov   rbx, rdx
    ///     jmp   claimed
    /// </code>
    /// </summary>
    private void EmitFrameSearch(Label taken, Label claimed)
    {
        Label search = _code.NewLabel(), look = _code.NewLabel(), alive = _code.NewLabel(), dead = _code.NewLabel(), lost = _code.NewLabel();
        _code.Mark(taken);
        A.add(rbx, ChannelLayout.ScratchFrameSize);
        A.mov(__qword_ptr[rsp], rbx);
        A.lea(rcx, __qword_ptr[rbp + ChannelLayout.ScratchOffset + (UsableFrames * ChannelLayout.ScratchFrameSize)]);
        A.xor(eax, eax);
        A.cmp(rbx, rcx);
        A.je(search);
        A.@lock.cmpxchg(__qword_ptr[rbx], rsp);
        A.je(claimed);
        A.jmp(taken);

        _code.Mark(search);
        A.@lock.cmpxchg(__qword_ptr[rbx], rsp);
        A.jne(lost);
        MoveSearchRegisters(isSaving: true);
        A.lea(rdx, __qword_ptr[rbp + ChannelLayout.ScratchOffset]);
        _code.Mark(look);
        EmitDeadFrameTest(alive, dead);
        _code.Mark(alive);
        A.add(rdx, ChannelLayout.ScratchFrameSize);
        A.cmp(rdx, rbx);
        A.jne(look);
        MoveSearchRegisters(isSaving: false);
        A.mov(__qword_ptr[rbx], 0);
        _code.Mark(lost);
        A.lea(rsp, __qword_ptr[rsp + 8]);
        A.mov(rax, _environment.Channel);
        A.@lock.inc(__qword_ptr[rax + ChannelLayout.LostOtherOffset]);
        A.jmp(_leaveWithoutFrame);

        _code.Mark(dead);
        A.mov(__qword_ptr[rsp], rdx);
        A.mov(rax, __qword_ptr[rbx + SearchOwner]);
        A.@lock.cmpxchg(__qword_ptr[rdx], rsp);
        A.jne(alive);
        MoveSearchRegisters(isSaving: false);
        A.mov(__qword_ptr[rbx], 0);
        A.mov(rbx, rdx);
        A.jmp(claimed);
    }

    private const int SearchLocal = 56, SearchOwner = 72, SearchWord = 88, SearchFrame = 96;

    private void MoveSearchRegisters(bool isSaving)
    {
        int offset = SavedOffset;
        foreach (AssemblerRegister64 register in (ReadOnlySpan<AssemblerRegister64>)[rdi, rsi, r10, r8, r9, r11])
        {
            if (isSaving)
                A.mov(__qword_ptr[rbx + offset], register);
            else
                A.mov(register, __qword_ptr[rbx + offset]);
            offset += 8;
        }
    }

    /// <summary>
    /// Whether the frame at rdx is still in use: the word that its first word points to is read, which may be gone.
    /// <code>
    ///     mov   [rbx + 96], rdx
    ///     mov   rax, [rdx]
    ///     mov   [rbx + 72], rax           ; remote iovec: the word
    ///     mov   qword [rbx + 80], 8
    ///     lea   rax, [rbx + 88]
    ///     mov   [rbx + 56], rax           ; local iovec
    ///     mov   qword [rbx + 64], 8
    ///     lea   rsi, [rbx + 56]
    ///     lea   r10, [rbx + 72]
    ///     ...                             ; EmitReadMemory
    ///     mov   rdx, [rbx + 96]
    ///     cmp   rax, -14                  ; EFAULT: the stack is gone. Other errors tell nothing.
    ///     je    dead
    ///     cmp   rax, 8
    ///     jne   alive
    ///     cmp   [rbx + 88], rdx
    ///     jne   dead
    /// </code>
    /// </summary>
    private void EmitDeadFrameTest(Label alive, Label dead)
    {
        A.mov(__qword_ptr[rbx + SearchFrame], rdx);
        A.mov(rax, __qword_ptr[rdx]);
        A.mov(__qword_ptr[rbx + SearchOwner], rax);
        A.mov(__qword_ptr[rbx + SearchOwner + 8], 8);
        A.lea(rax, __qword_ptr[rbx + SearchWord]);
        A.mov(__qword_ptr[rbx + SearchLocal], rax);
        A.mov(__qword_ptr[rbx + SearchLocal + 8], 8);
        A.lea(rsi, __qword_ptr[rbx + SearchLocal]);
        A.lea(r10, __qword_ptr[rbx + SearchOwner]);
        EmitReadMemory(remotePieces: 1);
        A.mov(rdx, __qword_ptr[rbx + SearchFrame]);
        A.cmp(rax, BadAddress);
        A.je(dead);
        A.cmp(rax, 8);
        A.jne(alive);
        A.cmp(__qword_ptr[rbx + SearchWord], rdx);
        A.jne(dead);
    }

    /// <summary>
    /// rsi: one local iovec; r10: remote iovecs. Changes rax, rcx, rdx, rdi, r8, r9, r11; rax is the number of bytes or an error.
    /// <code>
    ///     mov   rax, state
    ///     mov   edi, [rax]                ; the process's own id
    ///     mov   edx, 1
    ///     mov   r8d, pieces
    ///     xor   r9d, r9d
    ///     mov   eax, 310                  ; process_vm_readv
    ///     syscall
    /// </code>
    /// </summary>
    private void EmitReadMemory(int remotePieces)
    {
        A.mov(rax, _environment.ProcessState);
        A.mov(edi, __dword_ptr[rax + CodeEnvironment.ProcessIdOffset]);
        A.mov(edx, 1);
        A.mov(r8d, remotePieces);
        A.xor(r9d, r9d);
        A.mov(eax, ProcessVmReadv);
        A.syscall();
    }
}
