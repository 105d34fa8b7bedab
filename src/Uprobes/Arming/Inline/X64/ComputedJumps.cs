using Iced.Intel;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// Whether all computed jumps of a function are understood. A jump to an address that comes from memory, from a caller or from a callee
/// goes where some pointer leads, and <see cref="CodePointers"/> knows all of these; one to an address that is computed is understood if
/// the function loads a jump table (<see cref="JumpTables"/>), and otherwise can go anywhere.
/// </summary>
internal static class ComputedJumps
{
    private const int LongestWay = 64;

    /// <summary>Whether there is a jump that is not understood.</summary>
    public static bool IsAnyUnknown(List<Instruction> function, LoadedBytes bytes)
    {
        bool? hasTable = null;
        for (int i = 0; i < function.Count; i++)
        {
            if (function[i].FlowControl != FlowControl.IndirectBranch || function[i].Op0Kind != OpKind.Register || !IsComputed(function, i))
                continue;
            hasTable ??= function.Exists(instruction => LoadsTable(instruction, bytes));
            if (!hasTable.Value)
                return true;
        }

        return false;
    }

    private static bool LoadsTable(in Instruction instruction, LoadedBytes bytes) =>
        instruction.Mnemonic == Mnemonic.Lea && instruction.IsIPRelativeMemoryOperand
        && bytes.TryFind(instruction.IPRelativeMemoryAddress, out LoadedPiece piece, out int index) && JumpTables.IsEntry(bytes, piece, index, out _, out _);

    /// <summary>Follows the register of a jump back to the instruction that the value comes from, as the code stands.</summary>
    private static bool IsComputed(List<Instruction> function, int jump)
    {
        Register register = function[jump].Op0Register;
        for (int i = jump - 1; i >= 0 && i >= jump - LongestWay; i--)
        {
            Instruction instruction = function[i];
            if (instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall)
            {
                if (IsKeptByCalls(register))
                    continue;
                return register != Register.RAX;
            }

            if (instruction.OpCount == 0 || instruction.Op0Kind != OpKind.Register || instruction.Op0Register.GetFullRegister() != register
                || instruction.Mnemonic is Mnemonic.Cmp or Mnemonic.Test or Mnemonic.Push or Mnemonic.Bt)
                continue;
            switch (instruction.Mnemonic)
            {
                case Mnemonic.Mov when instruction.Op1Kind == OpKind.Memory && instruction.Op0Register == register:
                case Mnemonic.Pop:
                case Mnemonic.Lea when instruction.IsIPRelativeMemoryOperand:
                    return false;
                case Mnemonic.Mov when instruction.Op1Kind == OpKind.Register && instruction.Op0Register == register:
                    register = instruction.Op1Register;
                    continue;
                // The C library's pointer guard: ror $17, then xor with a word of the thread's.
                case Mnemonic.Xor when instruction.Op1Kind == OpKind.Memory && instruction.SegmentPrefix == Register.FS:
                case Mnemonic.Ror:
                    continue;
                // A choice between two values; the one that was there before comes from further up, the other from memory.
                case >= Mnemonic.Cmova and <= Mnemonic.Cmovs when instruction.Op1Kind == OpKind.Memory:
                    continue;
                default:
                    return true;
            }
        }

        return jump > LongestWay; // otherwise an argument of the function
    }

    private static bool IsKeptByCalls(Register register) => register is Register.RBX or Register.RBP or Register.R12 or Register.R13
        or Register.R14 or Register.R15 or Register.RSP;
}
