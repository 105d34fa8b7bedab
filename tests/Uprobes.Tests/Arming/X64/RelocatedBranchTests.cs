using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>Jumps, calls and returns (X3, X4, X5, X14, I7, I8, I9, I19, I20).</summary>
public class RelocatedBranchTests
{
    [Theory]
    [InlineData("74 10", "0f840cf0efff e9f7efefff")] // je +16: je 401012; jmp 401002 (X5)
    [InlineData("0f 8f 00 01 00 00", "0f8f00f1efff e9fbefefff")] // jg 401106; jmp 401006
    [InlineData("2e 74 10", "0f840df0efff e9f8efefff")] // with a branch hint: je 401013
    [InlineData("75 fe", "0f85faefefff e9f7efefff")] // jne to itself: jne 401000, not the slot (I7)
    [InlineData("75 ff", "0f85fbefefff e9f7efefff")] // jne into its own second byte: jne 401001
    [InlineData("e2 fe", "e205 e9fbefefff e9f4efefff")] // loop to itself: loop 1f; jmp 401002; 1: jmp 401000 (X5, I7)
    [InlineData("67 e2 10", "67e205 e9fbefefff e906f0efff")] // loop that counts in ECX (X5)
    [InlineData("e1 10", "e105 e9fbefefff e906f0efff")] // loope
    [InlineData("e0 10", "e005 e9fbefefff e906f0efff")] // loopne
    [InlineData("e3 10", "e305 e9fbefefff e906f0efff")] // jrcxz
    [InlineData("67 e3 10", "67e305 e9fbefefff e906f0efff")] // jecxz
    [InlineData("eb 10", "e90df0efff")] // jmp 401012
    [InlineData("e9 00 01 00 00", "e900f1efff")] // jmp 401105
    [InlineData("eb fe", "e9fbefefff")] // jmp to itself
    public void A_direct_branch_goes_to_the_original_addresses(string hex, string expected) => Relocation.Gives(hex, expected);

    [Fact]
    public void A_branch_out_of_reach_uses_jumps_through_memory()
    {
        // jmp 401012
        Relocation.Gives("eb 10", "ff2500000000 1210400000000000", Relocation.FarSlot);
        // je 1f; jmp 401002; 1: jmp 401012
        Relocation.Gives("74 10", "740e ff2500000000 0210400000000000 ff2500000000 1210400000000000", Relocation.FarSlot);
        // loop 1f; jmp 401002; 1: jmp 401012 (I9)
        Relocation.Gives("e2 10", "e20e ff2500000000 0210400000000000 ff2500000000 1210400000000000", Relocation.FarSlot);
    }

    [Fact]
    public void Both_ways_of_a_conditional_branch_count_as_executed()
    {
        RelocatedInstruction relocated = Relocation.Accept("e2 10");
        Assert.Equal(
            [
                new SlotPosition(0, Relocation.Site, 0, Executed: false, FixRcx: false),
                new SlotPosition(2, Relocation.Site + 2, 0, Executed: true, FixRcx: false),
                new SlotPosition(7, Relocation.Site + 0x12, 0, Executed: true, FixRcx: false),
            ],
            relocated.Positions);
    }

    [Theory]
    [InlineData("74 10", "7402 cc cc cc", 2, 4)] // je 1f; int3; (never reached); 1: int3
    [InlineData("0f 84 0c 00 00 00", "7402 cc cc cc", 2, 4)]
    [InlineData("e2 10", "e202 cc cc cc", 2, 4)]
    [InlineData("67 e3 0f", "67e302 cc cc cc", 3, 5)]
    public void A_post_handler_of_a_conditional_branch_learns_which_way_it_went(string hex, string expected, int notTaken, int taken)
    {
        RelocatedInstruction relocated = Relocation.Accept(hex, stopAfter: true);
        Assert.Equal(expected.Replace(" ", "", StringComparison.Ordinal), Relocation.Hex(relocated.Code));
        ulong next = Relocation.Site + (ulong)relocated.OriginalLength;
        Assert.Equal([new SlotExit(notTaken, next), new SlotExit(taken, Relocation.Site + 0x12)], relocated.Exits);
        Assert.Equal([0, notTaken, notTaken + 1, taken, taken + 1], relocated.Positions.Select(position => position.Offset));
        Assert.Equal([Relocation.Site, next, next, Relocation.Site + 0x12, Relocation.Site + 0x12], relocated.Positions.Select(position => position.OriginalRip));
    }

    [Fact]
    public void A_post_handler_of_a_jump_or_call_stops_before_the_target()
    {
        RelocatedInstruction jump = Relocation.Accept("eb 10", stopAfter: true);
        Assert.Equal("cc", Relocation.Hex(jump.Code));
        Assert.Equal([new SlotExit(0, Relocation.Site + 0x12)], jump.Exits);

        // push $401005; movl $0,4(%rsp); int3
        RelocatedInstruction call = Relocation.Accept("e8 00 01 00 00", stopAfter: true);
        Assert.Equal("6805104000 c744240400000000 cc".Replace(" ", "", StringComparison.Ordinal), Relocation.Hex(call.Code));
        Assert.Equal([new SlotExit(13, Relocation.Site + 0x105)], call.Exits);
        Assert.Equal(new SlotPosition(13, Relocation.Site + 0x105, 0, Executed: true, FixRcx: false), call.Positions[^2]);
    }

    [Theory]
    [InlineData("e8 00 01 00 00", "6805104000 c744240400000000 e9f3f0efff")] // call 401105 (X3, I8)
    [InlineData("e8 00 00 00 00", "6805104000 c744240400000000 e9f3efefff")] // call to the next instruction
    [InlineData("66 66 48 e8 00 01 00 00", "6808104000 c744240400000000 e9f6f0efff")] // padded __tls_get_addr call (X14)
    [InlineData("ff d0", "6802104000 c744240400000000 ffe0")] // call *%rax
    [InlineData("41 ff d4", "6803104000 c744240400000000 41ffe4")] // call *%r12
    [InlineData("3e ff d0", "6803104000 c744240400000000 3effe0")] // notrack call *%rax (X14)
    [InlineData("ff 53 10", "6803104000 c744240400000000 ff6310")] // call *16(%rbx)
    [InlineData("65 ff 14 25 10 00 00 00", "6808104000 c744240400000000 65ff242510000000")] // call *%gs:16
    [InlineData("ff 15 00 10 10 00", "6806104000 c744240400000000 ff25f3ffffff")] // call *x(%rip) (X1)
    [InlineData("ff 14 24", "6803104000 c744240400000000 ffa42408000000")] // call *(%rsp) (X3, I19)
    [InlineData("ff 54 24 08", "6804104000 c744240400000000 ffa42410000000")] // call *8(%rsp) (X3, I19)
    [InlineData("ff 94 24 00 01 00 00", "6807104000 c744240400000000 ffa42408010000")] // call *256(%rsp)
    [InlineData("42 ff 54 c4 f8", "6805104000 c744240400000000 42ffa4c400000000")] // call *-8(%rsp,%r8,8)
    [InlineData("67 ff 54 24 08", "6805104000 c744240400000000 67ffa42410000000")] // call *8(%esp)
    public void A_call_pushes_the_original_return_address(string hex, string expected) => Relocation.Gives(hex, expected);

    [Fact]
    public void Until_its_jump_a_call_can_be_taken_back()
    {
        SlotPosition[] expected =
        [
            new SlotPosition(0, Relocation.Site, 0, Executed: false, FixRcx: false),
            new SlotPosition(5, Relocation.Site, 8, Executed: false, FixRcx: false),
            new SlotPosition(13, Relocation.Site, 8, Executed: false, FixRcx: false),
        ];
        Assert.Equal(expected, Relocation.Accept("e8 00 01 00 00").Positions);
        Assert.Equal(expected, Relocation.Accept("ff d0").Positions);
        Assert.Equal(expected, Relocation.Accept("ff 14 24").Positions);
    }

    [Fact]
    public void Both_halves_of_a_high_return_address_are_stored()
    {
        // call at 7ffff7f00000, slot near: push $f7f00005 (sign-extended); movl $7fff,4(%rsp); jmp
        RelocatedInstruction relocated = Relocation.Accept("e8 00 00 00 00", 0x7FFF_F7E0_0000, site: 0x7FFF_F7F0_0000);
        Assert.Equal("680500f0f7c7442404ff7f0000", Relocation.Hex(relocated.Code.AsSpan(0, 13)));
    }

    [Theory]
    [InlineData("c3")] // ret (X4, I19)
    [InlineData("c2 10 00")] // ret $16 (X4)
    [InlineData("f2 c3")] // bnd ret
    [InlineData("f3 c3")] // rep ret
    [InlineData("ff e0")] // jmp *%rax
    [InlineData("3e ff e0")] // notrack jmp *%rax (X14)
    [InlineData("ff 64 24 08")] // jmp *8(%rsp): RSP is unchanged
    [InlineData("ff 24 c5 00 00 40 00")] // jmp *table(,%rax,8)
    public void A_return_or_indirect_jump_is_copied_and_cannot_stop_afterwards(string hex)
    {
        RelocatedInstruction relocated = Relocation.Accept(hex);
        Assert.Equal(Relocation.Bytes(hex), relocated.Code);
        Assert.Equal([new SlotPosition(0, Relocation.Site, 0, Executed: false, FixRcx: false)], relocated.Positions);
        Assert.Equal(RelocationRefusalReason.NeedsEmulation, Relocation.Refuse(hex, stopAfter: true).Reason);
        Assert.True(InstructionRelocator.TryInspect(Relocation.Bytes(hex), Relocation.Site, out InspectedInstruction inspected, out _));
        Assert.True(inspected.NeedsEmulationAfterwards);
    }
}
