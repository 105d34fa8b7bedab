using Iced.Intel;

namespace Uprobes.Tests.Arming.X64;

/// <summary>An addressing form with the registers that <see cref="TestLayout"/> gives a meaning.</summary>
internal sealed record MemoryPlace(string Name, Register Base, Register Index, int Scale, long Displacement, int DisplacementSize)
{
    /// <summary>Every form that encodings distinguish and the slot could get wrong.</summary>
    public static readonly MemoryPlace[] All =
    [
        new("[rbx]", Register.RBX, Register.None, 1, 0, 0),
        new("[rbx+r12*4+64]", Register.RBX, Register.R12, 4, 64, 1),
        new("[rip]", Register.RIP, Register.None, 1, (long)(TestLayout.Operand + 0x140), 8),
        new("[ebx+64]", Register.EBX, Register.None, 1, 64, 1),
        new("[eip]", Register.EIP, Register.None, 1, (long)(TestLayout.Operand + 0x180), 4),
        new("[rsp+8]", Register.RSP, Register.None, 1, 8, 1),
        new("[r13] unmapped", Register.R13, Register.None, 1, 0, 1),
        new("[rip] unmapped", Register.RIP, Register.None, 1, (long)(TestLayout.Data - 0x1000), 8),
    ];

    /// <summary>Returns false where the operand kind does not allow this form.</summary>
    public bool TryApply(ref Instruction instruction, OpCodeOperandKind kind)
    {
        if (kind == OpCodeOperandKind.mem_offs)
        {
            if (Base != Register.RBX || Index != Register.None)
                return false;
            instruction.MemoryDisplSize = 8;
            instruction.MemoryDisplacement64 = TestLayout.Operand;
            return true;
        }

        Register vectorIndex = kind.ToString() switch
        {
            "mem_vsib32x" => Register.XMM7,
            "mem_vsib32y" => Register.YMM7,
            "mem_vsib32z" => Register.ZMM7,
            "mem_vsib64x" => Register.XMM5,
            "mem_vsib64y" => Register.YMM5,
            "mem_vsib64z" => Register.ZMM5,
            _ => Register.None,
        };
        bool relative = Base is Register.RIP or Register.EIP;
        if (relative && (vectorIndex != Register.None || kind is OpCodeOperandKind.sibmem or OpCodeOperandKind.mem_mib))
            return false;
        instruction.MemoryBase = Base;
        instruction.MemoryIndex = vectorIndex == Register.None ? Index : vectorIndex;
        instruction.MemoryIndexScale = Scale;
        instruction.MemoryDisplacement64 = (ulong)Displacement;
        instruction.MemoryDisplSize = DisplacementSize;
        return true;
    }
}
