using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Tool.Filters;

namespace Uprobes.Tool.Tests;

/// <summary>What filters mean, and what is told about those that mean nothing.</summary>
public sealed class FilterTests
{
    [Theory]
    [InlineData("arg0 > 4096", "((i64)arg0 > 4096)")]
    [InlineData("arg0 < 0", "((i64)arg0 < 0)")]
    [InlineData("arg0 == -1", "((i64)arg0 == -1)")]
    [InlineData("arg0 >= 64K", "((i64)arg0 >= 65536)")]
    [InlineData("arg1 == 0x1f || arg2 == 3M", "(((i64)arg1 == 31) || ((i64)arg2 == 3145728))")]
    [InlineData("pid == 12 && tid != 13", "(((i64)pid == 12) && ((i64)tid != 13))")]
    [InlineData("1 | 2 ^ 3 & 4", "(1 | (2 ^ (3 & 4)))")]
    [InlineData("arg0 & 1 == 1", "((i64)arg0 & (i64)(1 == 1))")]
    [InlineData("(arg0 & 1) == 1", "(((i64)arg0 & 1) == 1)")]
    [InlineData("1 + 2 * 3 - 4 - 5", "(((1 + (2 * 3)) - 4) - 5)")]
    [InlineData("1 << 2 + 3 >> 1", "((1 << (2 + 3)) >> 1)")]
    [InlineData("!arg0", "!(i64)arg0")]
    [InlineData("~arg0 % 8", "(~(i64)arg0 % 8)")]
    [InlineData("reg(\"r10\") == 'a'", "((i64)r10 == 97)")]
    [InlineData("'\\n' + '\\x41' + '\\0'", "((10 + 65) + 0)")]
    [InlineData("*arg0", "i64[(i64)arg0]")]
    [InlineData("**arg0 == 1", "(i64[i64[(i64)arg0]] == 1)")]
    [InlineData("*(arg0 + 8) > 0", "(i64[((i64)arg0 + 8)] > 0)")]
    [InlineData("(uint8)*arg0 == 255", "((i64)u8[(i64)arg0] == 255)")]
    [InlineData("(int32)arg0 < 0", "((i64)(i32)arg0 < 0)")]
    [InlineData("(uint64)arg0 > 5", "(arg0 > 5u64)")]
    [InlineData("(uint64)arg0 > arg1", "(arg0 > arg1)")]
    [InlineData("arg0 == 0xffffffffffffffff", "(arg0 == 18446744073709551615u64)")]
    [InlineData("-9223372036854775808 < arg0", "(-9223372036854775808 < (i64)arg0)")]
    [InlineData("str(arg0) == \"etc\"", "(text8[(i64)arg0] == \"etc\"text8)")]
    [InlineData("str(arg0) != \"12345678\"", "(text16[(i64)arg0] != \"12345678\"text16)")]
    [InlineData("\"a\\x01\" == str(arg1)", "(\"a\\x01\"text8 == text8[(i64)arg1])")]
    [InlineData("str(arg0) == str(arg1)", "(text256[(i64)arg0] == text256[(i64)arg1])")]
    public void A_filter_means_what_it_means_in_C(string filter, string expression) =>
        Assert.Equal(expression, ExpressionPrinter.Print(FilterExpression.Parse(filter, FilterNames.Entry)));

    [Theory]
    [InlineData("duration > 10us", "(duration > 10000)")]
    [InlineData("duration >= 2ms || duration < 5ns", "((duration >= 2000000) || (duration < 5))")]
    [InlineData("duration > 1s && retval == 0", "((duration > 1000000000) && ((i64)retval == 0))")]
    [InlineData("retval < arg3 + arg1", "((i64)retval < ((i64)word1 + (i64)word0))")]
    public void A_filter_at_the_return_sees_what_was_kept(string filter, string expression)
    {
        IReadOnlyList<int> kept = FilterExpression.ArgumentsIn(filter);
        Assert.Equal(expression, ExpressionPrinter.Print(FilterExpression.Parse(filter, FilterNames.Return(kept))));
    }

    [Fact]
    public void The_arguments_of_a_filter_are_found() =>
        Assert.Equal([1, 2, 9], FilterExpression.ArgumentsIn("arg9 > 0 && (str(arg1) == \"arg5\" || (int32)*-arg2 == arg1)"));

    [Fact]
    public void A_long_chain_stays_flat()
    {
        string filter = string.Join(" || ", Enumerable.Range(0, 100).Select(i => $"arg0 == {i}"));
        Expression expression = FilterExpression.Parse(filter, FilterNames.Entry);
        Assert.Equal(DataType.Boolean, expression.Type);
    }

    [Theory]
    [InlineData("", 1, "ends too soon; expected a value such as arg0, 4096 or (EXPRESSION)")]
    [InlineData("arg0 >", 7, "ends too soon; expected a value such as arg0, 4096 or (EXPRESSION)")]
    [InlineData("arg0 > > 3", 8, "unexpected `>`; expected a value such as arg0, 4096 or (EXPRESSION)")]
    [InlineData("arg0 arg1", 6, "unexpected `arg1`; expected an operator or the end")]
    [InlineData("(arg0 arg1)", 7, "unexpected `arg1`; expected an operator or `)`")]
    [InlineData("(arg0 > 1", 10, "ends too soon; expected an operator or `)`")]
    [InlineData("arg0 = 1", 6, "`=` is not an operator; expected `==`")]
    [InlineData("arg0 == \"x", 9, "what begins with \" does not end; expected another \"")]
    [InlineData("arg0 @ 3", 6, "`@` is not part of filters; expected a value or an operator")]
    [InlineData("arg0[1]", 5, "there are no indices; expected *(arg0 + 8) to read memory")]
    [InlineData("duration > 1.5ms", 13, "there are no fractions; expected a smaller unit, such as 1500us")]
    [InlineData("1 + argo", 5, "there is no `argo`; expected arg0")]
    [InlineData("retval == 0", 1, "retval is known only when the call returns")]
    [InlineData("12abc", 1, "`12abc` is not a number of 64 bits; expected one such as 42, 0x2a, 64K or 10us")]
    [InlineData("010", 1, "`010` is not a number of 64 bits; expected one such as 42, 0x2a, 64K or 10us")]
    [InlineData("17179869184G", 1, "`17179869184G` is not a number of 64 bits; expected one such as 42, 0x2a, 64K or 10us")]
    [InlineData("'ab'", 1, "'ab' is not one character; expected one such as 'a', '\\n' or '\\x41'")]
    [InlineData("1 + str(arg0)", 3, "`+` is not for texts; expected == or !=")]
    [InlineData("1 || str(arg0)", 6, "str(...) is a text; expected a comparison such as str(arg0) == \"text\"")]
    [InlineData("str(arg0) < \"a\"", 11, "`<` is not for texts; expected == or !=")]
    [InlineData("arg0 == \"a\"", 6, "a number is compared with a text; expected str(ADDRESS) on the number's side")]
    [InlineData("str(arg0) == \"\\q\"", 14, "has an escape that C does not have; expected one such as \\n, \\\\, \\\" or \\x41")]
    [InlineData("str(arg0) == \"a\\0\"", 14, "has a zero in it; expected a text, which ends before the first zero")]
    [InlineData("reg(\"eax\")", 5, "not a register; expected \"rax\", \"rbx\", \"rcx\", \"rdx\", \"rsi\", \"rdi\", \"rbp\", \"rsp\" or \"r8\" to \"r15\"")]
    [InlineData("reg", 1, "reg needs an argument; expected reg(\"rdi\")")]
    [InlineData("len(arg0)", 1, "there is no function `len`; expected reg(\"rdi\") or str(ADDRESS)")]
    public void A_filter_that_means_nothing_is_told_with_its_place(string filter, int column, string what)
    {
        var error = Assert.Throws<FilterException>(() => FilterExpression.Parse(filter, FilterNames.Entry));
        Assert.Equal($"expression, column {column}: {what}", error.Message);
        Assert.Equal(column, error.Column);
        Assert.Equal($"{filter}\n{new string(' ', column - 1)}^", error.Excerpt);
    }

    [Fact]
    public void Seven_arguments_cannot_be_kept()
    {
        var error = Assert.Throws<FilterException>(() => FilterExpression.Parse("arg6 + retval", FilterNames.Return([0, 1, 2, 3, 4, 5])));
        Assert.Contains("at most 6", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_filter_that_is_too_deep_is_an_error()
    {
        foreach (string filter in new[]
        {
            new string('(', 4000), new string('!', 4000), new string('-', 150) + "arg0", string.Join(" + ", Enumerable.Repeat("arg0", 500)), new string('1', 5000),
            string.Concat(Enumerable.Repeat("(int8)(int16)", 90)) + "arg0", new string('*', 190) + "arg0", new string('(', 190) + "arg0",
        })
        {
            Assert.Throws<FilterException>(() => FilterExpression.Parse(filter, FilterNames.Entry));
        }

        Assert.NotNull(FilterExpression.Parse(new string('(', 190) + "arg0" + new string(')', 190), FilterNames.Entry));
    }
}
