using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Values that are always there.</summary>
internal sealed partial class ProgramEmitter
{
    private const int ThunkIndexOffset = 8;

    /// <summary>System calls without arguments.</summary>
    private const int GetUid = 102, GetGid = 104, GetParent = 110;

    private Operand EvaluateBuiltin(BuiltinKind kind) => kind switch
    {
        BuiltinKind.ThreadId => _threadId,
        BuiltinKind.ProcessId => EvaluateProcessId(),
        BuiltinKind.Timestamp => EvaluateTimestamp(),
        BuiltinKind.Duration => EvaluateDuration(),
        BuiltinKind.ProbeIndex => EvaluateProbeIndex(),
        BuiltinKind.SiteAddress => EvaluateSiteAddress(),
        BuiltinKind.Instruction => _isReturn ? EvaluateReturnAddress() : EvaluateSiteAddress(),
        BuiltinKind.Processor => EvaluateProcessor(),
        BuiltinKind.UserId => EvaluateAsked(GetUid),
        BuiltinKind.GroupId => EvaluateAsked(GetGid),
        BuiltinKind.ParentId => EvaluateAsked(GetParent),
        BuiltinKind.Random => EvaluateRandom(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such value"),
    };

    /// <summary>
    /// <code>
    ///     mov   result, state
    ///     mov   result32, [result]
    /// </code>
    /// </summary>
    private Operand EvaluateProcessId()
    {
        Gpr result = _registers.Take();
        A.mov(result.Q, _environment.ProcessState);
        A.mov(result.D, __dword_ptr[result.Q + CodeEnvironment.ProcessIdOffset]);
        return Operand.Owned(result);
    }

    /// <summary>mov result32, index</summary>
    private Operand EvaluateProbeIndex()
    {
        Gpr result = _registers.Take();
        _code.PatchNext(CodePatchKind.ProbeIndex);
        A.mov(result.D, 0);
        return Operand.Owned(result);
    }

    /// <summary>mov result, address</summary>
    private Operand EvaluateSiteAddress()
    {
        Gpr result = _registers.Take();
        _code.PatchNext(CodePatchKind.SiteAddress);
        A.mov(result.Q, 0L);
        return Operand.Owned(result);
    }

    /// <summary>
    /// The kernel keeps a segment in every processor's descriptor table whose limit is the processor's number, and that of its node
    /// above bit 12 (arch/x86/include/asm/segment.h, __CPUNODE_SEG).
    /// <code>
    ///     mov   ecx, 0x7b
    ///     lsl   result32, ecx
    ///     and   result32, 4095
    /// </code>
    /// </summary>
    private Operand EvaluateProcessor()
    {
        Gpr result = _registers.Take();
        A.mov(ecx, 0x7b);
        A.lsl(result.D, ecx);
        A.and(result.D, 0xfff);
        return Operand.Owned(result);
    }

    /// <summary>
    /// What may change at any time is asked of the kernel.
    /// <code>
    ///     mov   [rbx + saved], r11        ; and other registers in use
    ///     mov   eax, call
    ///     syscall
    ///     mov   r11, [rbx + saved]
    ///     mov   result32, eax
    /// </code>
    /// </summary>
    private Operand EvaluateAsked(int call)
    {
        RegisterSet held = _registers.Held;
        int saved = TakeRoom(8 * held.Count);
        Touch(Gpr.Rax);
        Touch(Gpr.R11);
        MoveHeld(held, saved, isSaving: true);
        A.mov(eax, call);
        A.syscall();
        MoveHeld(held, saved, isSaving: false);
        _roomUsed = saved;
        Gpr result = _registers.Take();
        A.mov(result.D, eax);
        return Operand.Owned(result);
    }

    /// <summary>
    /// The counter, whose bits are mixed.
    /// <code>
    ///     rdtsc
    ///     shl   rdx, 32
    ///     or    rax, rdx
    ///     mov   rcx, 0x9e3779b97f4a7c15
    ///     imul  rax, rcx
    ///     mov   rdx, rax
    ///     shr   rdx, 32
    ///     xor   rax, rdx
    ///     imul  rax, rcx
    ///     shr   rax, 32
    ///     mov   result, rax
    /// </code>
    /// </summary>
    private Operand EvaluateRandom()
    {
        ReadTicks();
        A.mov(rcx, 0x9e37_79b9_7f4a_7c15ul);
        A.imul(rax, rcx);
        A.mov(rdx, rax);
        A.shr(rdx, 32);
        A.xor(rax, rdx);
        A.imul(rax, rcx);
        A.shr(rax, 32);
        Gpr result = _registers.Take();
        A.mov(result.Q, rax);
        return Operand.Owned(result);
    }

    /// <summary>
    /// Ticks since a moment, signed, times the rate in units of 2^-32 ns, and the moment's own nanoseconds.
    /// <code>
    ///     rdtsc
    ///     shl   rdx, 32
    ///     or    rax, rdx
    ///     mov   rcx, state
    ///     sub   rax, [rcx + 8]
    ///     imul  qword [rcx + 24]
    ///     shrd  rax, rdx, 32
    ///     add   rax, [rcx + 16]
    ///     mov   result, rax
    /// </code>
    /// </summary>
    private Operand EvaluateTimestamp()
    {
        ReadTicks();
        A.mov(rcx, _environment.ProcessState);
        A.sub(rax, __qword_ptr[rcx + CodeEnvironment.TicksOffset]);
        A.imul(__qword_ptr[rcx + CodeEnvironment.RateOffset]);
        A.shrd(rax, rdx, 32);
        A.add(rax, __qword_ptr[rcx + CodeEnvironment.NanosecondsOffset]);
        Gpr result = _registers.Take();
        A.mov(result.Q, rax);
        return Operand.Owned(result);
    }

    /// <summary>
    /// <code>
    ///     mov   result, [entry + 16]      ; as in EvaluateEntryWord
    ///     rdtsc
    ///     shl   rdx, 32
    ///     or    rax, rdx
    ///     xor   ecx, ecx
    ///     sub   rax, result
    ///     cmovl rax, rcx                  ; another processor's counter may be a little behind
    ///     mov   rcx, state
    ///     mul   qword [rcx + 24]
    ///     shrd  rax, rdx, 32
    ///     mov   result, rax
    /// </code>
    /// </summary>
    private Operand EvaluateDuration()
    {
        Operand result = EvaluateEntryWord(CallTable.TicksOffset);
        ReadTicks();
        A.xor(ecx, ecx);
        A.sub(rax, result.Register.Q);
        A.cmovl(rax, rcx);
        A.mov(rcx, _environment.ProcessState);
        A.mul(__qword_ptr[rcx + CodeEnvironment.RateOffset]);
        A.shrd(rax, rdx, 32);
        A.mov(result.Register.Q, rax);
        return result;
    }

    /// <summary>The time stamp counter in rax; changes rdx.</summary>
    private void ReadTicks()
    {
        Touch(Gpr.Rax);
        Touch(Gpr.Rdx);
        A.rdtsc();
        A.shl(rdx, 32);
        A.or(rax, rdx);
    }

    /// <summary>
    /// A word of the entry of the call table that belongs to the thunk.
    /// <code>
    ///     mov   ecx, [rsp + index]
    ///     shl   rcx, 7
    ///     mov   result, entries
    ///     mov   result, [result + rcx + offset]
    /// </code>
    /// </summary>
    private Operand EvaluateEntryWord(int offset)
    {
        if (_environment.Calls is not { } calls)
            throw new ArgumentException("The program belongs to a call, but there is no table of calls.");
        Gpr result = _registers.Take();
        A.mov(ecx, __dword_ptr[rsp + (8 * _pushed) + ThunkIndexOffset]);
        A.shl(rcx, 7);
        A.mov(result.Q, calls.Entries);
        A.mov(result.Q, __qword_ptr[result.Q + rcx + offset]);
        return Operand.Owned(result);
    }
}
