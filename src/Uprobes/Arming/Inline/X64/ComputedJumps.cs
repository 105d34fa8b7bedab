using Iced.Intel;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// Whether all computed jumps of a function are understood. A jump to an address that comes from memory, from a caller or from a callee
/// goes where some pointer leads, and <see cref="CodePointers"/> knows all of these; one to a sum is understood if a summand is the address of
/// a jump table (<see cref="JumpTables"/>); one that is computed in any other way can go anywhere.
/// </summary>
internal sealed class ComputedJumps
{
    private readonly List<Instruction> _function;
    private readonly Dictionary<ulong, int> _byAddress;
    private readonly ILookup<int, int> _branchesTo;
    private readonly LoadedBytes _bytes;

    private ComputedJumps(List<Instruction> function, LoadedBytes bytes)
    {
        _function = function;
        _bytes = bytes;
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
            jumps ??= new ComputedJumps(function, bytes);
            if (jumps.IsComputed(i))
                return true;
        }

        return false;
    }

    private bool LoadsTable(in Instruction instruction) =>
        instruction.Mnemonic == Mnemonic.Lea && instruction.IsIPRelativeMemoryOperand
        && _bytes.TryFind(instruction.IPRelativeMemoryAddress, out LoadedPiece piece, out int index) && !_bytes.IsCode(piece, index)
        && JumpTables.IsEntry(_bytes, piece, index, out _, out _);

    private bool LoadsCode(in Instruction instruction) => instruction.Mnemonic == Mnemonic.Lea && instruction.IsIPRelativeMemoryOperand
        && _bytes.TryFindCode(instruction.IPRelativeMemoryAddress, out _, out _);

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

    /// <summary>Whether a jump may go to an address that is computed other than by a table.</summary>
    private bool IsComputed(int jump)
    {
        foreach ((int index, ValueOrigin origin) in Origins(jump, _function[jump].Op0Register))
        {
            if (origin == ValueOrigin.Computed && !IsTableSum(index))
                return true;
        }

        return false;
    }

    /// <summary>
    /// <code>
    /// add     %rdx, %rax           with a table's address in either
    /// lea     (%rdx,%rax), %rcx    the same
    /// add     16(%rsp), %rax       the table's address having been put on the stack
    /// </code>
    /// </summary>
    private bool IsTableSum(int index)
    {
        Instruction sum = _function[index];
        return sum switch
        {
            { Mnemonic: Mnemonic.Add, Op1Kind: OpKind.Register } => IsTable(index, sum.Op0Register) || IsTable(index, sum.Op1Register),
            { Mnemonic: Mnemonic.Add, Op1Kind: OpKind.Memory } => IsSpilledTable(sum),
            { Mnemonic: Mnemonic.Lea, MemoryIndexScale: 1, MemoryDisplacement64: 0 } when sum.MemoryBase != Register.None && sum.MemoryIndex != Register.None =>
                IsTable(index, sum.MemoryBase) || IsTable(index, sum.MemoryIndex),
            _ => false,
        };
    }

    /// <summary>Whether a register holds the address of a table wherever it comes from.</summary>
    private bool IsTable(int user, Register register)
    {
        bool any = false;
        foreach ((int index, _) in Origins(user, register))
        {
            Instruction instruction = _function[index];
            if (!LoadsTable(instruction) && !(instruction.Mnemonic == Mnemonic.Mov && IsSpilledTable(instruction)))
                return false;
            any = true;
        }

        return any;
    }

    /// <summary>
    /// Whether an instruction takes something from the stack that can be the address of a table, and of nothing else that could be added to: the
    /// function loads tables and no address of code.
    /// </summary>
    private bool IsSpilledTable(in Instruction instruction) =>
        instruction is { Op1Kind: OpKind.Memory, MemoryBase: Register.RSP or Register.RBP, MemoryIndex: Register.None }
        && _function.Exists(other => LoadsTable(other)) && !_function.Exists(other => LoadsCode(other));

    /// <summary>Follows a register back along all ways to the instructions that its value comes from; what comes from a caller has none.</summary>
    private List<(int Index, ValueOrigin Origin)> Origins(int user, Register wanted)
    {
        var origins = new List<(int, ValueOrigin)>();
        var seen = new HashSet<(int, Register)>();
        var open = new Stack<(int Index, Register Register)>();
        ComeFrom(user, wanted);
        while (open.TryPop(out (int Index, Register Register) way))
        {
            ValueOrigin origin = Origin(_function[way.Index], way.Register, out Register other);
            switch (origin)
            {
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
                default:
                    origins.Add((way.Index, origin));
                    break;
            }
        }

        return origins;

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
