using Iced.Intel;

namespace Uprobes.Tests.Arming.X64;

/// <summary>Sets the operands of an instruction that is to be encoded, as its row in the decoder's table demands.</summary>
/// <param name="Registers">Register numbers by operand index.</param>
/// <param name="Memory">The place of a memory operand; null chooses the register where there is a choice.</param>
/// <param name="Vectors">Vector register numbers by operand index.</param>
internal sealed record OperandChoice(int[] Registers, MemoryPlace? Memory, int[] Vectors)
{
    /// <summary>Returns false where the row has no such variant (register for a pure memory operand, or the reverse).</summary>
    public bool TryApply(ref Instruction instruction, OpCodeInfo row)
    {
        bool hasMemory = false;
        for (int index = 0; index < row.OpCount; index++)
        {
            OpCodeOperandKind kind = row.GetOpKind(index);
            string name = kind.ToString();
            bool either = name.Contains("_or_mem", StringComparison.Ordinal);
            bool memory = (either && Memory is not null) || kind == OpCodeOperandKind.mem || name.StartsWith("mem_", StringComparison.Ordinal) || kind == OpCodeOperandKind.sibmem;
            if (memory)
            {
                if (Memory is null)
                    return false;
                hasMemory = true;
                instruction.SetOpKind(index, OpKind.Memory);
                if (!Memory.TryApply(ref instruction, kind))
                    return false;
            }
            else if (!TryApplyOther(ref instruction, row, index))
            {
                return false;
            }
        }

        return hasMemory || Memory is null;
    }

    private bool TryApplyOther(ref Instruction instruction, OpCodeInfo row, int index)
    {
        OpCodeOperandKind kind = row.GetOpKind(index);
        switch (kind)
        {
            case OpCodeOperandKind.imm8 or OpCodeOperandKind.imm4_m2z or OpCodeOperandKind.imm16 or OpCodeOperandKind.imm32
                or OpCodeOperandKind.imm64 or OpCodeOperandKind.imm8sex16 or OpCodeOperandKind.imm8sex32 or OpCodeOperandKind.imm8sex64
                or OpCodeOperandKind.imm32sex64 or OpCodeOperandKind.imm8_const_1:
                bool second = index > 0 && row.GetOpKind(index - 1) is (OpCodeOperandKind.imm8 or OpCodeOperandKind.imm16);
                instruction.SetOpKind(index, second ? OpKind.Immediate8_2nd : ImmediateKind(kind));
                instruction.SetImmediate(index, kind == OpCodeOperandKind.imm16 ? 16L : 1L);
                return true;
            case OpCodeOperandKind.br16_1 or OpCodeOperandKind.br16_2 or OpCodeOperandKind.xbegin_2:
                instruction.SetOpKind(index, kind == OpCodeOperandKind.xbegin_2 ? OpKind.NearBranch64 : OpKind.NearBranch16);
                instruction.NearBranch64 = kind == OpCodeOperandKind.xbegin_2 ? TestLayout.Site + 0x20 : unchecked((ushort)(TestLayout.Site + 0x20));
                return true;
            case OpCodeOperandKind.br64_1 or OpCodeOperandKind.br64_4 or OpCodeOperandKind.xbegin_4:
                instruction.SetOpKind(index, OpKind.NearBranch64);
                instruction.NearBranch64 = kind == OpCodeOperandKind.br64_1 ? TestLayout.Site + 0x20 : TestLayout.Target;
                return true;
            case OpCodeOperandKind.seg_rSI:
                instruction.SetOpKind(index, OpKind.MemorySegRSI);
                return true;
            case OpCodeOperandKind.es_rDI:
                instruction.SetOpKind(index, OpKind.MemoryESRDI);
                return true;
            case OpCodeOperandKind.seg_rDI:
                instruction.SetOpKind(index, OpKind.MemorySegRDI);
                return true;
            case OpCodeOperandKind.seg_rBX_al:
                instruction.SetOpKind(index, OpKind.Memory);
                instruction.MemoryBase = Register.RBX;
                instruction.MemoryIndex = Register.AL;
                return true;
        }

        Register register = ChooseRegister(index, kind.ToString());
        if (register == Register.None)
            return false;
        instruction.SetOpKind(index, OpKind.Register);
        instruction.SetOpRegister(index, register);
        return true;
    }

    private Register ChooseRegister(int index, string name)
    {
        int number = Registers[index];
        int vector = Vectors[index];
        return name.Split('_')[0] switch
        {
            "r8" => number >= 4 ? Register.SPL + (number - 4) : Register.AL + number,
            "r16" => Register.AX + number,
            "r32" => Register.EAX + number,
            "r64" => Register.RAX + number,
            "mm" => Register.MM0 + (vector & 7),
            "xmm" => Register.XMM0 + vector,
            "ymm" => Register.YMM0 + vector,
            "zmm" => Register.ZMM0 + vector,
            "xmmp3" => Register.XMM4,
            "zmmp3" => Register.ZMM4,
            "k" => Register.K1 + (vector & 3),
            "kp1" => Register.K2,
            "tmm" => Register.TMM0 + (vector & 7),
            "bnd" => Register.BND0 + (vector & 3),
            "cr" => Register.CR0,
            "dr" => Register.DR0,
            "seg" => (number % 6) == 1 && index == 0 ? Register.GS : Register.ES + (number % 6), // CS cannot be loaded
            "al" => Register.AL,
            "cl" => Register.CL,
            "ax" => Register.AX,
            "dx" => Register.DX,
            "eax" => Register.EAX,
            "rax" => Register.RAX,
            "es" => Register.ES,
            "cs" => Register.CS,
            "ss" => Register.SS,
            "ds" => Register.DS,
            "fs" => Register.FS,
            "gs" => Register.GS,
            "st0" => Register.ST0,
            "sti" => Register.ST0 + 2,
            _ => Register.None,
        };
    }

    private static OpKind ImmediateKind(OpCodeOperandKind kind) => kind switch
    {
        OpCodeOperandKind.imm16 => OpKind.Immediate16,
        OpCodeOperandKind.imm32 => OpKind.Immediate32,
        OpCodeOperandKind.imm64 => OpKind.Immediate64,
        OpCodeOperandKind.imm8sex16 => OpKind.Immediate8to16,
        OpCodeOperandKind.imm8sex32 => OpKind.Immediate8to32,
        OpCodeOperandKind.imm8sex64 => OpKind.Immediate8to64,
        OpCodeOperandKind.imm32sex64 => OpKind.Immediate32to64,
        _ => OpKind.Immediate8,
    };
}
