using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Script.Running;

/// <summary>Registers by the names of <c>struct pt_regs</c> (arch/x86/include/uapi/asm/ptrace.h), or by their full names, as reg() takes them.</summary>
internal static class TargetRegisters
{
    /// <summary>Reads one; null where there is none of that name.</summary>
    internal static ulong? Read(in UserRegisters registers, string name) => Short(name) switch
    {
        "ax" => registers.Rax,
        "bx" => registers.Rbx,
        "cx" => registers.Rcx,
        "dx" => registers.Rdx,
        "si" => registers.Rsi,
        "di" => registers.Rdi,
        "bp" => registers.Rbp,
        "sp" => registers.Rsp,
        "r8" => registers.R8,
        "r9" => registers.R9,
        "r10" => registers.R10,
        "r11" => registers.R11,
        "r12" => registers.R12,
        "r13" => registers.R13,
        "r14" => registers.R14,
        "r15" => registers.R15,
        "ip" or "pc" => registers.Rip,
        "flags" => registers.Rflags,
        "orig_ax" => registers.OrigRax,
        "cs" => registers.Cs,
        "ss" => registers.Ss,
        _ => null,
    };

    /// <summary>Writes one; false where there is none of that name, or it may not be written.</summary>
    internal static bool TryWrite(ThreadRegisters registers, string name, ulong value)
    {
        switch (Short(name))
        {
            case "ax": registers.Rax = value; break;
            case "bx": registers.Rbx = value; break;
            case "cx": registers.Rcx = value; break;
            case "dx": registers.Rdx = value; break;
            case "si": registers.Rsi = value; break;
            case "di": registers.Rdi = value; break;
            case "bp": registers.Rbp = value; break;
            case "sp": registers.Rsp = value; break;
            case "r8": registers.R8 = value; break;
            case "r9": registers.R9 = value; break;
            case "r10": registers.R10 = value; break;
            case "r11": registers.R11 = value; break;
            case "r12": registers.R12 = value; break;
            case "r13": registers.R13 = value; break;
            case "r14": registers.R14 = value; break;
            case "r15": registers.R15 = value; break;
            case "ip" or "pc": registers.Rip = value; break;
            case "flags": registers.Rflags = value; break;
            default: return false;
        }

        return true;
    }

    /// <summary>The kernel's name of a register: <c>di</c> for <c>rdi</c>; the numbered ones have no other.</summary>
    internal static string Short(string name) => name is ['r', >= 'a' and <= 'z', ..] ? name[1..] : name;
}
