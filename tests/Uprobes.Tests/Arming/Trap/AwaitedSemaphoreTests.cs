using Uprobes.Arming.Trap;
using Uprobes.Images;
using Uprobes.Processes;

namespace Uprobes.Tests.Arming.Trap;

/// <summary>Semaphores whose memory does not come are told of once, and not looked for any more.</summary>
public sealed class AwaitedSemaphoreTests
{
    private const ulong Address = 0x5010;
    private static readonly SemaphoreFile File = new(8, 77, new FileOffset(0x3010));
    private static readonly Dictionary<ulong, SemaphoreFile> Missing = new() { [Address] = File };
    private static readonly Dictionary<ulong, SemaphoreFile> None = [];
    private readonly AwaitedSemaphores _awaited = new();

    [Fact]
    public void One_that_does_not_come_is_told_of_once_and_given_up()
    {
        List<string> told = [];
        for (int look = 1; look <= 3 * AwaitedSemaphores.MostLooks; look++)
        {
            told.AddRange(_awaited.Look(Missing, NotHeld, [Mapped("r--p")]).Select(t => t.Problem));
            Assert.Equal(look < AwaitedSemaphores.MostLooks, _awaited.Any);
        }

        Assert.Equal(["the memory there is read-only"], told);
        Assert.Empty(_awaited.Look(None, NotHeld, []));
        Assert.True(_awaited.IsEmpty);
    }

    [Fact]
    public void One_in_shared_memory_is_given_up_at_once()
    {
        (ulong address, string problem) = Assert.Single(_awaited.Look(Missing, NotHeld, [Mapped("rw-s")]));
        Assert.Equal((Address, "the file is mapped there so that writing would change it for all"), (address, problem));
        Assert.False(_awaited.Any);
    }

    [Fact]
    public void One_that_comes_is_not_told_of()
    {
        Assert.Empty(_awaited.Look(Missing, NotHeld, []));
        Assert.True(_awaited.Any);
        Assert.Empty(_awaited.Look(None, address => address == Address, [Mapped("rw-p")]));
        Assert.True(_awaited.IsEmpty);
    }

    [Fact]
    public void One_that_was_awaited_in_vain_is_told_of_when_nobody_wants_it_any_more()
    {
        Assert.Empty(_awaited.Look(Missing, NotHeld, []));
        Assert.Equal([(Address, "that part of its file is not mapped there")], _awaited.Look(None, NotHeld, []));
        Assert.True(_awaited.IsEmpty);
    }

    private static bool NotHeld(ulong address) => false;

    private static Mapping Mapped(string permissions) =>
        Assert.Single(MappingParser.Parse(System.Text.Encoding.ASCII.GetBytes($"5000-6000 {permissions} 00003000 00:08 77 /lib/x.so\n")));
}
