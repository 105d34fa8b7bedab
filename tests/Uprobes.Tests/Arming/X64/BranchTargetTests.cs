using System.Buffers.Binary;
using Uprobes.Arming.X64;
using Uprobes.Linux;

namespace Uprobes.Tests.Arming.X64;

/// <summary>Where branches go whose slot cannot stop afterwards.</summary>
public class BranchTargetTests
{
    private const ulong Stack = 0x7FFE_0000_1000;

    private static readonly UserRegisters Registers = new()
    {
        Rsp = Stack, Rax = 0x0040_5000, Rbx = 0xFFFF_FFFF_0000_2000, Rcx = 3, R12 = 0x6000, FsBase = 0x7000_0000, GsBase = 0x7100_0000,
    };

    [Theory]
    [InlineData("c3", Stack, 8)] // ret
    [InlineData("c2 10 00", Stack, 24)] // ret $16
    [InlineData("ff 64 24 08", Stack + 8, 0)] // jmp *8(%rsp)
    [InlineData("ff 54 24 08", Stack + 8, -8)] // call *8(%rsp): with RSP before the push
    [InlineData("ff 54 24 f8", Stack - 8, -8)] // call *-8(%rsp): read before it is overwritten
    [InlineData("ff 24 c8", 0x0040_5018UL, 0)] // jmp *(%rax,%rcx,8)
    [InlineData("ff 24 cd 00 00 40 00", 0x0040_0018UL, 0)] // jmp *0x400000(,%rcx,8)
    [InlineData("67 ff 23", 0x2000UL, 0)] // jmp *(%ebx)
    [InlineData("67 ff 63 f0", 0x1FF0UL, 0)] // jmp *-16(%ebx)
    [InlineData("64 ff 24 25 10 00 00 00", 0x7000_0010UL, 0)] // jmp *%fs:16
    [InlineData("65 41 ff 14 24", 0x7100_6000UL, -8)] // call *%gs:(%r12)
    [InlineData("ff 25 00 10 00 00", Relocation.Site + 0x1006, 0)] // jmp *x(%rip)
    [InlineData("67 ff 25 00 10 00 00", Relocation.Site + 0x1007, 0)] // jmp *x(%eip)
    public void A_target_in_memory_is_read_from_where_the_processor_reads_it(string hex, ulong place, int stackChange)
    {
        int Read(ulong address, Span<byte> destination)
        {
            Assert.Equal(place, address);
            BinaryPrimitives.WriteUInt64LittleEndian(destination, 0x1234_5678);
            return destination.Length;
        }

        byte[] bytes = Relocation.Bytes(hex);
        Assert.True(BranchTargets.TryEvaluate(bytes, Relocation.Site, Registers, Read, out ulong rip, out ulong rsp, out ulong? pushed));
        Assert.Equal(0x1234_5678UL, rip);
        Assert.Equal(Stack + (ulong)stackChange, rsp);
        Assert.Equal(stackChange < 0 ? Relocation.Site + (ulong)bytes.Length : null, pushed);
    }

    [Theory]
    [InlineData("ff e0", 0x0040_5000UL, false)] // jmp *%rax
    [InlineData("41 ff d4", 0x6000UL, true)] // call *%r12
    [InlineData("ff d4", Stack, true)] // call *%rsp: the value before the push
    [InlineData("e8 00 01 00 00", Relocation.Site + 0x105, true)] // call
    [InlineData("eb 10", Relocation.Site + 0x12, false)] // jmp
    public void A_target_in_a_register_or_in_the_code_needs_no_memory(string hex, ulong target, bool call)
    {
        byte[] bytes = Relocation.Bytes(hex);
        Assert.True(BranchTargets.TryEvaluate(bytes, Relocation.Site, Registers, NoMemory, out ulong rip, out _, out ulong? pushed));
        Assert.Equal(target, rip);
        Assert.Equal(call, pushed.HasValue);
    }

    [Theory]
    [InlineData("c3")] // the stack is not readable
    [InlineData("ff 23")] // jmp *(%rbx): not readable
    [InlineData("ff e3")] // jmp *%rbx: no user address, the processor faults at the jump (X4)
    [InlineData("74 10")] // its slot can stop
    [InlineData("90")]
    [InlineData("cb")]
    [InlineData("66 c3")]
    [InlineData("ff")]
    public void What_faults_or_is_no_such_branch_is_left_to_the_slot(string hex) =>
        Assert.False(BranchTargets.TryEvaluate(Relocation.Bytes(hex), Relocation.Site, Registers, NoMemory, out _, out _, out _));

    private static int NoMemory(ulong address, Span<byte> destination) => 0;
}
