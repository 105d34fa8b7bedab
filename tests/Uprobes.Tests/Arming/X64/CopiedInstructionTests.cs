using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>Straight-line instructions: copied byte for byte, RIP-relative displacements corrected (X1, X2, X10, X14, X16, X20, I6, I10, I20).</summary>
public class CopiedInstructionTests
{
    [Theory]
    [InlineData("55")] // push %rbp
    [InlineData("f3 0f 1e fa")] // endbr64 (X13)
    [InlineData("54")] // push %rsp (X20)
    [InlineData("8f 44 24 08")] // pop 8(%rsp) (X20)
    [InlineData("ff 34 24")] // push (%rsp) (X20)
    [InlineData("c9")] // leave (X20)
    [InlineData("c8 10 00 01")] // enter $16,$1 (X20)
    [InlineData("9c")] // pushf (X6: no single step, hence no TF)
    [InlineData("9d")] // popf (X6)
    [InlineData("f3 a4")] // rep movsb (X10)
    [InlineData("f2 ae")] // repne scasb (X10)
    [InlineData("f0 ff 07")] // lock incl (%rdi) (X16)
    [InlineData("87 07")] // xchg %eax,(%rdi) (X16)
    [InlineData("0f 0b")] // ud2 (X11): faults at a RIP that is mapped back
    [InlineData("0f 31")] // rdtsc
    [InlineData("0f a2")] // cpuid
    [InlineData("f3 48 0f ae d0")] // wrfsbase %rax (X19)
    [InlineData("8e e0")] // mov %eax,%fs (X19)
    [InlineData("0f 01 ef")] // wrpkru (X21)
    [InlineData("0f ae 28")] // xrstor (%rax) (X21)
    [InlineData("66 66 2e 0f 1f 84 00 00 00 00 00")] // 11-byte nop (X14)
    [InlineData("66 66 66 66 66 66 2e 0f 1f 84 00 00 00 00 00")] // 15-byte nop (X14)
    [InlineData("48 40 89 c1")] // a REX that is overridden by a second one: re-encoding would drop it (I10)
    [InlineData("c4 e1 78 58 c1")] // vaddps with a three-byte VEX that could be two (I10)
    [InlineData("62 f1 7c 48 58 c1")] // vaddps %zmm1,%zmm0,%zmm0
    [InlineData("f3 36 64 a4")] // rep movsb %fs:(%rsi) with a dead prefix (X14, I10)
    [InlineData("f2 f0 0f b1 0f")] // xacquire lock cmpxchg (X14, X17: works outside a transaction)
    [InlineData("d8 c1")] // fadd %st(1)
    public void A_position_independent_instruction_is_copied_byte_for_byte(string hex)
    {
        RelocatedInstruction relocated = Relocation.Accept(hex);
        int length = Relocation.Bytes(hex).Length;
        Assert.Equal(length, relocated.OriginalLength);
        Assert.Equal(Relocation.Hex(Relocation.Bytes(hex)), Relocation.Hex(relocated.Code.AsSpan(0, length)));
        Assert.Equal(0xE9, relocated.Code[length]);
        ulong landing = Relocation.NearSlot + (ulong)relocated.Code.Length + (ulong)BitConverter.ToInt32(relocated.Code, length + 1);
        Assert.Equal(Relocation.Site + (ulong)length, landing);
        Assert.Equal(
            [
                new SlotPosition(0, Relocation.Site, 0, Executed: false, FixRcx: false),
                new SlotPosition(length, Relocation.Site + (ulong)length, 0, Executed: true, FixRcx: false),
            ],
            relocated.Positions);
        Assert.Empty(relocated.Exits);
    }

    [Fact]
    public void The_way_back_is_a_jump_that_touches_no_register()
    {
        // push %rbp; jmp 401001
        Relocation.Gives("55", "55 e9fbefefff");
        // push %rbp; jmp *0(%rip); .quad 401001 (I20: no push/ret)
        Relocation.Gives("55", "55 ff2500000000 0110400000000000", Relocation.FarSlot);
    }

    [Fact]
    public void A_post_handler_gets_an_int3_behind_the_copy()
    {
        RelocatedInstruction relocated = Relocation.Accept("48 89 e5", stopAfter: true);
        Assert.Equal("4889e5cc", Relocation.Hex(relocated.Code));
        Assert.Equal([new SlotExit(3, Relocation.Site + 3)], relocated.Exits);
        // About to run the int3, and having run it, are the same place in the program.
        Assert.Equal(new SlotPosition(3, Relocation.Site + 3, 0, Executed: true, FixRcx: false), relocated.Positions[1]);
        Assert.Equal(new SlotPosition(4, Relocation.Site + 3, 0, Executed: true, FixRcx: false), relocated.Positions[2]);
    }

    [Theory] // The site is 401000, the slot 502000: every displacement shrinks by 101000.
    [InlineData("48 89 05 00 10 10 00", "48890500000000")] // mov %rax,x(%rip) (X1)
    [InlineData("48 0f c7 0d 00 10 10 00", "480fc70d00000000")] // cmpxchg16b x(%rip) (X1)
    [InlineData("c4 e2 63 f6 0d 00 10 10 00", "c4e263f60d00000000")] // mulx x(%rip),%ecx,%ebx (X1)
    [InlineData("ff 35 00 10 10 00", "ff3500000000")] // push x(%rip) (X1)
    [InlineData("62 f1 75 48 72 25 00 10 10 00 05", "62f1754872250000000005")] // EVEX vpsrad $5,x(%rip): an immediate follows (X1)
    [InlineData("41 8b 05 00 10 10 00", "418b0500000000")] // REX.B means nothing here: not %r13 (X2)
    [InlineData("67 8b 05 00 10 10 00", "678b0500000000")] // EIP-relative (X2)
    [InlineData("c7 05 00 10 10 00 78 56 34 12", "c7050000000078563412")] // movl $0x12345678,x(%rip)
    [InlineData("48 8d 05 f9 ef ff ff", "488d05f9dfefff")] // lea -4103(%rip): below the site
    [InlineData("f0 48 0f b1 0d 00 10 10 00", "f0480fb10d00000000")] // lock cmpxchg %rcx,x(%rip)
    [InlineData("66 0f 3a 0f 05 00 10 10 00 08", "660f3a0f050000000008")] // palignr $8,x(%rip)
    public void A_rip_relative_operand_keeps_its_address(string hex, string copy)
    {
        RelocatedInstruction relocated = Relocation.Accept(hex);
        Assert.Equal(copy, Relocation.Hex(relocated.Code.AsSpan(0, relocated.OriginalLength)));
    }

    [Fact]
    public void A_rip_relative_jump_keeps_its_operand_and_nothing_follows_it()
    {
        // jmp *x(%rip) (X1)
        Relocation.Gives("ff 25 00 10 10 00", "ff25 00000000");
        // notrack jmp *x(%rip)
        Relocation.Gives("3e ff 25 00 10 10 00", "3eff25 00000000");
    }

    [Fact]
    public void A_rip_relative_operand_out_of_reach_is_refused_and_names_the_addresses()
    {
        RelocationRefusal refusal = Relocation.Refuse("48 8b 05 00 00 00 00", Relocation.FarSlot);
        Assert.Equal(RelocationRefusalReason.OutOfReach, refusal.Reason);
        Assert.Contains("0x401007", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("48 8b 05 00 00 00 00", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_reach_of_a_rip_relative_operand_ends_exactly_at_two_gibibytes()
    {
        // mov 0(%rip),%rax: the operand is at 401007, counted from the byte after the copy.
        const ulong operand = Relocation.Site + 7;
        Assert.Equal("488b05 00000080", Relocation.Hex(Relocation.Accept("488b0500000000", operand + 0x8000_0000 - 7).Code.AsSpan(0, 7)).Insert(6, " "));
        Assert.Equal(RelocationRefusalReason.OutOfReach, Relocation.Refuse("488b0500000000", operand + 0x8000_0001 - 7).Reason);
        const ulong high = 0x7000_0000_0000;
        Assert.Equal("488b05ffffff7f", Relocation.Hex(Relocation.Accept("488b0500000000", high - 0x7FFF_FFFF - 7, site: high - 7).Code.AsSpan(0, 7)));
        Assert.Equal(RelocationRefusalReason.OutOfReach, Relocation.Refuse("488b0500000000", high - 0x8000_0000 - 7, site: high - 7).Reason);
    }

    [Fact]
    public void An_eip_relative_operand_is_within_reach_of_every_slot()
    {
        // mov x(%eip),%eax: the sum is cut to 32 bits. Slot 7ffff7f00000: 00502007 = f7f00007 + 08602000 (mod 2^32).
        RelocatedInstruction relocated = Relocation.Accept("67 8b 05 00 10 10 00", Relocation.FarSlot);
        Assert.Equal("678b0500206008", Relocation.Hex(relocated.Code.AsSpan(0, 7)));
    }

    [Fact]
    public void A_system_call_leaves_the_original_address_in_rcx()
    {
        RelocatedInstruction relocated = Relocation.Accept("0f 05");
        // syscall; movabs $401002,%rcx; jmp 401002 (X7)
        Assert.Equal("0f0548b90210400000000000e9f1efefff", Relocation.Hex(relocated.Code));
        Assert.Equal(
            [
                new SlotPosition(0, Relocation.Site, 0, Executed: false, FixRcx: false),
                new SlotPosition(2, Relocation.Site + 2, 0, Executed: true, FixRcx: true),
                new SlotPosition(12, Relocation.Site + 2, 0, Executed: true, FixRcx: false),
            ],
            relocated.Positions);
    }

    [Fact]
    public void A_system_call_with_prefixes_can_be_restarted_behind_them()
    {
        // rex.W syscall: the kernel restarts it two bytes back.
        RelocatedInstruction relocated = Relocation.Accept("48 0f 05");
        Assert.Equal([0, 1, 3, 13], relocated.Positions.Select(position => position.Offset));
        Assert.Equal(new SlotPosition(1, Relocation.Site + 1, 0, Executed: false, FixRcx: false), relocated.Positions[1]);
    }

    [Fact]
    public void A_post_handler_of_a_system_call_sees_rcx_already_right()
    {
        RelocatedInstruction relocated = Relocation.Accept("0f 05", stopAfter: true);
        Assert.Equal("0f0548b90210400000000000cc", Relocation.Hex(relocated.Code));
        Assert.Equal([new SlotExit(12, Relocation.Site + 2)], relocated.Exits);
    }
}
