using Uprobes.Linux;

namespace Uprobes.Tests.Linux;

public sealed class LeaseTableTests
{
    private static readonly string[] Text =
    [
        "1: FLOCK  ADVISORY  WRITE 312 fe:00:42 0 EOF",
        "1: -> FLOCK  ADVISORY  WRITE 313 fe:00:42 0 EOF",
        "2: LEASE  BREAKING  UNLCK 700 fe:00:42 0 EOF",
        "2: -> LEASE  BREAKER   WRITE 701 <none>:0 0 EOF",
        "2:  -> LEASE  BREAKER   WRITE 702 <none>:0 0 EOF",
        "3: LEASE  ACTIVE    READ 700 fe:00:421 0 EOF",
        "4: LEASE  ACTIVE    READ 703 fe:00:42 0 EOF",
    ];

    [Theory]
    [InlineData("fe:00:42", 2, 2)]
    [InlineData("fe:00:421", 1, 0)]
    [InlineData("fe:00:4", 0, 0)]
    public void Leases_and_their_waiting_writers_are_counted_per_file(string file, int leases, int writers) =>
        Assert.Equal(new LeaseTable(leases, writers), LeaseTable.Parse(Text, file));

    [Fact]
    public void Lines_of_other_shapes_count_nothing() =>
        Assert.Equal(default, LeaseTable.Parse(["", "->", "1:", "1: LEASE", "1: -> x"], "fe:00:42"));
}
