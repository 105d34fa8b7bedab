using Iced.Intel;

namespace Uprobes.Programs.X64;

/// <summary>Instructions being put together, labels among them, and values in them that differ from probe to probe.</summary>
internal sealed class CodeBuffer
{
    private readonly List<(int Instruction, CodePatchKind Kind, int Map)> _patches = [];
    private int _labelAt = -1;

    internal Assembler Assembler { get; } = new(64);

    private int Next => Assembler.Instructions.Count;

    internal Label NewLabel() => Assembler.CreateLabel();

    /// <summary>The label is the next instruction's, or the end.</summary>
    internal void Mark(Label label)
    {
        // An instruction has room for one label.
        if (_labelAt == Next)
            Assembler.zero_bytes();
        Assembler.Label(ref label);
        _labelAt = Next;
    }

    /// <summary>The next instruction has a value that is to be patched: its displacement for cells, its immediate operand otherwise.</summary>
    internal void PatchNext(CodePatchKind kind, int map = 0) => _patches.Add((Next, kind, map));

    /// <summary>The bytes.</summary>
    /// <exception cref="InvalidOperationException">An operand does not fit: a mistake of the compiler's.</exception>
    internal ProgramCode Build()
    {
        if (Next == 0)
            return new([], []);
        if (_labelAt == Next)
            Assembler.zero_bytes();

        using MemoryStream stream = new();
        if (!Assembler.TryAssemble(new StreamCodeWriter(stream), 0, out string? problem, out AssemblerResult result,
            BlockEncoderOptions.ReturnConstantOffsets | BlockEncoderOptions.ReturnNewInstructionOffsets))
            throw new InvalidOperationException($"The program's code cannot be encoded: {problem}");

        BlockEncoderResult block = result.Result[0];
        CodePatch[] patches = new CodePatch[_patches.Count];
        for (int i = 0; i < patches.Length; i++)
        {
            (int instruction, CodePatchKind kind, int map) = _patches[i];
            ConstantOffsets within = block.ConstantOffsets[instruction];
            int offset = kind == CodePatchKind.CellOffset ? within.DisplacementOffset : within.ImmediateOffset;
            int size = kind == CodePatchKind.CellOffset ? within.DisplacementSize : within.ImmediateSize;
            if (size != (kind is CodePatchKind.CellOffset or CodePatchKind.ProbeIndex ? 4 : 8))
                throw new InvalidOperationException($"A value to be patched ({kind}) has {size} bytes.");
            patches[i] = new((int)block.NewInstructionOffsets[instruction] + offset, kind, map);
        }

        return new(stream.ToArray(), patches);
    }
}
