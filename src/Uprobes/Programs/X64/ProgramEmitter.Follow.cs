using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Following a call to its return: <see cref="CallTable"/>.</summary>
internal sealed partial class ProgramEmitter
{
    private const int EntryShift = 7, ThunkShift = 4;

    /// <summary>
    /// K is the key, E the table and then the entry, C a place. The return address is at [rsp + original].
    /// <code>
    ///     lea   K, [rsp + original]
    ///     mov   E, entries
    ///     mov   rdx, [rsp + original]
    ///     mov   rcx, thunks
    ///     sub   rdx, rcx
    ///     cmp   rdx, 16 * capacity
    ///     jae   fresh
    ///     and   rdx, -16                  ; a thunk: one more link of its chain
    ///     mov   rdx, [E + rdx*8]
    ///     shr   rdx, 48
    ///     inc   edx
    ///     cmp   edx, longest
    ///     jae   lost
    ///     shl   rdx, 48
    ///     or    K, rdx
    /// fresh:
    ///     mov   C, multiplier
    ///     imul  C, K
    ///     shr   C, 64 - bits
    ///     mov   edx, 8
    /// next:
    ///     mov   ecx, C
    ///     and   ecx, capacity - 1
    ///     shl   rcx, 7
    ///     cmp   [E + rcx], K              ; the same call again, after longjmp
    ///     je    claimed
    ///     xor   eax, eax
    ///     cmp   [E + rcx], rax
    ///     jne   taken
    ///     lock cmpxchg [E + rcx], K
    ///     je    claimed
    /// taken:
    ///     inc   C
    ///     dec   edx
    ///     jnz   next
    ///     jmp   lost
    /// claimed:
    ///     ...                             ; EmitCallEntry
    /// past:
    /// </code>
    /// </summary>
    private void EmitFollow(FollowCall follow)
    {
        if (_environment.Calls is not { } calls)
            throw new ArgumentException("The program follows calls, but there is no table of calls.");
        int room = _roomUsed, window = Math.Min(CallTable.ProbeWindow, calls.Capacity);
        Label lost = _code.NewLabel(), past = _code.NewLabel(), fresh = _code.NewLabel();
        Label next = _code.NewLabel(), taken = _code.NewLabel(), claimed = _code.NewLabel();
        Operand[] words = EvaluateKey(follow.Words);
        Gpr key = _registers.Take(), entry = _registers.Take(), place = _registers.Take();
        AssemblerMemoryOperand returnAddress = __qword_ptr[rsp + OriginalStack];
        AssemblerMemoryOperand slot = __qword_ptr[entry.Q + rcx];
        Touch(Gpr.Rax);
        Touch(Gpr.Rdx);
        A.lea(key.Q, returnAddress);
        A.mov(entry.Q, calls.Entries);
        A.mov(rdx, returnAddress);
        A.mov(rcx, calls.Thunks);
        A.sub(rdx, rcx);
        A.cmp(rdx, CallTable.ThunkSize * calls.Capacity);
        A.jae(fresh);
        A.and(rdx, -CallTable.ThunkSize);
        A.mov(rdx, __qword_ptr[entry.Q + (rdx * (CallTable.EntrySize / CallTable.ThunkSize))]);
        A.shr(rdx, CallTable.ChainShift);
        A.inc(edx);
        A.cmp(edx, CallTable.LongestChain);
        A.jae(lost);
        A.shl(rdx, CallTable.ChainShift);
        A.or(key.Q, rdx);

        _code.Mark(fresh);
        A.mov(place.Q, CallTable.Multiplier);
        A.imul(place.Q, key.Q);
        A.shr(place.Q, (byte)(64 - System.Numerics.BitOperations.Log2((uint)calls.Capacity)));
        A.mov(edx, window);
        _code.Mark(next);
        EmitCallSlot(place, calls);
        A.cmp(slot, key.Q);
        A.je(claimed);
        A.xor(eax, eax);
        A.cmp(slot, rax);
        A.jne(taken);
        A.@lock.cmpxchg(slot, key.Q);
        A.je(claimed);
        _code.Mark(taken);
        A.inc(place.Q);
        A.dec(edx);
        A.jnz(next);
        A.jmp(lost);

        _code.Mark(claimed);
        EmitCallEntry(calls, key, entry, words);
        _registers.Give(key);
        _registers.Give(entry);
        _registers.Give(place);
        foreach (Operand word in words)
            _registers.Give(word);
        _code.Mark(past);
        ColdLoss(ChannelLayout.LostReturnsOffset, lost, past);
        _roomUsed = room;
    }

    /// <summary>The offset of a place's entry in rcx.</summary>
    private void EmitCallSlot(Gpr place, CallTable calls)
    {
        A.mov(ecx, place.D);
        A.and(ecx, calls.Capacity - 1);
        A.shl(rcx, EntryShift);
    }

    /// <summary>
    /// rcx: the entry's offset. Only the last store lets the call return through the thunk.
    /// <code>
    ///     add   E, rcx
    ///     shr   rcx, 3
    ///     mov   K, thunks
    ///     add   K, rcx
    ///     mov   rax, [rsp + original]
    ///     mov   [E + 8], rax
    ///     rdtsc
    ///     shl   rdx, 32
    ///     or    rax, rdx
    ///     mov   [E + 16], rax
    ///     mov   rax, returnCode
    ///     mov   [E + 24], rax
    ///     mov   [E + 32], word            ; and so on
    ///     mov   qword [E + 80], probe
    ///     mov   rax, site
    ///     mov   [E + 88], rax
    ///     mov   [rsp + original], K
    /// </code>
    /// </summary>
    private void EmitCallEntry(CallTable calls, Gpr key, Gpr entry, Operand[] words)
    {
        AssemblerMemoryOperand returnAddress = __qword_ptr[rsp + OriginalStack];
        A.add(entry.Q, rcx);
        A.shr(rcx, EntryShift - ThunkShift);
        A.mov(key.Q, calls.Thunks);
        A.add(key.Q, rcx);
        A.mov(rax, returnAddress);
        A.mov(__qword_ptr[entry.Q + CallTable.ReturnAddressOffset], rax);
        ReadTicks();
        A.mov(__qword_ptr[entry.Q + CallTable.TicksOffset], rax);
        _code.PatchNext(CodePatchKind.ReturnCode);
        A.mov(rax, 0L);
        A.mov(__qword_ptr[entry.Q + CallTable.CodeOffset], rax);
        for (int i = 0; i < words.Length; i++)
            Store(__qword_ptr[entry.Q + (CallTable.WordsOffset + (8 * i))], words[i]);
        _code.PatchNext(CodePatchKind.ProbeIndex);
        A.AddInstruction(Instruction.Create(Code.Mov_rm64_imm32, new MemoryOperand(entry.Q, CallTable.ProbeOffset), 0));
        _code.PatchNext(CodePatchKind.SiteAddress);
        A.mov(rax, 0L);
        A.mov(__qword_ptr[entry.Q + CallTable.SiteOffset], rax);
        A.mov(returnAddress, key.Q);
    }
}
