using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using Uprobes.Images;

namespace Uprobes.Tests.Images;

/// <summary>Patterns match as the shell's do.</summary>
public sealed class GlobTests
{
    [Theory]
    [InlineData("*", "", true)]
    [InlineData("a*c", "abbbc", true)]
    [InlineData("a*c", "abbbcd", false)]
    [InlineData("?", "", false)]
    [InlineData("PyDict_[GS]et*", "PyDict_GetItem", true)]
    [InlineData("[!a-c]x", "bx", false)]
    [InlineData("[!a-c]x", "dx", true)]
    [InlineData("[]]", "]", true)]
    [InlineData("[a", "[a", true)]
    [InlineData("[^a]", "b", true)]
    [InlineData("a.b", "axb", false)]
    [InlineData("Malloc", "malloc", false)]
    public void Cases(string pattern, string text, bool expected) => Assert.Equal(expected, new GlobPattern(pattern).IsMatch(text));

    [Fact]
    public void A_pattern_agrees_with_the_regular_expression_of_the_same_meaning() =>
        Check.Sample(Gen.Select(Gen.String[Gen.Char["ab*?"], 0, 8], Gen.String[Gen.Char["ab"], 0, 10]), (pattern, text) =>
        {
            var regex = new StringBuilder("^");
            foreach (char c in pattern)
                regex.Append(c switch { '*' => ".*", '?' => ".", _ => c.ToString() });
            return new GlobPattern(pattern).IsMatch(text) == Regex.IsMatch(text, regex.Append('$').ToString());
        }, iter: 20_000);

    [Fact]
    public void Many_stars_do_not_take_exponential_time() =>
        Assert.False(new GlobPattern(string.Concat(Enumerable.Repeat("a*", 200)) + "b").IsMatch(new string('a', 5000)));
}
