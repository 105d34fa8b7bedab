using Uprobes.Arming.Inline;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Programs.X64;

namespace Uprobes.Tests.Arming.Inline;

/// <summary>Code of a group, made once for all its probes in an address space.</summary>
public sealed class ProgramSpaceTests
{
    private static readonly ProgramGroup Group = new()
    {
        Entry = new ProbeProgram([new FollowCall([])], []),
        Return = new ProbeProgram([new Aggregate(0, [], null)], []),
        Maps = [new MapDefinition("count", AggregateKind.Count, DataType.U64, [], 1)],
    };

    [Fact]
    public void A_forked_copy_whose_call_table_lies_elsewhere_has_code_of_its_own()
    {
        ChannelLayout layout = Group.LayoutFor(1);
        using ChannelMemory memory = ChannelMemory.CreatePrivate(layout);
        using var run = new Uprobes.Arming.Inline.ProgramRun(Group, 1);
        ProgramSpace parent = new(run, new CodeEnvironment(0x1000_0000, layout, 0x2000_0000, Calls: null), memory);
        ProgramSpace child = parent with { Users = 0 };
        CallTable here = new(0x3000_0000, 0x4000_0000, 1024), there = new(0x5000_0000, 0x6000_0000, 1024);
        ProgramCodes first = parent.CodesOf(Group, here);
        Assert.Same(first, parent.CodesOf(Group, new CallTable(0x3000_0000, 0x4000_0000, 1024)));
        Assert.NotEqual(first.Entry.Code, child.CodesOf(Group, there).Entry.Code);
        Assert.Equal(first.Entry.Code, parent.CodesOf(Group, here).Entry.Code);
    }
}
