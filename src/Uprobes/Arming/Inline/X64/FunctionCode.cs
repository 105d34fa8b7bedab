using System.Collections;
using Iced.Intel;
using Uprobes.Arming.X64;

namespace Uprobes.Arming.Inline.X64;

/// <summary>One function, decoded from its start to its end. Immutable.</summary>
internal sealed class FunctionCode
{
    private readonly List<DirectBranch> _branches = [];
    private readonly List<DirectBranch> _constants = [];
    private readonly List<PaddingRun> _padding = [];
    private readonly BitArray _starts;

    private FunctionCode(ulong start, int length)
    {
        Start = start;
        End = start + (ulong)length;
        _starts = new BitArray(length);
    }

    /// <summary>Link-time address of the first instruction.</summary>
    public ulong Start { get; }

    /// <summary>Link-time address behind the last.</summary>
    public ulong End { get; }

    /// <summary>
    /// Whether the bytes are instructions from start to end and every branch within leads to the start of one. Where not, there may be data
    /// among them, and what looks like an instruction need not be one, nor what does not.
    /// </summary>
    public bool IsSound { get; private set; }

    /// <summary>Whether control never goes on behind the last instruction.</summary>
    public bool EndsControl { get; private set; }

    /// <summary>Whether the last instruction is a call: to a function that does not return, or else another begins within this one.</summary>
    public bool EndsInCall { get; private set; }

    /// <summary>Whether a computed jump has targets that nothing found tells.</summary>
    public bool HasUnknownJump { get; private set; }

    /// <summary>Link-time address of the first system call behind which a child or a thread starts (clone, fork, vfork, clone3), or null.</summary>
    public ulong? CloneCall { get; private set; }

    /// <summary>Whether it saves all vector registers, as lazy binding does.</summary>
    public bool SavesVectorState { get; private set; }

    /// <summary>Padding within: no-operations and breakpoints behind an instruction that control does not go on behind. Something may lead into it.</summary>
    public IReadOnlyList<PaddingRun> Padding => _padding;

    /// <summary>Whether an instruction starts at an address of the function.</summary>
    public bool IsBoundary(ulong address) => address >= Start && address < End && _starts[(int)(address - Start)];

    /// <summary>Whether the instruction that a byte belongs to leads to an address, or holds it.</summary>
    public bool LeadsFrom(ulong source, ulong target) => Find(_branches, source, target) is not null || Find(_constants, source, target) is not null;

    /// <summary>The instruction that a byte belongs to if it leads to an address by a distance, or else null.</summary>
    public DirectBranch? BranchFrom(ulong source, ulong target) => Find(_branches, source, target);

    private static DirectBranch? Find(List<DirectBranch> branches, ulong source, ulong target)
    {
        int low = 0, high = branches.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (branches[middle].Source <= source)
                low = middle + 1;
            else
                high = middle;
        }

        for (int i = low - 1; i >= 0 && source - branches[i].Source < (ulong)branches[i].Length; i--)
        {
            if (branches[i].Target == target)
                return branches[i];
        }

        return null;
    }

    /// <summary>Decodes a function.</summary>
    /// <param name="piece">The code.</param>
    /// <param name="start">Index of the first byte in it.</param>
    /// <param name="length">Bytes of the function; they are in the piece.</param>
    /// <param name="bytes">Of the image, to look at jump tables.</param>
    public static FunctionCode Decode(LoadedPiece piece, int start, int length, LoadedBytes bytes)
    {
        var function = new FunctionCode(piece.Address + (ulong)start, length);
        bool complete = function.Read(piece, start, length, bytes, out bool hasRegisterJump);
        function.IsSound = complete && function.BranchesMeet(piece);
        function.HasUnknownJump = !complete || (hasRegisterJump && ComputedJumps.IsAnyUnknown(ReadAll(piece, start, length), bytes));
        return function;
    }

    /// <summary>The instructions; not kept, because they take many times the room of their bytes.</summary>
    private static List<Instruction> ReadAll(LoadedPiece piece, int start, int length)
    {
        var instructions = new List<Instruction>(length / 4);
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(piece.Bytes, start, length), piece.Address + (ulong)start);
        for (int at = 0; at < length; at += instructions[^1].Length)
            instructions.Add(decoder.Decode());
        return instructions;
    }

    private bool Read(LoadedPiece piece, int start, int length, LoadedBytes bytes, out bool hasRegisterJump)
    {
        hasRegisterJump = false;
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(piece.Bytes, start, length), Start);
        int clone = -1;
        bool reached = true;
        ulong padding = 0;
        for (ulong at = Start; at < End;)
        {
            decoder.Decode(out Instruction instruction);
            if (instruction.IsInvalid)
                return false;
            _starts[(int)(at - Start)] = true;
            bool isPadding = PaddingBytes.IsPadding(instruction);
            if (!isPadding || reached)
            {
                if (padding != 0)
                    _padding.Add(new PaddingRun(padding, at));
                padding = 0;
            }
            else if (padding == 0)
            {
                padding = at;
            }

            hasRegisterJump |= instruction.FlowControl == FlowControl.IndirectBranch && instruction.Op0Kind == OpKind.Register;
            Note(instruction, ref clone);
            if (bytes.HasFixedAddress)
                NoteConstants(instruction, bytes);
            // What follows padding is led to by something, or is padding.
            reached = (reached || !isPadding) && !EndsFlow(instruction);
            EndsInCall = instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall;
            at = instruction.NextIP;
        }

        if (padding != 0)
            _padding.Add(new PaddingRun(padding, End));
        EndsControl = !reached;
        return true;
    }

    /// <summary>Whether control never goes from an instruction to the next. Calls count as coming back.</summary>
    public static bool EndsFlow(in Instruction instruction) =>
        instruction.FlowControl is FlowControl.UnconditionalBranch or FlowControl.IndirectBranch or FlowControl.Return
        || instruction.Mnemonic is Mnemonic.Ud2 or Mnemonic.Hlt or Mnemonic.Int3;

    private void Note(in Instruction instruction, ref int number)
    {
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Lea when instruction.IsIPRelativeMemoryOperand:
                _branches.Add(new(instruction.IP, instruction.Length, instruction.IPRelativeMemoryAddress));
                break;
            case Mnemonic.Mov when instruction.Op0Kind == OpKind.Register && instruction.Op0Register is Register.EAX or Register.RAX or Register.AL
                && instruction.Op1Kind is OpKind.Immediate32 or OpKind.Immediate32to64 or OpKind.Immediate8 or OpKind.Immediate64:
                number = (int)instruction.GetImmediate(1);
                break;
            case Mnemonic.Syscall when number is 56 or 57 or 58 or 435: // clone, fork, vfork, clone3
                CloneCall ??= instruction.IP;
                break;
            case Mnemonic.Fxsave or Mnemonic.Fxsave64 or Mnemonic.Xsave or Mnemonic.Xsave64 or Mnemonic.Xsavec or Mnemonic.Xsavec64:
                SavesVectorState = true;
                break;
        }

        if (instruction.Op0Kind == OpKind.NearBranch64)
            _branches.Add(new(instruction.IP, instruction.Length, instruction.NearBranchTarget));
    }

    private void NoteConstants(in Instruction instruction, LoadedBytes bytes)
    {
        if (instruction.MemoryDisplSize == 4 && bytes.TryFindCode(instruction.MemoryDisplacement32, out _, out _))
            _constants.Add(new(instruction.IP, instruction.Length, instruction.MemoryDisplacement32));
        for (int operand = 0; operand < instruction.OpCount; operand++)
        {
            if (instruction.GetOpKind(operand) is OpKind.Immediate32 or OpKind.Immediate32to64 or OpKind.Immediate64
                && bytes.TryFindCode(instruction.GetImmediate(operand), out _, out _))
                _constants.Add(new(instruction.IP, instruction.Length, instruction.GetImmediate(operand)));
        }
    }

    /// <summary>Branches may skip a LOCK prefix, as older C libraries do in programs of one thread.</summary>
    private bool BranchesMeet(LoadedPiece piece)
    {
        foreach (DirectBranch branch in _branches)
        {
            if (branch.Target < Start || branch.Target >= End || IsBoundary(branch.Target))
                continue;
            bool skipsLock = IsBoundary(branch.Target - 1) && piece.Contains(branch.Target - 1, out int index) && piece.Bytes[index] == 0xF0;
            if (!skipsLock)
                return false;
        }

        return true;
    }
}
