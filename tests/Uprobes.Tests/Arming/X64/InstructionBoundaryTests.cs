using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>Where instructions start in a function.</summary>
public class InstructionBoundaryTests
{
    private const ulong Start = 0x1139;

    [Fact]
    public void Every_address_of_a_function_is_a_boundary_or_inside_an_instruction()
    {
        // push %rbp; mov %rsp,%rbp; mov $0,%eax; pop %rbp; ret
        var boundaries = InstructionBoundaries.Decode(Relocation.Bytes("55 4889e5 b800000000 5d c3"), Start);
        Assert.True(boundaries.IsComplete);
        Assert.Equal(5, boundaries.Count);
        ulong[] expected = [0, 1, 4, 9, 10];
        for (ulong offset = 0; offset < 11; offset++)
        {
            Assert.Equal(expected.Contains(offset), boundaries.IsBoundary(Start + offset));
            Assert.Equal(expected.Contains(offset) ? BoundaryVerdict.Boundary : BoundaryVerdict.InsideInstruction, boundaries.At(Start + offset));
        }
    }

    [Fact]
    public void Addresses_outside_the_function_are_unknown()
    {
        var boundaries = InstructionBoundaries.Decode(Relocation.Bytes("55 c3"), Start);
        Assert.Equal(BoundaryVerdict.Unknown, boundaries.At(Start - 1));
        Assert.Equal(BoundaryVerdict.Unknown, boundaries.At(Start + 2));
    }

    [Theory]
    [InlineData("55 06 55")] // data between instructions
    [InlineData("55 48 8b")] // the function ends inside an instruction
    public void Nothing_is_said_about_what_follows_data_in_text(string hex)
    {
        var boundaries = InstructionBoundaries.Decode(Relocation.Bytes(hex), Start);
        Assert.False(boundaries.IsComplete);
        Assert.True(boundaries.IsBoundary(Start));
        Assert.Equal(BoundaryVerdict.Unknown, boundaries.At(Start + 1));
        Assert.Equal(BoundaryVerdict.Unknown, boundaries.At(Start + 2));
    }
}
