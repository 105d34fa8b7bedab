using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>How the thread's record is found.</summary>
internal sealed partial class ProgramEmitter
{
    private const int GetTid = 186, ThreadSlotUnit = 8;

    /// <summary>
    /// The thread is known by its FS base. T is the register that the record's address comes into; slot numbers are counted in
    /// units of 8 bytes, times 8 in addresses.
    /// <code>
    ///     rdfsbase rcx
    ///     mov   rdx, rcx
    ///     shr   rdx, 9
    ///     and   edx, 8 * (slots - 1)
    ///     mov   T, threads                ; the table
    ///     inc   rcx                       ; the key
    ///     cmp   [T + rdx*8], rcx
    ///     je    found
    ///     ...                             ; EmitSlowLookup
    /// found:
    ///     mov   id, [T + rdx*8 + 8]       ; only if the program wants the thread's id
    ///     test  id, id
    ///     jz    ask
    ///     imul  rdx, rdx, stride / 8
    ///     lea   T, [T + rdx + records - threads]
    /// </code>
    /// </summary>
    private void EmitLookup() => EmitLookup(_needsThreadId);

    private void EmitLookup(bool isThreadIdWanted)
    {
        Gpr table = Record;
        Touch(table);
        Touch(Gpr.Rdx);
        Label found = _code.NewLabel(), ask = _code.NewLabel();
        A.rdfsbase(rcx);
        A.mov(rdx, rcx);
        A.shr(rdx, 9);
        A.and(edx, ThreadSlotUnit * (Layout.ThreadSlots - 1));
        A.mov(table.Q, _environment.Channel + ChannelLayout.ThreadTableOffset);
        A.inc(rcx);
        A.cmp(__qword_ptr[table.Q + (rdx * 8)], rcx);
        A.je(found);
        EmitSlowLookup(table, found, ask, isThreadIdWanted);
        if (isThreadIdWanted)
        {
            // What is saved in a frame cannot be used yet.
            Gpr id = _plan.UsesFrame ? Gpr.R11 : _registers.Take();
            _threadId = Operand.InPlace(id);
            A.mov(id.D, __dword_ptr[table.Q + (rdx * 8) + 8]);
            A.test(id.D, id.D);
            A.jz(ask);
        }

        A.imul(rdx, rdx, Layout.RecordStride / ThreadSlotUnit);
        A.lea(table.Q, __qword_ptr[table.Q + rdx + (Layout.RecordsOffset - ChannelLayout.ThreadTableOffset)]);
        _hasRecord = true;
    }

    /// <summary>
    /// Counts a loss in the thread's record, which may have to be found for that.
    /// <code>
    /// lost:
    ///     ...                             ; EmitLookup
    ///     inc   qword [record + counter]
    ///     jmp   past
    /// </code>
    /// </summary>
    private void ColdLoss(int counter, Label lost, Label past)
    {
        bool hasRecord = _hasRecord;
        Cold(() =>
        {
            _code.Mark(lost);
            if (!hasRecord)
                EmitLookup(isThreadIdWanted: false);
            A.inc(__qword_ptr[Record.Q + counter]);
            A.jmp(past);
        });
    }

    /// <summary>
    /// The slot is another's or free. A signal handler that gets here too before the slot has its thread id finds the key
    /// and asks for the id itself, if its program wants it.
    /// <code>
    ///     push  rax                       ; if the flags are there
    /// next:
    ///     mov   rax, [T + rdx*8]
    ///     cmp   rax, rcx
    ///     je    mine
    ///     test  rax, rax
    ///     jnz   advance
    ///     lock cmpxchg [T + rdx*8], rcx
    ///     jne   next
    /// get:
    ///     mov   eax, 186                  ; gettid
    ///     syscall                         ; rcx and r11 are lost
    ///     mov   T, threads                ; if T is r11
    ///     mov   [T + rdx*8 + 8], rax
    /// mine:
    ///     pop   rax                       ; if it was pushed
    ///     jmp   found
    /// ask:
    ///     push  rax                       ; likewise
    ///     jmp   get
    /// advance:
    ///     add   edx, 8
    ///     and   edx, 8 * (slots - 1)
    ///     lea   rax, [rcx - 1]
    ///     shr   rax, 9
    ///     and   eax, 8 * (slots - 1)
    ///     cmp   eax, edx
    ///     jne   next
    ///     mov   rax, channel              ; round and round: no slot is free
    ///     lock inc qword [rax + 8]
    ///     pop   rax                       ; likewise
    ///     jmp   leave
    /// found:
    /// </code>
    /// </summary>
    private void EmitSlowLookup(Gpr table, Label found, Label ask, bool isThreadIdWanted)
    {
        Label next = _code.NewLabel(), get = _code.NewLabel(), mine = _code.NewLabel(), advance = _code.NewLabel();
        AssemblerMemoryOperand key = __qword_ptr[table.Q + (rdx * 8)];
        int mask = ThreadSlotUnit * (Layout.ThreadSlots - 1);
        bool savesFlags = !_plan.PushesFlags;
        Touch(Gpr.R11);
        if (savesFlags)
            A.push(rax);
        _code.Mark(next);
        A.mov(rax, key);
        A.cmp(rax, rcx);
        A.je(mine);
        A.test(rax, rax);
        A.jnz(advance);
        A.@lock.cmpxchg(key, rcx);
        A.jne(next);

        _code.Mark(get);
        A.mov(eax, GetTid);
        A.syscall();
        if (table == Gpr.R11)
            A.mov(table.Q, _environment.Channel + ChannelLayout.ThreadTableOffset);
        A.mov(__qword_ptr[table.Q + (rdx * 8) + 8], rax);

        _code.Mark(mine);
        if (savesFlags)
            A.pop(rax);
        A.jmp(found);

        if (isThreadIdWanted)
        {
            _code.Mark(ask);
            if (savesFlags)
                A.push(rax);
            A.jmp(get);
        }

        _code.Mark(advance);
        A.add(edx, ThreadSlotUnit);
        A.and(edx, mask);
        A.lea(rax, __qword_ptr[rcx - 1]);
        A.shr(rax, 9);
        A.and(eax, mask);
        A.cmp(eax, edx);
        A.jne(next);
        A.mov(rax, _environment.Channel);
        A.@lock.inc(__qword_ptr[rax + ChannelLayout.LostThreadsOffset]);
        if (savesFlags)
            A.pop(rax);
        A.jmp(_plan.UsesFrame ? _leaveWithoutFrame : _leave);
        _code.Mark(found);
    }
}
