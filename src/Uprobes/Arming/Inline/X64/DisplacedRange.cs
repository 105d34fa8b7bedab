using Uprobes.Arming.X64;

namespace Uprobes.Arming.Inline.X64;

/// <summary>The instructions from a site on that a jump of some length would displace, and what speaks against that.</summary>
internal sealed class DisplacedRange
{
    private readonly List<int> _boundaries = [];
    private readonly List<DisplacedInstruction> _instructions = [];

    private DisplacedRange()
    {
    }

    /// <summary>Where the instructions start, from the site.</summary>
    public IReadOnlyList<int> Boundaries => _boundaries;

    /// <summary>The instructions.</summary>
    public IReadOnlyList<DisplacedInstruction> Instructions => _instructions;

    /// <summary>Bytes of all of them.</summary>
    public int Length { get; private set; }

    /// <summary>What speaks against displacing them, or null.</summary>
    public PatchRefusal? Refusal { get; private set; }

    /// <summary>Whether control does not go on behind them.</summary>
    public bool EndsFlow => FunctionCode.EndsFlow(_instructions[^1].Decoded);

    /// <summary>Decodes as many whole instructions as a jump overwrites, or fewer where control ends before.</summary>
    /// <param name="piece">The code.</param>
    /// <param name="index">Index of the site in it.</param>
    /// <param name="jumpLength">Bytes of the jump.</param>
    public static DisplacedRange Read(LoadedPiece piece, int index, int jumpLength)
    {
        var range = new DisplacedRange();
        ulong site = piece.Address + (ulong)index;
        while (range.Length < jumpLength && (range.Length == 0 || !range.EndsFlow) && range.Refusal is null)
        {
            int at = index + range.Length;
            ReadOnlySpan<byte> bytes = piece.Bytes.AsSpan(Math.Min(at, piece.Bytes.Length));
            if (DisplacedInstruction.TryDecode(bytes, site + (ulong)range.Length, out DisplacedInstruction? next, out RelocationRefusal? refusal))
            {
                refusal = InstructionPolicy.Judge(next, bytes);
                range._boundaries.Add(range.Length);
                range._instructions.Add(next);
                range.Length += next.Bytes.Length;
            }

            if (refusal is not null)
                range.Refusal = new PatchRefusal(PatchRefusalReason.Instruction, refusal.Message.TrimEnd('.'));
        }

        range.Refusal ??= range.JudgeOrder(site);
        return range;
    }

    /// <summary>What may stand in front of another displaced instruction, and where branches may lead.</summary>
    private PatchRefusal? JudgeOrder(ulong site)
    {
        for (int i = 0; i < _instructions.Count; i++)
        {
            DisplacedInstruction instruction = _instructions[i];
            bool last = i == _instructions.Count - 1;
            ControlFlowKind flow = instruction.ControlFlow;
            if (!last && flow is ControlFlowKind.DirectCall or ControlFlowKind.IndirectCall)
                return new(PatchRefusalReason.CallInside, $"the call at 0x{instruction.Address:x} would be displaced with what follows it, and returns into the patch");
            if (_instructions.Count > 1 && flow == ControlFlowKind.SystemCall)
            {
                string other = last ? "what precedes it, and is restarted" : "what follows it, and returns";
                return new(PatchRefusalReason.SyscallInside, $"the system call at 0x{instruction.Address:x} would be displaced with {other} inside the patch");
            }

            if (_instructions.Count > 1 && flow is ControlFlowKind.DirectJump or ControlFlowKind.ConditionalJump && instruction.Decoded.NearBranchTarget == site)
                return new(PatchRefusalReason.LoopToSite, $"the branch at 0x{instruction.Address:x} would be displaced and leads back to the site");
        }

        return null;
    }
}
