using Uprobes.Arming.Trap;
using Uprobes.Processes;

namespace Uprobes.Tests.Arming.Trap;

public sealed class StackMapTests
{
    private const MappingPermissions ReadWrite = MappingPermissions.Read | MappingPermissions.Write;
    private static readonly Mapping[] Mappings =
    [
        Area(0x10000, 0x20000, "[heap]"),
        Area(0x30000, 0x40000, ""),
        Area(0x50000, 0x60000, ""),
        Area(0x70000, 0x80000, "/lib/x.so"),
        Area(0x90000, 0xa0000, "[stack]"),
    ];

    private readonly StackMap _map = new();

    [Fact]
    public void The_main_thread_has_the_named_stack_down_to_what_is_mapped_below()
    {
        StackExtent own = StackMap.OwnStack(Mappings, isMain: true, fsBase: 0x35000)!.Value;
        Assert.Equal(new StackExtent(0x80000, 0xa0000, StackOwner.Thread), own);
    }

    [Fact]
    public void Another_thread_has_the_memory_below_its_control_block()
    {
        Assert.Equal(new StackExtent(0x30000, 0x3f000, StackOwner.Thread), StackMap.OwnStack(Mappings, isMain: false, fsBase: 0x3f000));
        Assert.Null(StackMap.OwnStack(Mappings, isMain: false, fsBase: 0x15000));
    }

    [Fact]
    public void Anonymous_memory_is_one_stack_unless_coroutines_live_in_it()
    {
        Assert.True(_map.TryFind(0x58000, null, () => Mappings, out StackExtent extent));
        Assert.Equal(new StackExtent(0x50000, 0x60000, StackOwner.Other), extent);
        _map.AddCoroutine(0x51000, 0x1000);
        Assert.False(_map.TryFind(0x58000, null, () => Mappings, out _));
        Assert.True(_map.TryFind(0x51800, null, () => Mappings, out extent));
        Assert.Equal(new StackExtent(0x51000, 0x52000, StackOwner.Coroutine), extent);
    }

    [Theory]
    [InlineData(0x18000)]
    [InlineData(0x25000)]
    [InlineData(0x75000)]
    public void The_heap_a_file_and_what_is_not_mapped_are_no_known_stacks(ulong stackPointer) =>
        Assert.False(_map.TryFind(stackPointer, null, () => Mappings, out _));

    [Fact]
    public void An_empty_stack_belongs_to_the_coroutine_that_ends_there()
    {
        _map.AddCoroutine(0x1000, 0x1000);
        _map.AddCoroutine(0x2000, 0x1000);
        Assert.True(_map.TryFindKnown(0x2000, null, out StackExtent extent));
        Assert.Equal(0x1000UL, extent.Low);
        Assert.True(_map.TryFindKnown(0x2008, null, out extent));
        Assert.Equal(0x2000UL, extent.Low);
        Assert.False(_map.IsInCoroutine(0x1000));
    }

    [Fact]
    public void A_new_coroutine_takes_the_place_of_all_that_it_overlaps()
    {
        for (ulong low = 0x1000; low < 0x6000; low += 0x1000)
            _map.AddCoroutine(low, 0x1000);
        _map.AddCoroutine(0x2800, 0x2000);
        Assert.True(_map.IsInCoroutine(0x1800));
        Assert.False(_map.IsInCoroutine(0x2700));
        Assert.True(_map.IsInCoroutine(0x4800));
        Assert.False(_map.IsInCoroutine(0x4900));
        Assert.True(_map.IsInCoroutine(0x5800));
    }

    private static Mapping Area(ulong start, ulong end, string path) =>
        new(start, end, ReadWrite, 0, 0, path.StartsWith('/') ? 7UL : 0, path, false);
}
