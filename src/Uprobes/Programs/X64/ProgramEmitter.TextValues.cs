using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>What is made of texts. They lie in the frame while they are looked at.</summary>
internal sealed partial class ProgramEmitter
{
    /// <summary>
    /// <code>
    ///     ...                             ; the condition: jumps to otherwise
    ///     ...                             ; the one text
    ///     jmp   end
    /// otherwise:
    ///     ...                             ; the other text
    /// end:
    /// </code>
    /// </summary>
    private void EmitChosenText(Conditional choice, Gpr place, int offset)
    {
        Label otherwise = _code.NewLabel(), end = _code.NewLabel();
        Branch(choice.Condition, otherwise, when: false);
        EmitText(choice.WhenTrue, place, offset);
        A.jmp(end);
        _code.Mark(otherwise);
        EmitText(choice.WhenFalse, place, offset);
        _code.Mark(end);
    }

    /// <summary>
    /// <code>
    ///     mov   [rbx + room], length
    ///     ...                             ; EmitText
    ///     mov   [rbx + saved], rsi        ; and other registers in use
    ///     lea   rdi, [place + offset + 8]
    ///     mov   rcx, [rbx + room]
    ///     mov   edx, [rdi - 8]
    ///     cmp   rcx, rdx
    ///     cmova rcx, rdx
    ///     ...                             ; EmitBytesEnd
    ///     mov   rsi, [rbx + saved]
    /// </code>
    /// </summary>
    private void EmitCutText(TextCut cut, Gpr place, int offset)
    {
        int room = TakeRoom(8);
        Operand length = Evaluate(cut.Length);
        Load(Gpr.Rcx, length);
        _registers.Give(length);
        A.mov(__qword_ptr[rbx + room], rcx);
        EmitText(cut.Text, place, offset);
        RegisterSet held = _registers.Held;
        int saved = TakeRoom(8 * held.Count);
        TouchForReading();
        MoveHeld(held, saved, isSaving: true);
        A.lea(rdi, __qword_ptr[place.Q + (offset + 8)]);
        A.mov(rcx, __qword_ptr[rbx + room]);
        A.mov(edx, __dword_ptr[rdi - 8]);
        A.cmp(rcx, rdx);
        A.cmova(rcx, rdx);
        EmitBytesEnd(cut.Capacity);
        MoveHeld(held, saved, isSaving: false);
        _roomUsed = room;
    }

    /// <summary>mov result32, [rbx + text]</summary>
    private Operand EvaluateTextLength(TextLength length)
    {
        int room = _roomUsed, text = TextInFrame(length.Text);
        _roomUsed = room;
        Gpr result = _registers.Take();
        A.mov(result.D, __dword_ptr[rbx + text]);
        return Operand.Owned(result);
    }

    /// <summary>
    /// <code>
    ///     mov   rdx, -1                   ; where it may be
    ///     mov   r8d, [rbx + text]
    ///     mov   r9d, [rbx + sought]
    ///     sub   r8, r9                    ; the last place where it may be
    ///     lea   rdi, [rbx + text + 8]
    /// place:
    ///     inc   rdx
    ///     cmp   rdx, r8
    ///     jg    none
    ///     lea   rsi, [rdi + rdx]
    ///     xor   ecx, ecx
    /// byte:
    ///     cmp   rcx, r9
    ///     je    end
    ///     movzx eax, byte [rsi + rcx]
    ///     cmp   al, [rbx + rcx + sought + 8]
    ///     jne   place
    ///     inc   rcx
    ///     jmp   byte
    /// none:
    ///     mov   rdx, -1
    /// end:
    ///     mov   result, rdx
    /// </code>
    /// </summary>
    private Operand EvaluateTextFind(TextFind find)
    {
        Label place = _code.NewLabel(), single = _code.NewLabel(), none = _code.NewLabel(), end = _code.NewLabel();
        int room = _roomUsed, text = TextInFrame(find.Text), sought = TextInFrame(find.Sought);
        return LookAtTexts(room, () =>
        {
            A.mov(rdx, -1L);
            A.mov(r8d, __dword_ptr[rbx + text]);
            A.mov(r9d, __dword_ptr[rbx + sought]);
            A.sub(r8, r9);
            A.lea(rdi, __qword_ptr[rbx + (text + 8)]);
            _code.Mark(place);
            A.inc(rdx);
            A.cmp(rdx, r8);
            A.jg(none);
            A.lea(rsi, __qword_ptr[rdi + rdx]);
            A.xor(ecx, ecx);
            _code.Mark(single);
            A.cmp(rcx, r9);
            A.je(end);
            A.movzx(eax, __byte_ptr[rsi + rcx]);
            A.cmp(al, __byte_ptr[rbx + rcx + (sought + 8)]);
            A.jne(place);
            A.inc(rcx);
            A.jmp(single);
            _code.Mark(none);
            A.mov(rdx, -1L);
            _code.Mark(end);
        });
    }

    /// <summary>
    /// <code>
    ///     xor   ecx, ecx
    /// byte:
    ///     movzx edx, byte [rbx + rcx + left + 8]
    ///     movzx eax, byte [rbx + rcx + right + 8]
    ///     sub   rdx, rax
    ///     jnz   end
    ///     inc   ecx
    ///     cmp   ecx, capacity
    ///     jb    byte
    /// end:
    ///     mov   result, rdx
    /// </code>
    /// </summary>
    private Operand EvaluateTextDifference(TextDifference difference)
    {
        Label single = _code.NewLabel(), end = _code.NewLabel();
        int room = _roomUsed, left = TextInFrame(difference.Left), right = TextInFrame(difference.Right);
        return LookAtTexts(room, () =>
        {
            A.xor(ecx, ecx);
            _code.Mark(single);
            A.movzx(edx, __byte_ptr[rbx + rcx + (left + 8)]);
            A.movzx(eax, __byte_ptr[rbx + rcx + (right + 8)]);
            A.sub(rdx, rax);
            A.jnz(end);
            A.inc(ecx);
            A.cmp(ecx, difference.Left.Type.Capacity);
            A.jb(single);
            _code.Mark(end);
        });
    }

    /// <summary>
    /// rdi: the bytes, r8: their number, rcx: the place, rsi: where the text of the last * ends, for now.
    /// <code>
    ///     lea   rdi, [rbx + text + 8]
    ///     mov   r8d, [rbx + text]
    ///     xor   ecx, ecx
    ///     ...                             ; EmitPattern: jumps to no
    ///     mov   edx, 1
    ///     jmp   end
    /// no:
    ///     xor   edx, edx
    /// end:
    ///     mov   result, rdx
    /// </code>
    /// </summary>
    private Operand EvaluateTextMatch(TextMatch match)
    {
        Label no = _code.NewLabel(), end = _code.NewLabel();
        int room = _roomUsed, text = TextInFrame(match.Text);
        return LookAtTexts(room, () =>
        {
            A.lea(rdi, __qword_ptr[rbx + (text + 8)]);
            A.mov(r8d, __dword_ptr[rbx + text]);
            A.xor(ecx, ecx);
            EmitPattern(TextPattern.Parse(match.Pattern.Span), no);
            A.mov(edx, 1);
            A.jmp(end);
            _code.Mark(no);
            A.xor(edx, edx);
            _code.Mark(end);
        });
    }

    /// <summary>
    /// What does not match behind a * is tried again one byte later.
    /// <code>
    ///     mov   rsi, rcx                  ; for *
    ///     jmp   past
    /// again:
    ///     inc   rsi
    ///     mov   rcx, rsi
    ///     cmp   rcx, r8
    ///     ja    no
    /// past:
    ///     ...                             ; EmitPatternByte for each byte: jumps to again, or to no where there was no *
    ///     cmp   rcx, r8                   ; not behind a * at the end
    ///     jne   again
    /// </code>
    /// </summary>
    private void EmitPattern(IReadOnlyList<PatternPart> parts, Label no)
    {
        Label again = no;
        foreach (PatternPart part in parts)
        {
            if (!part.IsAnyText)
            {
                EmitPatternByte(part, again, no);
                continue;
            }

            Label past = _code.NewLabel();
            again = _code.NewLabel();
            A.mov(rsi, rcx);
            A.jmp(past);
            _code.Mark(again);
            A.inc(rsi);
            A.mov(rcx, rsi);
            A.cmp(rcx, r8);
            A.ja(no);
            _code.Mark(past);
        }

        if (parts is [.., { IsAnyText: true }])
            return;
        A.cmp(rcx, r8);
        A.jne(again);
    }

    /// <summary>
    /// <code>
    ///     cmp   rcx, r8
    ///     jae   no                        ; a later beginning would not help
    ///     movzx eax, byte [rdi + rcx]
    ///     inc   rcx
    ///     cmp   eax, first                ; for each range
    ///     jb    again
    ///     cmp   eax, last
    ///     jbe   is
    ///     ...
    ///     jmp   again
    /// is:
    /// </code>
    /// </summary>
    private void EmitPatternByte(PatternPart part, Label again, Label no)
    {
        Label isIn = _code.NewLabel();
        A.cmp(rcx, r8);
        A.jae(no);
        A.movzx(eax, __byte_ptr[rdi + rcx]);
        A.inc(rcx);
        foreach ((byte first, byte last) in part.Ranges)
        {
            A.cmp(eax, first);
            A.jb(again);
            A.cmp(eax, last);
            A.jbe(isIn);
        }

        A.jmp(again);
        _code.Mark(isIn);
    }

    /// <summary>Room for a text, and the text in it.</summary>
    private int TextInFrame(Expression text)
    {
        int room = TakeRoom(text.Type.StoredSize);
        EmitText(text, Gpr.Rbx, room);
        return room;
    }

    /// <summary>Saves what is held, makes code that has rax, rcx, rdx and the registers of system calls for itself and leaves its result in rdx, and gives that.</summary>
    private Operand LookAtTexts(int room, Action emit)
    {
        RegisterSet held = _registers.Held;
        int saved = TakeRoom(8 * held.Count);
        TouchForReading();
        MoveHeld(held, saved, isSaving: true);
        emit();
        MoveHeld(held, saved, isSaving: false);
        _roomUsed = room;
        Gpr result = _registers.Take();
        A.mov(result.Q, rdx);
        return Operand.Owned(result);
    }
}
