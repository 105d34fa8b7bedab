using System.Text;
using Uprobes.Arming.Trap.X64;

namespace Uprobes.Tests.Arming.Trap;

public sealed class OwnEnvironmentTests
{
    [Fact]
    public void Bytes_that_are_no_utf8_pass_unchanged() =>
        Assert.Equal("413DFF", Merge("A=\u00FF", ("A", "\uFFFD")));

    [Fact]
    public void Order_is_kept_and_new_variables_come_last() =>
        Assert.Equal(Hex("Z=1", "A=2", "N=3"), Merge("Z=1\0A=2\0", ("A", "2"), ("N", "3"), ("Z", "1")));

    [Fact]
    public void Changed_ones_are_replaced_and_removed_ones_left_out() =>
        Assert.Equal(Hex("A=new", "C="), Merge("A=old\0B=gone\0C=\0", ("A", "new"), ("C", "")));

    [Fact]
    public void An_entry_that_names_no_variable_is_inherited_all_the_same() =>
        Assert.Equal(Hex("junk", "=x", "A=1=2"), Merge("junk\0=x\0A=1=2\0", ("A", "1=2")));

    private static string Hex(params string[] entries) => string.Join(' ', entries.Select(entry => Convert.ToHexString(Encoding.Latin1.GetBytes(entry))));

    private static string Merge(string initial, params (string Name, string Value)[] current) => string.Join(' ',
        OwnEnvironment.Merge(Encoding.Latin1.GetBytes(initial), current.ToDictionary(pair => pair.Name, pair => pair.Value)).Select(Convert.ToHexString));
}
