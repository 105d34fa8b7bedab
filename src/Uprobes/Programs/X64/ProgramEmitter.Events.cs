using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Events.</summary>
internal sealed partial class ProgramEmitter
{
    private const int RecordHeader = 16;

    /// <summary>
    /// P is the record's address in the ring.
    /// <code>
    ///     mov   rax, [record + 64]        ; head
    /// again:
    ///     mov   rcx, rax
    ///     sub   rcx, [record + 128]       ; tail
    ///     cmp   rcx, ring - size
    ///     ja    full
    ///     lea   rcx, [rax + size]
    ///     cmpxchg [record + 64], rcx
    ///     jne   again
    ///     and   eax, ring - 1
    ///     lea   P, [record + rax + ringOffset]
    ///     mov   qword [P], size | event &lt;&lt; 16
    ///     rdtsc
    ///     shl   rdx, 32
    ///     or    rax, rdx
    ///     mov   [P + 8], rax
    ///     mov   [P + 16], field           ; and so on
    ///     mov   rax, id
    ///     shl   rax, 32
    ///     mov   ecx, 1 &lt;&lt; 31 | event &lt;&lt; 16 | size
    ///     or    rax, rcx
    ///     mov   [P], rax
    /// past:
    ///     ...
    /// full:                               ; behind the rest of the code
    ///     inc   qword [record + 0]
    ///     jmp   past
    /// </code>
    /// </summary>
    private void EmitEvent(Emit emit)
    {
        int size = _group.Events[emit.Event].RecordSize, ring = Layout.RingBytes;
        uint header = (uint)(size | (emit.Event << 16));
        Label again = _code.NewLabel(), full = _code.NewLabel(), past = _code.NewLabel();
        AssemblerMemoryOperand head = __qword_ptr[Record.Q + ChannelLayout.RingHeadOffset];
        Touch(Gpr.Rax);
        Touch(Gpr.Rdx);
        A.mov(rax, head);
        _code.Mark(again);
        A.mov(rcx, rax);
        A.sub(rcx, __qword_ptr[Record.Q + ChannelLayout.RingTailOffset]);
        A.cmp(rcx, ring - size);
        A.ja(full);
        A.lea(rcx, __qword_ptr[rax + size]);
        A.cmpxchg(head, rcx);
        A.jne(again);
        Cold(() =>
        {
            _code.Mark(full);
            A.inc(__qword_ptr[Record.Q + ChannelLayout.LostEventsOffset]);
            A.jmp(past);
        });

        Gpr place = _registers.Take();
        A.and(eax, ring - 1);
        A.lea(place.Q, __qword_ptr[Record.Q + rax + Layout.RingOffset]);
        A.mov(__qword_ptr[place.Q], (int)header);
        A.rdtsc();
        A.shl(rdx, 32);
        A.or(rax, rdx);
        A.mov(__qword_ptr[place.Q + 8], rax);
        EmitParts(emit.Fields, place, RecordHeader);
        Load(Gpr.Rax, _threadId);
        A.shl(rax, 32);
        A.mov(ecx, header | (1u << 31));
        A.or(rax, rcx);
        A.mov(__qword_ptr[place.Q], rax);
        _registers.Give(place);
        _code.Mark(past);
    }

    /// <summary>Values one behind the other, at an offset from a register's address.</summary>
    private void EmitParts(IReadOnlyList<Expression> parts, Gpr place, int offset)
    {
        foreach (Expression part in parts)
        {
            if (part.Type.IsText)
            {
                EmitText(part, place, offset);
            }
            else
            {
                Operand value = Evaluate(part);
                Store(__qword_ptr[place.Q + offset], value);
                _registers.Give(value);
            }

            offset += part.Type.StoredSize;
        }
    }
}
