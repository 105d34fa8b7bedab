using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>What cannot be a site, each with its own reason (X3, X4, X7, X8, X9, X15, X17, X22, K1, L7).</summary>
public class InstructionPolicyTests
{
    [Theory]
    [InlineData("cc", nameof(RelocationRefusalReason.OwnBreakpoint))] // int3 (X8)
    [InlineData("cd 03", nameof(RelocationRefusalReason.OwnBreakpoint))] // int $3, two bytes (X8)
    [InlineData("cd 80", nameof(RelocationRefusalReason.SoftwareInterrupt))] // int $0x80 (X8)
    [InlineData("f1", nameof(RelocationRefusalReason.SoftwareInterrupt))] // int1 (X8)
    [InlineData("ce c0", nameof(RelocationRefusalReason.Undecodable))] // into: not in 64-bit mode
    [InlineData("e4 10", nameof(RelocationRefusalReason.PortIo))] // in $16,%al
    [InlineData("ef", nameof(RelocationRefusalReason.PortIo))] // out %eax,(%dx)
    [InlineData("f3 6c", nameof(RelocationRefusalReason.PortIo))] // rep insb
    [InlineData("6f", nameof(RelocationRefusalReason.PortIo))] // outsd
    [InlineData("f4", nameof(RelocationRefusalReason.Privileged))] // hlt
    [InlineData("fa", nameof(RelocationRefusalReason.Privileged))] // cli
    [InlineData("fb", nameof(RelocationRefusalReason.Privileged))] // sti
    [InlineData("0f 30", nameof(RelocationRefusalReason.Privileged))] // wrmsr
    [InlineData("0f 22 c0", nameof(RelocationRefusalReason.Privileged))] // mov %rax,%cr0
    [InlineData("48 0f 07", nameof(RelocationRefusalReason.Privileged))] // sysretq
    [InlineData("0f 01 d9", nameof(RelocationRefusalReason.Privileged))] // vmmcall
    [InlineData("cb", nameof(RelocationRefusalReason.FarTransfer))] // lret (X4)
    [InlineData("ca 10 00", nameof(RelocationRefusalReason.FarTransfer))] // lret $16 (X4)
    [InlineData("48 cf", nameof(RelocationRefusalReason.FarTransfer))] // iretq (X4)
    [InlineData("ff 28", nameof(RelocationRefusalReason.FarTransfer))] // ljmp *(%rax) (X8)
    [InlineData("ff 18", nameof(RelocationRefusalReason.FarTransfer))] // lcall *(%rax) (X8)
    [InlineData("f3 0f 01 ec", nameof(RelocationRefusalReason.FarTransfer))] // uiret
    [InlineData("0f 34", nameof(RelocationRefusalReason.Sysenter))] // sysenter (X8)
    [InlineData("8e d0", nameof(RelocationRefusalReason.StackSegmentLoad))] // mov %eax,%ss (X9)
    [InlineData("8e 10", nameof(RelocationRefusalReason.StackSegmentLoad))] // mov (%rax),%ss (X9)
    [InlineData("c7 f8 00 00 00 00", nameof(RelocationRefusalReason.Transactional))] // xbegin (X17)
    [InlineData("c6 f8 01", nameof(RelocationRefusalReason.Transactional))] // xabort $1 (X17)
    [InlineData("0f 01 d5", nameof(RelocationRefusalReason.Transactional))] // xend (X17)
    [InlineData("0f 01 d7", nameof(RelocationRefusalReason.EnclaveEntry))] // enclu
    [InlineData("66 e8 00 00 00 00", nameof(RelocationRefusalReason.OperandSizeBranch))] // data16 call (X3, I9)
    [InlineData("66 e9 00 00 00 00", nameof(RelocationRefusalReason.OperandSizeBranch))]
    [InlineData("66 74 10", nameof(RelocationRefusalReason.OperandSizeBranch))]
    [InlineData("66 0f 84 00 00 00 00", nameof(RelocationRefusalReason.OperandSizeBranch))]
    [InlineData("66 e2 10", nameof(RelocationRefusalReason.OperandSizeBranch))]
    [InlineData("66 e3 10", nameof(RelocationRefusalReason.OperandSizeBranch))]
    [InlineData("66 c3", nameof(RelocationRefusalReason.OperandSizeBranch))]
    [InlineData("66 ff e0", nameof(RelocationRefusalReason.OperandSizeBranch))]
    [InlineData("66 ff d0", nameof(RelocationRefusalReason.OperandSizeBranch))]
    [InlineData("48 66 c3", nameof(RelocationRefusalReason.OperandSizeBranch))] // a REX before 66 counts for nothing
    [InlineData("ff d4", nameof(RelocationRefusalReason.StackPointerCall))] // call *%rsp (X3)
    [InlineData("ff 54 24 f8", nameof(RelocationRefusalReason.StackPointerCall))] // call *-8(%rsp)
    [InlineData("ff 54 24 f1", nameof(RelocationRefusalReason.StackPointerCall))] // call *-15(%rsp)
    [InlineData("ff 94 24 ff ff ff 7f", nameof(RelocationRefusalReason.StackPointerCall))] // call *0x7fffffff(%rsp)
    [InlineData("48 c7 c0 0f 00 00 00 0f 05", nameof(RelocationRefusalReason.SignalReturnTrampoline))] // __restore_rt (L7)
    [InlineData("d5 10 8b c1", nameof(RelocationRefusalReason.Undecodable))] // APX REX2 (X22)
    [InlineData("62 fc 7c 08 01 c8 00", nameof(RelocationRefusalReason.Undecodable))] // EVEX map 4 (APX) (X22)
    [InlineData("06 c0", nameof(RelocationRefusalReason.Undecodable))] // push %es: not in 64-bit mode
    [InlineData("f0 90", nameof(RelocationRefusalReason.Undecodable))] // lock nop
    [InlineData("66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", nameof(RelocationRefusalReason.Undecodable))] // 16 bytes (X14)
    [InlineData("", nameof(RelocationRefusalReason.Truncated))] // (X15)
    [InlineData("48 8b 05 00 00", nameof(RelocationRefusalReason.Truncated))] // (X15)
    [InlineData("0f", nameof(RelocationRefusalReason.Truncated))] // (X15)
    public void An_instruction_that_cannot_be_a_site_is_refused_with_its_own_reason(string hex, string reason)
    {
        RelocationRefusal refusal = Relocation.Refuse(hex);
        Assert.Equal(reason, refusal.Reason.ToString());
        Assert.Contains("0x401000", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        Assert.False(InstructionRelocator.TryInspect(Relocation.Bytes(hex), Relocation.Site, out InspectedInstruction inspected, out RelocationRefusal? same));
        Assert.Equal(refusal, same);
        Assert.Equal(default, inspected);
    }

    [Theory]
    [InlineData("ff 54 24 f0")] // call *-16(%rsp): just below the pushed word
    [InlineData("ff 94 24 f7 ff ff 7f")] // the largest displacement that can move
    [InlineData("48 8e d8")] // mov %rax,%ds
    [InlineData("66 48 e8 00 00 00 00")] // REX.W goes before 66
    [InlineData("48 c7 c0 0f 00 00 00 90 90")] // mov $15,%rax without the syscall
    [InlineData("cd 20 ", false)]
    public void The_limits_of_the_policy_are_exact(string hex, bool accepted = true) =>
        Assert.Equal(accepted, InstructionRelocator.TryInspect(Relocation.Bytes(hex), Relocation.Site, out _, out _));

    [Fact]
    public void The_signal_return_sequence_covers_both_its_instructions()
    {
        byte[] text = Relocation.Bytes("90 48c7c00f000000 0f05 90");
        Assert.False(SignalReturn.Covers(text, 0));
        for (int offset = 1; offset <= 9; offset++)
            Assert.True(SignalReturn.Covers(text, offset));
        Assert.False(SignalReturn.Covers(text, 10));
    }

    [Fact]
    public void An_inspection_tells_what_the_slot_must_be_near_to()
    {
        Assert.True(InstructionRelocator.TryInspect(Relocation.Bytes("488b0500100000"), Relocation.Site, out InspectedInstruction load, out _));
        Assert.Equal(new InspectedInstruction(7, ControlFlowKind.StraightLine, Relocation.Site + 0x1007), load);
        Assert.True(InstructionRelocator.TryInspect(Relocation.Bytes("678b0500100000"), Relocation.Site, out InspectedInstruction eip, out _));
        Assert.Null(eip.DataReach);
        Assert.True(InstructionRelocator.TryInspect(Relocation.Bytes("0f05"), Relocation.Site, out InspectedInstruction syscall, out _));
        Assert.True(syscall.IsSyscall);
        Assert.True(InstructionRelocator.TryInspect(Relocation.Bytes("ff1500100000"), Relocation.Site, out InspectedInstruction call, out _));
        Assert.Equal(new InspectedInstruction(6, ControlFlowKind.IndirectCall, Relocation.Site + 0x1006), call);
    }
}
