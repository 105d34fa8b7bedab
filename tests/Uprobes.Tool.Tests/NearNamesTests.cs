using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Tests;

public sealed class NearNamesTests
{
    [Theory]
    [InlineData("", "abc", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("MALLOC", "malloc", 0)]
    [InlineData("same", "same", 0)]
    public void The_distance_counts_changes_of_letters(string left, string right, int distance) =>
        Assert.Equal(distance, NearNames.Distance(left, right));

    [Fact]
    public void At_most_three_are_named_nearest_first() =>
        Assert.Equal(["malloc", "calloc", "mallocx"], NearNames.Find("mallok", ["mallocxy", "calloc", "mallocx", "malloc", "valloc", "free"]));

    [Fact]
    public void What_has_little_in_common_is_not_named() => Assert.Null(NearNames.Hint("open", ["sqlite3_open_v2", "read"]));
}
