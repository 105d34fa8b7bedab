using Iced.Intel;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// Whether all computed jumps of a function are understood. A jump to an address that comes from memory, from a caller or from a callee
/// goes where some pointer leads, and <see cref="CodePointers"/> knows all of these; one to an address that is computed is understood if
/// the function loads a jump table (<see cref="JumpTables"/>), and otherwise can go anywhere.
/// </summary>
internal sealed class ComputedJumps
{
    private readonly List<Instruction> _function;
    private readonly Dictionary<ulong, int> _byAddress;
    private readonly ILookup<int, int> _branchesTo;

    private ComputedJumps(List<Instruction> function)
    {
        _function = function;
        _byAddress = new Dictionary<ulong, int>(function.Count);
        for (int i = 0; i < function.Count; i++)
            _byAddress.Add(function[i].IP, i);
        _branchesTo = Branches().ToLookup(branch => branch.Target, branch => branch.Source);
    }

    /// <summary>Whether there is a jump that is not understood.</summary>
    public static bool IsAnyUnknown(List<Instruction> function, LoadedBytes bytes)
    {
        ComputedJumps? jumps = null;
        for (int i = 0; i < function.Count; i++)
        {
            if (function[i].FlowControl != FlowControl.IndirectBranch || function[i].Op0Kind != OpKind.Register)
                continue;
            jumps ??= new ComputedJumps(function);
            if (jumps.IsComputed(i))
                return !function.Exists(instruction => LoadsTable(instruction, bytes));
        }

        return false;
    }

    private static bool LoadsTable(in Instruction instruction, LoadedBytes bytes) =>
        instruction.Mnemonic == Mnemonic.Lea && instruction.IsIPRelativeMemoryOperand
        && bytes.TryFind(instruction.IPRelativeMemoryAddress, out LoadedPiece piece, out int index) && JumpTables.IsEntry(bytes, piece, index, out _, out _);

    private IEnumerable<(int Source, int Target)> Branches()
    {
        for (int i = 0; i < _function.Count; i++)
        {
            Instruction instruction = _function[i];
            if (instruction.FlowControl is FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch
                && _byAddress.TryGetValue(instruction.NearBranchTarget, out int target))
                yield return (i, target);
        }
    }

    /// <summary>Follows the register of a jump back along all ways to the instructions that its value comes from.</summary>
    private bool IsComputed(int jump)
    {
        var seen = new HashSet<(int, Register)>();
        var open = new Stack<(int Index, Register Register)>();
        ComeFrom(jump, _function[jump].Op0Register);
        while (open.TryPop(out (int Index, Register Register) way))
        {
            switch (Origin(_function[way.Index], way.Register, out Register other))
            {
                case ValueOrigin.Computed:
                    return true;
                case ValueOrigin.Untouched:
                    ComeFrom(way.Index, way.Register);
                    break;
                case ValueOrigin.Register:
                    ComeFrom(way.Index, other);
                    break;
                case ValueOrigin.EitherRegister:
                    ComeFrom(way.Index, way.Register);
                    ComeFrom(way.Index, other);
                    break;
            }
        }

        return false;

        void ComeFrom(int index, Register register)
        {
            if (index > 0 && !FunctionCode.EndsFlow(_function[index - 1]) && seen.Add((index - 1, register)))
                open.Push((index - 1, register));
            foreach (int source in _branchesTo[index])
            {
                if (seen.Add((source, register)))
                    open.Push((source, register));
            }
        }
    }

    private enum ValueOrigin
    {
        /// <summary>The instruction does not write the register.</summary>
        Untouched,

        /// <summary>From memory, from a callee, or an address that the instruction itself names: some pointer or loaded address.</summary>
        Pointer,

        /// <summary>From another register.</summary>
        Register,

        /// <summary>From another register, or as it was.</summary>
        EitherRegister,

        /// <summary>By arithmetic.</summary>
        Computed,
    }

    private static ValueOrigin Origin(in Instruction instruction, Register register, out Register other)
    {
        other = Register.None;
        if (instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall)
            return IsKeptByCalls(register) ? ValueOrigin.Untouched : ValueOrigin.Pointer;
        if (instruction.OpCount == 0 || instruction.Op0Kind != OpKind.Register || instruction.Op0Register.GetFullRegister() != register
            || instruction.Mnemonic is Mnemonic.Cmp or Mnemonic.Test or Mnemonic.Push or Mnemonic.Bt || instruction.FlowControl != FlowControl.Next)
            return ValueOrigin.Untouched;
        bool isWhole = instruction.Op0Register == register;
        bool fromMemory = instruction.OpCount > 1 && instruction.Op1Kind == OpKind.Memory;
        bool fromRegister = instruction.OpCount > 1 && instruction.Op1Kind == OpKind.Register;
        other = fromRegister ? instruction.Op1Register : Register.None;
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Pop:
            case Mnemonic.Mov when isWhole && fromMemory:
            case Mnemonic.Lea when instruction.IsIPRelativeMemoryOperand:
                return ValueOrigin.Pointer;
            case Mnemonic.Mov when instruction.Op1Kind is not (OpKind.Register or OpKind.Memory): // a constant; in a fixed file one of the addresses that are searched for
                return ValueOrigin.Pointer;
            case Mnemonic.Mov when isWhole && fromRegister:
                return ValueOrigin.Register;
            case >= Mnemonic.Cmova and <= Mnemonic.Cmovs when isWhole:
                return fromMemory ? ValueOrigin.Untouched : ValueOrigin.EitherRegister;
            // The C library's pointer guard: ror $17, then xor with a word of the thread's. And zero, which no jump survives.
            case Mnemonic.Ror:
            case Mnemonic.Xor when fromMemory && instruction.SegmentPrefix == Register.FS:
                return ValueOrigin.Untouched;
            case Mnemonic.Xor when fromRegister && other == instruction.Op0Register:
                return ValueOrigin.Pointer;
            default:
                return ValueOrigin.Computed;
        }
    }

    private static bool IsKeptByCalls(Register register) => register is Register.RBX or Register.RBP or Register.R12 or Register.R13
        or Register.R14 or Register.R15 or Register.RSP;
}
