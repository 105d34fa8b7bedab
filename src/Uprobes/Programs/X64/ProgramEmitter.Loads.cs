using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>
/// Reading the target's memory. What lies in a page that is known to be there, that of the stack pointer, is read as it is; the
/// rest by a system call that fails where an instruction would fault.
/// </summary>
internal sealed partial class ProgramEmitter
{
    /// <summary>In the frame: one local iovec, two remote ones, and a word that integers are read into.</summary>
    private const int RemoteOffset = 16, WordOffset = 48, ReadAreaSize = 56, PageSize = 4096;

    private int _readArea;

    private Operand EvaluateLoad(Load load)
    {
        Operand address = Evaluate(load.Address);
        Load(Gpr.Rcx, address);
        _registers.Give(address);
        return EvaluateLoad(load.Type, isAboveReturnAddress: false);
    }

    /// <summary>lea rcx, [rsp + ...]: behind the return address, which is in a page that is there.</summary>
    private Operand EvaluateStackArgument(int index)
    {
        A.lea(rcx, __qword_ptr[rsp + (OriginalStack + 8 + (8 * (index - Gpr.ArgumentNumbers.Length)))]);
        return EvaluateLoad(DataType.U64, isAboveReturnAddress: true);
    }

    /// <summary>
    /// rcx: the address.
    /// <code>
    ///     mov   rax, rcx
    ///     xor   rax, rsp                  ; or the address of the return address, in rdx
    ///     lea   rdx, [rcx + size - 1]     ; not for bytes; then the same in rdx, and or rax, rdx
    ///     test  rax, -4096
    ///     jnz   far
    ///     mov   result, [rcx]             ; movzx, movsx as the type says
    /// past:
    ///     ...
    /// far:                                ; behind the rest of the code
    ///     ...                             ; EmitFarLoad
    ///     jmp   past
    /// </code>
    /// </summary>
    private Operand EvaluateLoad(DataType type, bool isAboveReturnAddress)
    {
        Label far = _code.NewLabel(), past = _code.NewLabel();
        RegisterSet held = _registers.Held;
        int saved = TakeRoom(8 * held.Count);
        int size = type.Bits / 8;
        TouchForReading();
        Gpr result = _registers.Take();
        AssemblerRegister64 stack = rsp;
        if (isAboveReturnAddress)
        {
            stack = result.Q;
            A.lea(stack, __qword_ptr[rsp + OriginalStack]);
        }

        A.mov(rax, rcx);
        A.xor(rax, stack);
        if (size > 1)
        {
            A.lea(rdx, __qword_ptr[rcx + (size - 1)]);
            A.xor(rdx, stack);
            A.or(rax, rdx);
        }

        A.test(rax, -PageSize);
        A.jnz(far);
        LoadOf(result, type, Gpr.Rcx, 0);
        _code.Mark(past);
        Cold(() =>
        {
            _code.Mark(far);
            EmitFarLoad(result, type, held, saved);
            A.jmp(past);
        });
        _roomUsed = saved;
        return Operand.Owned(result);
    }

    /// <summary>
    /// rcx: the address.
    /// <code>
    ///     mov   [rbx + remote], rcx
    ///     mov   qword [rbx + remote + 8], size
    ///     lea   rax, [rbx + word]
    ///     mov   [rbx + local], rax
    ///     mov   qword [rbx + local + 8], size
    ///     mov   [rbx + saved], rsi        ; and other registers in use
    ///     ...                             ; EmitRead
    ///     mov   rsi, [rbx + saved]
    ///     cmp   rax, size
    ///     jne   failed
    ///     mov   result, [rbx + word]      ; movzx, movsx as the type says
    ///     jmp   done
    /// failed:
    ///     inc   qword [rbp + 16]
    ///     xor   result, result
    /// done:
    /// </code>
    /// </summary>
    private void EmitFarLoad(Gpr result, DataType type, RegisterSet held, int saved)
    {
        Label failed = _code.NewLabel(), done = _code.NewLabel();
        int size = type.Bits / 8;
        A.mov(__qword_ptr[rbx + _readArea + RemoteOffset], rcx);
        A.mov(__qword_ptr[rbx + _readArea + RemoteOffset + 8], size);
        A.lea(rax, __qword_ptr[rbx + _readArea + WordOffset]);
        A.mov(__qword_ptr[rbx + _readArea], rax);
        A.mov(__qword_ptr[rbx + _readArea + 8], size);
        MoveHeld(held, saved, isSaving: true);
        EmitRead(remotePieces: 1);
        MoveHeld(held, saved, isSaving: false);
        A.cmp(rax, size);
        A.jne(failed);
        LoadOf(result, type, Gpr.Rbx, _readArea + WordOffset);
        A.jmp(done);
        _code.Mark(failed);
        A.inc(__qword_ptr[rbp + ChannelLayout.FailedReadsOffset]);
        A.xor(result.D, result.D);
        _code.Mark(done);
    }

    /// <summary>
    /// <code>
    ///     lea   rsi, [rbx + local]
    ///     lea   r10, [rbx + remote]
    ///     ...                             ; EmitReadMemory
    /// </code>
    /// </summary>
    private void EmitRead(int remotePieces)
    {
        A.lea(rsi, __qword_ptr[rbx + _readArea]);
        A.lea(r10, __qword_ptr[rbx + _readArea + RemoteOffset]);
        EmitReadMemory(remotePieces);
    }

    /// <summary>Everything that a system call changes or has as an argument.</summary>
    private void TouchForReading()
    {
        foreach (Gpr register in (ReadOnlySpan<Gpr>)[Gpr.Rax, Gpr.Rdx, Gpr.Rsi, Gpr.Rdi, Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11])
            Touch(register);
    }

    private void MoveHeld(RegisterSet held, int place, bool isSaving)
    {
        foreach (Gpr register in held.All())
        {
            if (isSaving)
                A.mov(__qword_ptr[rbx + place], register.Q);
            else
                A.mov(register.Q, __qword_ptr[rbx + place]);
            place += 8;
        }
    }

    /// <summary>Reads an integer as its type is held.</summary>
    private void LoadOf(Gpr result, DataType type, Gpr @base, int offset)
    {
        AssemblerRegister64 register = @base.Q;
        switch (type.Bits, type.IsSigned)
        {
            case (8, false): A.movzx(result.D, __byte_ptr[register + offset]); break;
            case (8, true): A.movsx(result.Q, __byte_ptr[register + offset]); break;
            case (16, false): A.movzx(result.D, __word_ptr[register + offset]); break;
            case (16, true): A.movsx(result.Q, __word_ptr[register + offset]); break;
            case (32, false): A.mov(result.D, __dword_ptr[register + offset]); break;
            case (32, true): A.movsxd(result.Q, __dword_ptr[register + offset]); break;
            default: A.mov(result.Q, __qword_ptr[register + offset]); break;
        }
    }
}
