using CsCheck;
using Uprobes.Images;
using Uprobes.Images.StaticProbes;

namespace Uprobes.Tests.Images;

/// <summary>The arguments of static probes as their notes write them.</summary>
public sealed class StaticArgumentTests
{
    private static readonly StaticArgumentParser Parser = new(name => name is "counter" or ".L.x" ? new LinkAddress(0x4000) : null);

    [Theory]
    [InlineData("8@%rax", 8, false, 0, 8, false)]
    [InlineData("-4@%edi", 4, true, 7, 4, false)]
    [InlineData("2@%r9w", 2, false, 9, 2, false)]
    [InlineData("-1@%sil", 1, true, 6, 1, false)]
    [InlineData("1@%r15b", 1, false, 15, 1, false)]
    [InlineData("1@%bh", 1, false, 3, 1, true)]
    [InlineData("4@%r8d", 4, false, 8, 4, false)]
    public void Registers_of_all_widths_are_read(string text, int size, bool isSigned, int number, int bytes, bool isHigh) =>
        Assert.Equal(new StaticArgument(text, size, isSigned) { Operand = new StaticRegister(number, bytes, isHigh) }, Parser.Parse(text));

    [Theory]
    [InlineData("4@$5", 5)]
    [InlineData("-4@$-5", -5)]
    [InlineData("8@$0x7fffffffffffffff", long.MaxValue)]
    [InlineData("8@$18446744073709551615", -1)]
    [InlineData("-8@$-9223372036854775808", long.MinValue)]
    [InlineData("4@$010", 8)]
    [InlineData("4@$0", 0)]
    public void Constants_are_read(string text, long value) => Assert.Equal(new StaticConstant(value), Parser.Parse(text).Operand);

    [Theory]
    [InlineData("8@(%rbp)", false, 5, -1, 1, 0)]
    [InlineData("8@8(%rbp)", false, 5, -1, 1, 8)]
    [InlineData("8@-4(%rbp,%rax,8)", false, 5, 0, 8, -4)]
    [InlineData("8@0x10(,%r12,4)", false, -1, 12, 4, 16)]
    [InlineData("8@(%rsp,%rbx)", false, 4, 3, 1, 0)]
    [InlineData("8@counter(%rip)", true, -1, -1, 1, 0)]
    [InlineData("8@counter+8(%rip)", true, -1, -1, 1, 8)]
    [InlineData("8@-8+counter+24(%rip)", true, -1, -1, 1, 16)]
    [InlineData("8@.L.x-16(%rip)", true, -1, -1, 1, -16)]
    [InlineData("8@counter", true, -1, -1, 1, 0)]
    [InlineData("8@counter+4(,%rax,8)", true, -1, 0, 8, 4)]
    public void Places_in_memory_are_read(string text, bool isNamed, int first, int second, int scale, long displacement) => Assert.Equal(
        new StaticMemory(isNamed ? new LinkAddress(0x4000) : null, first < 0 ? null : first, second < 0 ? null : second, scale, displacement), Parser.Parse(text).Operand);

    [Theory]
    [InlineData("8f@%xmm0", "floating-point")]
    [InlineData("-8f@8(%rsp)", "floating-point")]
    [InlineData("%rax", "how many bytes")]
    [InlineData("@%rax", "how many bytes")]
    [InlineData("3@%rax", "no size")]
    [InlineData("16@%rax", "no size")]
    [InlineData("8@%xmm1", "no general register")]
    [InlineData("8@%rip", "no general register")]
    [InlineData("8@%fs:0x28", "segment")]
    [InlineData("8@$counter", "no number")]
    [InlineData("8@other(%rip)", "no symbol `other`")]
    [InlineData("8@8(%rip)", "names nothing")]
    [InlineData("8@4096", "fixed address")]
    [InlineData("8@", "fixed address")]
    [InlineData("8@8(%ebp)", "no register that an address has")]
    [InlineData("8@(%rax,%rbx,3)", "no scale")]
    [InlineData("8@(%rax,%rbx,2,1)", "more parts")]
    [InlineData("8@8()", "no register")]
    [InlineData("8@8(%rbp", "parentheses")]
    [InlineData("8@-counter(%rip)", "no address")]
    [InlineData("8@counter+counter(%rip)", "no address")]
    [InlineData("8@+-8(%rbp)", "no address")]
    [InlineData("8@9x(%rbp)", "no address")]
    [InlineData("8@$08", "no number")]
    public void What_cannot_be_read_says_why_and_keeps_its_place(string text, string problem)
    {
        StaticArgument argument = Parser.ParseAll($"8@%rax {text} 8@%rbx")[1];
        Assert.Equal(text, argument.Text);
        Assert.Null(argument.Operand);
        Assert.Contains(problem, argument.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_text_is_read_or_refused() =>
        Check.Sample(Gen.String[Gen.OneOf(Gen.Char["-+@$%(),:.0123456789abcdeflrsxw "], Gen.Char), 0, 30], text =>
        {
            foreach (StaticArgument argument in Parser.ParseAll(text))
                Assert.True(argument.Operand is null != argument.Problem is null, text);
        });
}
