using Uprobes.Processes;

namespace Uprobes.Tests.Processes;

/// <summary>How a shadow stack is recognised, from texts as the kernel writes them.</summary>
public class ShadowStackTests
{
    private const string Start = "Name:\tx86_Thread_features: shstk\nState:\tS (sleeping)\nTgid:\t7\n", End = "x86_Thread_features_locked:\tshstk wrss \n";

    [Fact]
    public void A_thread_with_a_shadow_stack_is_known_by_its_features() => Assert.True(Parse("x86_Thread_features:\tshstk \n"));

    [Fact]
    public void Features_that_are_locked_or_in_the_name_are_not_in_use()
    {
        Assert.False(Parse("x86_Thread_features:\t\n"));
        Assert.False(Parse(""));
    }

    [Theory]
    [InlineData("flags\t\t: fpu vme user_shstk ibt", true)]
    [InlineData("flags\t\t: fpu vme user_shstk", true)]
    [InlineData("flags\t\t: fpu vme shstk", false)]
    [InlineData("bugs\t\t: user_shstk", false)]
    public void A_machine_that_can_give_one_lists_it(string line, bool expected) =>
        Assert.Equal(expected, ShadowStacks.IsListed(["processor\t: 0", line, ""]));

    private static bool Parse(string features) => ThreadStatus.Parse(System.Text.Encoding.ASCII.GetBytes(Start + features + End)).HasShadowStack;
}
