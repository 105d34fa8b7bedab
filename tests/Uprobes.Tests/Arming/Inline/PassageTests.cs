using Iced.Intel;
using Uprobes.Arming.Inline.X64;

namespace Uprobes.Tests.Arming.Inline;

/// <summary>Copies of code for one thread that has to be stopped at its end.</summary>
public sealed class PassageTests
{
    private const ulong From = 0x10_0000, Start = 0x14_0000, Mask = 0x1234;

    // test %edi,%edi; je end; movzbl 0x20(%rip),%ecx; mov %rcx,%rax
    private static readonly byte[] Piece = [0x85, 0xFF, 0x74, 0x0A, 0x0F, 0xB6, 0x0D, 0x20, 0, 0, 0, 0x48, 0x89, 0xC8];

    [Fact]
    public void Each_instruction_of_the_piece_has_its_place_in_the_copy()
    {
        Passage passage = Passage.Make(Piece, From, Start, Mask)!;
        ulong[] places = [From, From + 2, From + 4, From + 11];
        Assert.All(places, place => Assert.Equal(place, passage.OriginalOf(passage.CopyOf(place)!.Value)));
        Assert.Equal(Start, passage.CopyOf(From));
        Assert.Null(passage.CopyOf(From + 1));
        Assert.Null(passage.OriginalOf(passage.Stop));
        Assert.True(passage.Contains(passage.Stop));
        Assert.InRange(passage.Code.Length, 1, Passage.MostBytes(Piece.Length));
    }

    [Fact]
    public void The_copy_refers_to_what_the_piece_refers_to_and_ends_in_the_checkpoint()
    {
        Instruction[] copy = Decode(Passage.Make(Piece, From, Start, Mask)!, 5);
        Assert.Equal(From + 11 + 0x20, copy[2].IPRelativeMemoryAddress);
        Assert.Equal(copy[4].IP, copy[1].NearBranchTarget);
        Assert.Equal(Mnemonic.Nop, copy[4].Mnemonic);
    }

    [Fact]
    public void The_checkpoint_sets_the_mask_and_goes_on_behind_the_piece()
    {
        Passage passage = Passage.Make(Piece, From, Start, Mask)!;
        Instruction[] copy = Decode(passage, 28);
        int call = Array.FindIndex(copy, i => i.Mnemonic == Mnemonic.Syscall);
        Assert.Equal(passage.Stop, copy[call].NextIP);
        Instruction mask = Array.FindLast(copy[..call], i => i.Mnemonic == Mnemonic.Lea && i.IsIPRelativeMemoryOperand);
        Assert.Equal(Mask, Word(passage, mask.IPRelativeMemoryAddress));
        Instruction exit = Array.Find(copy, i => i.FlowControl == FlowControl.IndirectBranch);
        Assert.Equal(From + (ulong)Piece.Length, Word(passage, exit.IPRelativeMemoryAddress));
    }

    [Fact]
    public void What_is_not_code_has_no_passage() => Assert.Null(Passage.Make([0x90, 0x06], From, Start, Mask));

    private static ulong Word(Passage passage, ulong address) => BitConverter.ToUInt64(passage.Code, (int)(address - Start));

    private static Instruction[] Decode(Passage passage, int count)
    {
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(passage.Code), Start);
        return [.. Enumerable.Range(0, count).Select(_ => decoder.Decode())];
    }
}
