using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>
/// Return addresses as they were before calls were followed. A thunk goes on to what its entry of the <see cref="CallTable"/> says, wherever the thunk was found: on the
/// stack, in a copy that a function has made of its return address, or in the frame of a signal that came before the thunk's first instruction. As
/// long as a call has not returned, its entry is its own.
/// </summary>
internal sealed partial class ProgramEmitter
{
    private const int BytesOfEntryForOneOfThunk = CallTable.EntrySize / CallTable.ThunkSize;

    /// <summary>
    /// rdi: what was read of the stack; rcx: how many bytes. Both stay; all other registers of system calls are free. The process may have
    /// begun to follow calls after this code was made.
    /// <code>
    ///     mov   rax, state
    ///     mov   r9, [rax + 48]            ; bytes of thunks
    ///     test  r9, r9
    ///     jz    done
    ///     mov   r8, [rax + 56]            ; thunks
    ///     mov   r10, [rax + 64]           ; entries
    ///     mov   rsi, rcx
    ///     and   rsi, -8
    /// word:
    ///     sub   rsi, 8
    ///     jb    done
    ///     mov   rax, [rdi + rsi]
    ///     sub   rax, r8
    ///     cmp   rax, r9
    ///     jae   word
    ///     jmp   thunk
    /// done:
    ///     ...
    /// thunk:                              ; behind the rest of the code
    ///     mov   r11d, longest
    /// link:
    ///     test  al, 15
    ///     jnz   word                      ; no thunk, but something within one
    ///     mov   rax, [r10 + rax*8 + 8]
    ///     mov   rdx, rax
    ///     sub   rax, r8
    ///     cmp   rax, r9
    ///     jae   known
    ///     dec   r11d
    ///     jnz   link
    ///     jmp   word
    /// known:
    ///     mov   [rdi + rsi], rdx
    ///     jmp   word
    /// </code>
    /// </summary>
    private void EmitReturnAddresses()
    {
        Label word = _code.NewLabel(), thunk = _code.NewLabel(), done = _code.NewLabel();
        A.mov(rax, _environment.ProcessState);
        A.mov(r9, __qword_ptr[rax + CodeEnvironment.ThunkBytesOffset]);
        A.test(r9, r9);
        A.jz(done);
        A.mov(r8, __qword_ptr[rax + CodeEnvironment.ThunksOffset]);
        A.mov(r10, __qword_ptr[rax + CodeEnvironment.EntriesOffset]);
        A.mov(rsi, rcx);
        A.and(rsi, -8);
        _code.Mark(word);
        A.sub(rsi, 8);
        A.jb(done);
        A.mov(rax, __qword_ptr[rdi + rsi]);
        A.sub(rax, r8);
        A.cmp(rax, r9);
        A.jae(word);
        A.jmp(thunk);
        _code.Mark(done);
        Cold(() =>
        {
            Label link = _code.NewLabel(), known = _code.NewLabel();
            _code.Mark(thunk);
            A.mov(r11d, CallTable.LongestChain);
            _code.Mark(link);
            A.test(al, CallTable.ThunkSize - 1);
            A.jnz(word);
            A.mov(rax, __qword_ptr[r10 + (rax * BytesOfEntryForOneOfThunk) + CallTable.ReturnAddressOffset]);
            A.mov(rdx, rax);
            A.sub(rax, r8);
            A.cmp(rax, r9);
            A.jae(known);
            A.dec(r11d);
            A.jnz(link);
            A.jmp(word);
            _code.Mark(known);
            A.mov(__qword_ptr[rdi + rsi], rdx);
            A.jmp(word);
        });
    }

    /// <summary>
    /// In a return program: where the call returns in the end.
    /// <code>
    ///     mov   ecx, [rsp + index]
    ///     shl   rcx, 4
    ///     mov   result, entries
    ///     mov   edx, longest
    /// link:
    ///     mov   rcx, [result + rcx*8 + 8]
    ///     mov   rax, thunks
    ///     sub   rcx, rax
    ///     cmp   rcx, 16 * capacity
    ///     jae   known
    ///     and   rcx, -16
    ///     dec   edx
    ///     jnz   link
    /// known:
    ///     lea   result, [rcx + rax]
    /// </code>
    /// </summary>
    private Operand EvaluateReturnAddress()
    {
        if (_environment.Calls is not { } calls)
            throw new ArgumentException("The program belongs to a call, but there is no table of calls.");
        Label link = _code.NewLabel(), known = _code.NewLabel();
        Gpr result = _registers.Take();
        Touch(Gpr.Rax);
        Touch(Gpr.Rdx);
        A.mov(ecx, __dword_ptr[rsp + (8 * _pushed) + ThunkIndexOffset]);
        A.shl(rcx, ThunkShift);
        A.mov(result.Q, calls.Entries);
        A.mov(edx, CallTable.LongestChain);
        _code.Mark(link);
        A.mov(rcx, __qword_ptr[result.Q + (rcx * BytesOfEntryForOneOfThunk) + CallTable.ReturnAddressOffset]);
        A.mov(rax, calls.Thunks);
        A.sub(rcx, rax);
        A.cmp(rcx, CallTable.ThunkSize * calls.Capacity);
        A.jae(known);
        A.and(rcx, -CallTable.ThunkSize);
        A.dec(edx);
        A.jnz(link);
        _code.Mark(known);
        A.lea(result.Q, __qword_ptr[rcx + rax]);
        return Operand.Owned(result);
    }
}
