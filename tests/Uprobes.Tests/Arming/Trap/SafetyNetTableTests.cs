using System.Buffers.Binary;
using CsCheck;
using Iced.Intel;
using Uprobes.Arming.Trap.X64;

namespace Uprobes.Tests.Arming.Trap;

public sealed class SafetyNetTableTests
{
    /// <summary>Changes drawn from few traps, so that adding, changing and removing the same one are frequent.</summary>
    private static readonly Gen<(bool Add, ulong Trap, ulong Resume)[]> Changes =
        Gen.Select(Gen.Bool, Gen.ULong[0x1000, 0x1030], Gen.ULong[1, 1000]).Array[0, 300];

    [Fact]
    public void The_target_repeats_the_mirror_and_the_mirror_answers_as_a_dictionary_does() => Changes.Sample(changes =>
    {
        var table = new SafetyNetTable(64);
        var model = new Dictionary<ulong, ulong>();
        byte[] target = new byte[SafetyNetTable.SizeInBytes(64)];
        foreach ((bool add, ulong trap, ulong resume) in changes)
        {
            TableWrite? write = null;
            if (!add)
            {
                write = table.Remove(trap);
                Assert.Equal(model.Remove(trap), write is not null);
            }
            else if (model.ContainsKey(trap) || !table.IsFull)
            {
                write = table.Set(trap, resume);
                model[trap] = resume;
            }
            write?.Bytes.CopyTo(target.AsMemory(write.Value.Offset));
            Assert.Equal(table.Image.ToArray(), target);
            Assert.Equal(model.Count, table.Count);
            for (ulong any = 0x1000; any <= 0x1030; any++)
                Assert.Equal(model.GetValueOrDefault(any), Lookup(target, 64, any));
        }
    });

    [Fact]
    public void Many_set_at_once_are_found_like_many_set_singly() => Gen.ULong[1, 1ul << 47].HashSet[0, 100].Sample(traps =>
    {
        var table = new SafetyNetTable(SafetyNetTable.CapacityFor(traps.Count));
        byte[] target = new byte[table.Image.Length];
        TableWrite write = table.SetMany(traps.ToDictionary(trap => trap, trap => trap ^ 1));
        write.Bytes.CopyTo(target.AsMemory(write.Offset));
        Assert.Equal(table.Image.ToArray(), target);
        Assert.False(table.IsFull);
        Assert.All(traps, trap => Assert.Equal(trap ^ 1, Lookup(target, table.Capacity, trap)));
    });

    [Fact]
    public void A_full_table_refuses_a_new_trap_and_still_changes_an_old_one()
    {
        var table = new SafetyNetTable(4);
        table.Set(10, 1);
        table.Set(20, 2);
        table.Set(30, 3);
        Assert.True(table.IsFull);
        Assert.Throws<InvalidOperationException>(() => table.Set(40, 4));
        Assert.Throws<InvalidOperationException>(() => table.SetMany(new Dictionary<ulong, ulong> { [10] = 9, [40] = 4 }));
        Assert.True(table.TryGet(10, out ulong resume));
        Assert.Equal(1u, resume);
        table.Set(10, 5);
        Assert.True(table.TryGet(10, out resume));
        Assert.Equal(5u, resume);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(3u)]
    [InlineData(1u << 25)]
    public void A_capacity_must_be_a_power_of_two_in_range(uint capacity) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SafetyNetTable(capacity));

    [Fact]
    public void The_handler_touches_general_registers_only_and_no_stack()
    {
        byte[] code = SafetyNetCode.Emit(0x7000_0000, 0x7100_0000, 1024, originallyIgnored: true, out int restorerOffset);
        Assert.Equal([0x48, 0xC7, 0xC0, 0x0F, 0, 0, 0, 0x0F, 0x05], code[restorerOffset..(restorerOffset + 9)]);
        var factory = new InstructionInfoFactory();
        var decoder = Decoder.Create(64, code[..(restorerOffset + 9)], 0x7000_0000);
        while (decoder.IP < 0x7000_0000 + (ulong)restorerOffset + 9)
        {
            Instruction instruction = decoder.Decode();
            Assert.NotEqual(Code.INVALID, instruction.Code);
            Assert.True(!instruction.IsStackInstruction || instruction.Mnemonic == Mnemonic.Ret, instruction.ToString());
            Assert.All(factory.GetInfo(instruction).GetUsedRegisters(),
                used => Assert.True(used.Register.IsGPR() || used.Register.IsSegmentRegister(), instruction.ToString()));
        }
    }

    /// <summary>As the handler looks a trap up; 0 for none.</summary>
    private static ulong Lookup(byte[] table, uint capacity, ulong trap)
    {
        ulong key = trap + 1;
        uint index = (uint)((key * SafetyNetCode.HashMultiplier) >> (64 - (int)uint.Log2(capacity)));
        for (uint probes = 0; probes < capacity; probes++, index = (index + 1) & (capacity - 1))
        {
            Span<byte> entry = table.AsSpan((int)index * SafetyNetTable.EntrySize, SafetyNetTable.EntrySize);
            ulong found = BinaryPrimitives.ReadUInt64LittleEndian(entry);
            if (found == key)
                return BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]);
            if (found == 0)
                return 0;
        }
        return 0;
    }
}
