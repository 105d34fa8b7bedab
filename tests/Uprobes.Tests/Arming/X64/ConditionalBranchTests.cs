using Uprobes.Arming.X64;
using Uprobes.Linux;

namespace Uprobes.Tests.Arming.X64;

/// <summary>Which way conditional jumps go.</summary>
public class ConditionalBranchTests
{
    private const ulong Target = Relocation.Site + 2 + 0x10;

    /// <summary>Intel SDM, volume 1, appendix B: the low four bits of the opcode, the lowest of which inverts.</summary>
    [Fact]
    public void Every_condition_is_judged_by_the_flags()
    {
        foreach (ulong flags in from c in (ulong[])[0, 1] from p in (ulong[])[0, 4] from z in (ulong[])[0, 0x40] from s in (ulong[])[0, 0x80] from o in (ulong[])[0, 0x800] select c | p | z | s | o | 0x202)
        {
            bool c = (flags & 1) != 0, p = (flags & 4) != 0, z = (flags & 0x40) != 0, s = (flags & 0x80) != 0, o = (flags & 0x800) != 0;
            bool[] conditions = [o, c, z, c || z, s, p, s != o, z || s != o];
            for (int code = 0; code < 16; code++)
            {
                UserRegisters registers = Apply($"{0x70 + code:x2} 10", new UserRegisters { Rflags = flags, Rcx = 7 });
                bool taken = conditions[code >> 1] ^ ((code & 1) != 0);
                Assert.True(registers.Rip == (taken ? Target : Relocation.Site + 2), $"condition {code:x}, flags {flags:x}");
                Assert.Equal((7ul, flags), (registers.Rcx, registers.Rflags));
            }
        }
    }

    [Theory]
    [InlineData("e2 10", 2, 0, true, 1)] // loop
    [InlineData("e2 10", 1, 0, false, 0)]
    [InlineData("e2 10", 0, 0, true, ulong.MaxValue)]
    [InlineData("e1 10", 2, 0x40, true, 1)] // loope
    [InlineData("e1 10", 2, 0, false, 1)]
    [InlineData("e0 10", 2, 0, true, 1)] // loopne
    [InlineData("e0 10", 2, 0x40, false, 1)]
    [InlineData("e3 10", 0, 0, true, 0)] // jrcxz
    [InlineData("e3 10", 0x1_0000_0000, 0, false, 0x1_0000_0000)]
    [InlineData("67 e3 0f", 0x1_0000_0000, 0, true, 0x1_0000_0000)] // jecxz
    [InlineData("67 e2 0f", 0x5_0000_0001, 0, false, 0)] // loop with ecx, which clears the upper half
    [InlineData("67 e2 0f", 0x5_0000_0000, 0, true, 0xFFFF_FFFF)]
    public void Counters_count(string hex, ulong counter, ulong flags, bool taken, ulong left)
    {
        UserRegisters registers = Apply(hex, new UserRegisters { Rcx = counter, Rflags = flags });
        Assert.Equal(taken, registers.Rip == Target);
        Assert.Equal(left, registers.Rcx);
    }

    private static UserRegisters Apply(string hex, UserRegisters registers)
    {
        Assert.True(DisplacedInstruction.TryDecode(Relocation.Bytes(hex), Relocation.Site, out DisplacedInstruction? jump, out _));
        Assert.True(ConditionalBranches.TryApply(jump, ref registers));
        return registers;
    }
}
