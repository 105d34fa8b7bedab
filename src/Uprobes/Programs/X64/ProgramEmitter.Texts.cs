using System.Buffers.Binary;
using Iced.Intel;
using Uprobes.Channels;
using Uprobes.Processes;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Texts: a word with the length, then the bytes, filled up with zeros.</summary>
internal sealed partial class ProgramEmitter
{
    private const int Prctl = 157, GetName = 16;
    private const long EndOfUserSpace = 0x7fff_ffff_f000;

    /// <summary>Puts a text at an offset from a register's address; the register is one that has been taken, or rbx.</summary>
    private void EmitText(Expression text, Gpr place, int offset)
    {
        switch (text)
        {
            case TextConstant constant:
                EmitConstantText(constant, place, offset);
                break;
            case LoadText load:
                Operand address = Evaluate(load.Address);
                Load(Gpr.Rcx, address);
                _registers.Give(address);
                EmitTextRead(place, offset, load.Capacity);
                break;
            case LoadBytes load:
                EmitBytesRead(load, place, offset);
                break;
            case StackBytes stack:
                EmitBytesRead(new LoadBytes(new RegisterValue(Gpr.Rsp.Number), new Constant(stack.Capacity, DataType.U64), stack.Capacity), place, offset, isStack: true);
                break;
            case ThreadName:
                EmitThreadName(place, offset);
                break;
            case Conditional choice:
                EmitChosenText(choice, place, offset);
                break;
            case TextCut cut:
                EmitCutText(cut, place, offset);
                break;
            default:
                throw new ArgumentException($"not a text of a checked program: {text.GetType().Name}", nameof(text));
        }
    }

    /// <summary>
    /// <code>
    ///     lea   rax, [place + offset + 8]
    ///     mov   [rbx + local], rax
    ///     mov   [rbx + saved], rsi        ; and other registers in use
    ///     mov   rsi, rax
    ///     mov   edi, 16                   ; PR_GET_NAME
    ///     mov   eax, 157                  ; prctl
    ///     syscall                         ; rax: 0 or an error
    ///     test  rax, rax
    ///     mov   ecx, 16
    ///     cmovz rax, rcx
    ///     ...                             ; EmitTextEnd
    ///     mov   rsi, [rbx + saved]
    /// </code>
    /// </summary>
    private void EmitThreadName(Gpr place, int offset)
    {
        RegisterSet held = _registers.Held;
        int saved = TakeRoom(8 * held.Count);
        TouchForReading();
        A.lea(rax, __qword_ptr[place.Q + (offset + 8)]);
        A.mov(__qword_ptr[rbx + _readArea], rax);
        MoveHeld(held, saved, isSaving: true);
        A.mov(rsi, rax);
        A.mov(edi, GetName);
        A.mov(eax, Prctl);
        A.syscall();
        A.test(rax, rax);
        A.mov(ecx, ThreadMoment.NameSize);
        A.cmovz(rax, rcx);
        EmitTextEnd(ThreadMoment.NameSize);
        MoveHeld(held, saved, isSaving: false);
        _roomUsed = saved;
    }

    private void EmitConstantText(TextConstant constant, Gpr place, int offset)
    {
        ulong[] words = new ulong[StoredText.Words(constant.Capacity)];
        StoredText.Write(words, constant.Bytes.Span);
        for (int i = 0; i < words.Length; i++)
            Store(__qword_ptr[place.Q + (offset + (8 * i))], Operand.Constant((long)words[i]));
    }

    /// <summary>
    /// rcx: the text's address. A page's end splits what is read in two, as a page that cannot be read fails the whole piece.
    /// <code>
    ///     mov   rax, rcx
    ///     neg   rax
    ///     and   eax, 4095                 ; bytes to the end of the page, or 0 for all of it
    ///     mov   edx, capacity
    ///     lea   rax, [rax - 1]            ; 0 is largest
    ///     cmp   rax, capacity - 1
    ///     lea   rax, [rax + 1]
    ///     cmovae rax, rdx                 ; the first piece
    ///     mov   [rbx + remote], rcx
    ///     mov   [rbx + remote + 8], rax
    ///     add   rcx, rax
    ///     mov   [rbx + remote + 16], rcx
    ///     sub   rdx, rax
    ///     mov   [rbx + remote + 24], rdx
    ///     lea   rax, [place + offset + 8]
    ///     mov   [rbx + local], rax
    ///     mov   qword [rbx + local + 8], capacity
    ///     mov   [rbx + saved], rsi        ; and other registers in use
    ///     ...                             ; EmitRead
    ///     ...                             ; EmitTextEnd
    ///     mov   rsi, [rbx + saved]
    /// </code>
    /// </summary>
    private void EmitTextRead(Gpr place, int offset, int capacity)
    {
        RegisterSet held = _registers.Held;
        int saved = TakeRoom(8 * held.Count);
        TouchForReading();
        A.mov(rax, rcx);
        A.neg(rax);
        A.and(eax, PageSize - 1);
        A.mov(edx, capacity);
        A.lea(rax, __qword_ptr[rax - 1]);
        A.cmp(rax, capacity - 1);
        A.lea(rax, __qword_ptr[rax + 1]);
        A.cmovae(rax, rdx);
        A.mov(__qword_ptr[rbx + _readArea + RemoteOffset], rcx);
        A.mov(__qword_ptr[rbx + _readArea + RemoteOffset + 8], rax);
        A.add(rcx, rax);
        A.mov(__qword_ptr[rbx + _readArea + RemoteOffset + 16], rcx);
        A.sub(rdx, rax);
        A.mov(__qword_ptr[rbx + _readArea + RemoteOffset + 24], rdx);
        A.lea(rax, __qword_ptr[place.Q + (offset + 8)]);
        A.mov(__qword_ptr[rbx + _readArea], rax);
        A.mov(__qword_ptr[rbx + _readArea + 8], capacity);
        MoveHeld(held, saved, isSaving: true);
        EmitRead(remotePieces: 2);
        EmitTextEnd(capacity);
        MoveHeld(held, saved, isSaving: false);
        _roomUsed = saved;
    }

    /// <summary>
    /// rax: bytes read, or an error. Finds the end, and fills up what is behind it. All registers of system calls are free.
    /// <code>
    ///     mov   rdi, [rbx + local]
    ///     xor   ecx, ecx
    ///     test  rax, rax
    ///     cmovs rax, rcx                  ; nothing was read
    ///     mov   r8, 0x0101010101010101
    ///     mov   r9, 0x8080808080808080
    /// word:
    ///     lea   rdx, [rcx + 8]
    ///     cmp   rdx, rax
    ///     ja    byte
    ///     mov   rsi, [rdi + rcx]
    ///     mov   r10, rsi
    ///     sub   rsi, r8
    ///     not   r10
    ///     and   rsi, r9
    ///     and   rsi, r10                  ; bit 7 of the first byte that is zero
    ///     jnz   within
    ///     mov   rcx, rdx
    ///     jmp   word
    /// within:
    ///     bsf   rsi, rsi
    ///     shr   esi, 3
    ///     add   rcx, rsi
    ///     jmp   found
    /// byte:
    ///     cmp   rcx, rax
    ///     je    end
    ///     cmp   byte [rdi + rcx], 0
    ///     je    found
    ///     inc   rcx
    ///     jmp   byte
    /// end:
    ///     cmp   rax, capacity
    ///     je    cut
    ///     inc   qword [rbp + 16]
    /// found:
    ///     mov   [rdi - 8], rcx
    ///     ...                             ; EmitFill
    /// cut:
    ///     bts   rax, 63
    ///     mov   [rdi - 8], rax
    /// done:
    /// </code>
    /// </summary>
    private void EmitTextEnd(int capacity)
    {
        Label word = _code.NewLabel(), within = _code.NewLabel(), single = _code.NewLabel(), end = _code.NewLabel();
        Label found = _code.NewLabel(), cut = _code.NewLabel(), done = _code.NewLabel();
        A.mov(rdi, __qword_ptr[rbx + _readArea]);
        A.xor(ecx, ecx);
        A.test(rax, rax);
        A.cmovs(rax, rcx);
        A.mov(r8, 0x0101_0101_0101_0101L);
        A.mov(r9, 0x8080_8080_8080_8080ul);
        _code.Mark(word);
        A.lea(rdx, __qword_ptr[rcx + 8]);
        A.cmp(rdx, rax);
        A.ja(single);
        A.mov(rsi, __qword_ptr[rdi + rcx]);
        A.mov(r10, rsi);
        A.sub(rsi, r8);
        A.not(r10);
        A.and(rsi, r9);
        A.and(rsi, r10);
        A.jnz(within);
        A.mov(rcx, rdx);
        A.jmp(word);
        _code.Mark(within);
        A.bsf(rsi, rsi);
        A.shr(esi, 3);
        A.add(rcx, rsi);
        A.jmp(found);

        _code.Mark(single);
        A.cmp(rcx, rax);
        A.je(end);
        A.cmp(__byte_ptr[rdi + rcx], 0);
        A.je(found);
        A.inc(rcx);
        A.jmp(single);

        _code.Mark(end);
        A.cmp(rax, capacity);
        A.je(cut);
        A.inc(__qword_ptr[rbp + ChannelLayout.FailedReadsOffset]);
        _code.Mark(found);
        A.mov(__qword_ptr[rdi - 8], rcx);
        EmitFill(capacity, done);
        _code.Mark(cut);
        A.bts(rax, 63);
        A.mov(__qword_ptr[rdi - 8], rax);
        _code.Mark(done);
    }

    /// <summary>
    /// rdi: where the bytes are, rcx: how many, at most the capacity. Puts that before them, and fills up with zeros.
    /// <code>
    ///     mov   [rdi - 8], rcx
    ///     cmp   rcx, capacity
    ///     je    done
    ///     ...                             ; EmitFill
    /// done:
    /// </code>
    /// </summary>
    private void EmitBytesEnd(int capacity)
    {
        Label done = _code.NewLabel();
        A.mov(__qword_ptr[rdi - 8], rcx);
        A.cmp(rcx, capacity);
        A.je(done);
        EmitFill(capacity, done);
        _code.Mark(done);
    }

    /// <summary>
    /// rdi: where the bytes are, rcx: how many, less than the capacity. Fills up with zeros.
    /// <code>
    ///     mov   rdx, rcx
    ///     and   rdx, -8
    ///     and   ecx, 7
    ///     shl   ecx, 3
    ///     mov   rsi, -1
    ///     shl   rsi, cl
    ///     not   rsi
    ///     and   [rdi + rdx], rsi          ; the last word that has some
    /// fill:
    ///     add   rdx, 8
    ///     cmp   rdx, capacity
    ///     jae   done
    ///     mov   qword [rdi + rdx], 0
    ///     jmp   fill
    /// </code>
    /// </summary>
    private void EmitFill(int capacity, Label done)
    {
        Label fill = _code.NewLabel();
        A.mov(rdx, rcx);
        A.and(rdx, -8);
        A.and(ecx, 7);
        A.shl(ecx, 3);
        A.mov(rsi, -1);
        A.shl(rsi, cl);
        A.not(rsi);
        A.and(__qword_ptr[rdi + rdx], rsi);
        _code.Mark(fill);
        A.add(rdx, 8);
        A.cmp(rdx, capacity);
        A.jae(done);
        A.mov(__qword_ptr[rdi + rdx], 0);
        A.jmp(fill);
    }

    /// <summary>
    /// The kernel copies as much as can be read of one piece, unless it reaches beyond where user space ends (4-level paging).
    /// <code>
    ///     mov   [rbx + room], length
    ///     ...                             ; rcx: the address
    ///     mov   rax, capacity
    ///     mov   rdx, [rbx + room]
    ///     cmp   rdx, rax
    ///     cmovb rax, rdx
    ///     mov   rdx, 0x7ffffffff000
    ///     sub   rdx, rcx
    ///     cmp   rax, rdx
    ///     cmova rax, rdx
    ///     mov   [rbx + remote], rcx
    ///     mov   [rbx + remote + 8], rax
    ///     mov   [rbx + local + 8], rax
    ///     lea   rax, [place + offset + 8]
    ///     mov   [rbx + local], rax
    ///     mov   [rbx + saved], rsi        ; and other registers in use
    ///     ...                             ; EmitRead
    ///     mov   rdi, [rbx + local]
    ///     xor   ecx, ecx
    ///     test  rax, rax
    ///     jg    some
    ///     cmp   [rbx + local + 8], rcx
    ///     je    none
    ///     inc   qword [rbp + 16]
    ///     jmp   none
    /// some:
    ///     mov   rcx, rax
    ///     ...                             ; EmitReturnAddresses, for a stack
    /// none:
    ///     ...                             ; EmitBytesEnd
    ///     mov   rsi, [rbx + saved]
    /// </code>
    /// </summary>
    private void EmitBytesRead(LoadBytes load, Gpr place, int offset, bool isStack = false)
    {
        Label some = _code.NewLabel(), none = _code.NewLabel();
        int room = TakeRoom(8);
        Operand length = Evaluate(load.Length);
        Load(Gpr.Rcx, length);
        _registers.Give(length);
        A.mov(__qword_ptr[rbx + room], rcx);
        Operand address = Evaluate(load.Address);
        Load(Gpr.Rcx, address);
        _registers.Give(address);
        RegisterSet held = _registers.Held;
        int saved = TakeRoom(8 * held.Count);
        TouchForReading();
        A.mov(rax, load.Capacity);
        A.mov(rdx, __qword_ptr[rbx + room]);
        A.cmp(rdx, rax);
        A.cmovb(rax, rdx);
        A.mov(rdx, EndOfUserSpace);
        A.sub(rdx, rcx);
        A.cmp(rax, rdx);
        A.cmova(rax, rdx);
        A.mov(__qword_ptr[rbx + _readArea + RemoteOffset], rcx);
        A.mov(__qword_ptr[rbx + _readArea + RemoteOffset + 8], rax);
        A.mov(__qword_ptr[rbx + _readArea + 8], rax);
        A.lea(rax, __qword_ptr[place.Q + (offset + 8)]);
        A.mov(__qword_ptr[rbx + _readArea], rax);
        MoveHeld(held, saved, isSaving: true);
        EmitRead(remotePieces: 1);
        A.mov(rdi, __qword_ptr[rbx + _readArea]);
        A.xor(ecx, ecx);
        A.test(rax, rax);
        A.jg(some);
        A.cmp(__qword_ptr[rbx + _readArea + 8], rcx);
        A.je(none);
        A.inc(__qword_ptr[rbp + ChannelLayout.FailedReadsOffset]);
        A.jmp(none);
        _code.Mark(some);
        A.mov(rcx, rax);
        if (isStack)
            EmitReturnAddresses();
        _code.Mark(none);
        EmitBytesEnd(load.Capacity);
        MoveHeld(held, saved, isSaving: false);
        _roomUsed = room;
    }

    /// <summary>Makes the flags of a comparison of two texts.</summary>
    private ConditionCode CompareTexts(Binary comparison)
    {
        int room = _roomUsed;
        (Expression left, Expression right) = comparison.Left is TextConstant ? (comparison.Right, comparison.Left) : (comparison.Left, comparison.Right);
        if (left is TextConstant one && right is TextConstant other)
        {
            // rsp is the same as itself, and not 0.
            if (one.Bytes.Span.SequenceEqual(other.Bytes.Span))
                A.cmp(rsp, rsp);
            else
                A.test(rsp, rsp);
        }
        else
        {
            Touch(Gpr.Rax);
            int first = TakeRoom(left.Type.StoredSize);
            EmitText(left, Gpr.Rbx, first);
            if (right is TextConstant constant)
            {
                CompareWithConstant(first, constant.Bytes.Span);
            }
            else
            {
                int second = TakeRoom(right.Type.StoredSize);
                EmitText(right, Gpr.Rbx, second);
                CompareTexts(first, second, Math.Min(left.Type.Capacity, right.Type.Capacity));
            }
        }

        _roomUsed = room;
        return comparison.Operator == BinaryOperator.Equal ? ConditionCode.e : ConditionCode.ne;
    }

    /// <summary>
    /// <code>
    ///     cmp   dword [rbx + text], length
    ///     jne   end
    ///     mov   rax, bytes                ; for each word that has some
    ///     cmp   [rbx + text + 8], rax
    ///     jne   end
    /// end:
    /// </code>
    /// </summary>
    private void CompareWithConstant(int text, ReadOnlySpan<byte> bytes)
    {
        Label end = _code.NewLabel();
        A.cmp(__dword_ptr[rbx + text], bytes.Length);
        Span<byte> word = stackalloc byte[8];
        for (int at = 0; at < bytes.Length; at += 8)
        {
            word.Clear();
            bytes[at..Math.Min(at + 8, bytes.Length)].CopyTo(word);
            A.jne(end);
            A.mov(rax, BinaryPrimitives.ReadUInt64LittleEndian(word));
            A.cmp(__qword_ptr[rbx + (text + 8 + at)], rax);
        }

        _code.Mark(end);
    }

    /// <summary>
    /// Of texts of one length, what is behind the smaller capacity is all zeros.
    /// <code>
    ///     mov   eax, [rbx + first]
    ///     cmp   eax, [rbx + second]
    ///     jne   end
    ///     mov   ecx, capacity
    /// next:
    ///     mov   rax, [rbx + rcx + first]
    ///     cmp   rax, [rbx + rcx + second]
    ///     jne   end
    ///     sub   ecx, 8
    ///     jnz   next
    /// end:
    /// </code>
    /// </summary>
    private void CompareTexts(int first, int second, int capacity)
    {
        Label next = _code.NewLabel(), end = _code.NewLabel();
        A.mov(eax, __dword_ptr[rbx + first]);
        A.cmp(eax, __dword_ptr[rbx + second]);
        A.jne(end);
        A.mov(ecx, capacity);
        _code.Mark(next);
        A.mov(rax, __qword_ptr[rbx + rcx + first]);
        A.cmp(rax, __qword_ptr[rbx + rcx + second]);
        A.jne(end);
        A.sub(ecx, 8);
        A.jnz(next);
        _code.Mark(end);
    }
}
