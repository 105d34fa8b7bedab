namespace Uprobes.Arming.X64;

/// <summary>Where execution goes after an instruction, as far as arming has to know.</summary>
internal enum ControlFlowKind
{
    /// <summary>To the next instruction (or to a fault handler, as for <c>ud2</c>).</summary>
    StraightLine,

    /// <summary><c>jmp rel</c>.</summary>
    DirectJump,

    /// <summary><c>jcc</c>, <c>loop</c>, <c>loope</c>, <c>loopne</c>, <c>jecxz</c>, <c>jrcxz</c>.</summary>
    ConditionalJump,

    /// <summary><c>call rel32</c>.</summary>
    DirectCall,

    /// <summary><c>jmp r/m64</c>.</summary>
    IndirectJump,

    /// <summary><c>call r/m64</c>.</summary>
    IndirectCall,

    /// <summary><c>ret</c> and <c>ret imm16</c>.</summary>
    Return,

    /// <summary><c>syscall</c>: the kernel stores the address after it in RCX.</summary>
    SystemCall,
}
