using CsCheck;
using Uprobes.Programs;
using Uprobes.Tool.Filters;

namespace Uprobes.Tool.Tests;

/// <summary>What holds for every filter, and for everything that is none.</summary>
public sealed class FilterPropertyTests
{
    private static readonly string[] Words =
    [
        "arg0", "arg9", "retval", "duration", "pid", "tid", "reg", "str", "reg(\"rdi\")", "str(arg0)", "\"text\"", "\"", "'", "'a'", "'\\n'", "\\", "(", ")", "(int8)",
        "(uint64)", "0", "1", "0x", "0x7f", "9223372036854775808", "18446744073709551616", "4K", "10us", "1s", "||", "&&", "|", "^", "&", "==", "!=", "<", "<=", ">",
        ">=", "<<", ">>", "+", "-", "*", "/", "%", "!", "~", " ", "\t", "\n", "\0", "=", ".", "é", "\ud83d", "_",
    ];

    private static readonly Gen<FilterSyntax> Operands = Gen.OneOf<FilterSyntax>(
        Gen.OneOf("arg0", "arg7", "pid", "tid").Select(name => (FilterSyntax)new NameSyntax(0, name)),
        Gen.OneOf("0", "1", "42", "0xff", "64K", "10us", "'a'", "9223372036854775807", "18446744073709551615").Select(n => (FilterSyntax)new NumberSyntax(0, n)),
        Gen.OneOf("rax", "rdi", "r15").Select(name => (FilterSyntax)new CallSyntax(0, "reg", new TextSyntax(0, $"\"{name}\""))));

    private static readonly Gen<FilterSyntax> Filters = Gen.Recursive<FilterSyntax>((depth, self) => depth > 4 ? Operands : Gen.OneOf<FilterSyntax>(
        Operands,
        Gen.Select(Gen.OneOf("!", "~", "-", "*"), self, (op, operand) => (FilterSyntax)new PrefixSyntax(0, op, operand)),
        Gen.Select(Gen.OneOf([.. FilterTypes.Names]), self, (type, operand) => (FilterSyntax)new CastSyntax(0, type, operand)),
        Gen.Select(Gen.OneOf("==", "!="), self, Gen.OneOf("\"\"", "\"a b\"", "\"\\n\\x41\""), (op, address, text) =>
            (FilterSyntax)new InfixSyntax(0, op, new CallSyntax(0, "str", address), new TextSyntax(0, text))),
        Gen.Select(Gen.OneOf([.. FilterGrammar.Ranks.SelectMany(r => r)]), self, self, (op, left, right) =>
            (FilterSyntax)new InfixSyntax(0, op, left, right))));

    [Fact]
    public void A_filter_written_out_is_read_as_it_was() => Gen.Select(Filters, Gen.Bool).Sample((filter, isSpaced) =>
    {
        string text = Write(filter, 0, isSpaced ? " " : "");
        Expression expected = FilterBinder.Bind(text, filter, FilterNames.Entry);
        Assert.Equal(ExpressionPrinter.Print(expected), ExpressionPrinter.Print(FilterExpression.Parse(text, FilterNames.Entry)));
    }, iter: 3000);

    [Fact]
    public void Words_in_any_order_are_a_filter_or_an_error_with_a_place() =>
        Gen.OneOf(Words).Array[0, 30].Sample(words => IsFilterOrError(string.Concat(words)), iter: 5000);

    [Fact]
    public void Characters_in_any_order_are_a_filter_or_an_error_with_a_place() => Gen.String.Sample(IsFilterOrError, iter: 3000);

    private static void IsFilterOrError(string text)
    {
        foreach (FilterNames names in new[] { FilterNames.Entry, FilterNames.Return([0]) })
        {
            try
            {
                Assert.False(FilterExpression.Parse(text, names).Type.IsText);
                Assert.NotNull(FilterExpression.ArgumentsIn(text));
            }
            catch (FilterException error)
            {
                Assert.InRange(error.Column, 1, text.Length + 1);
                Assert.Equal(2, error.Excerpt.Split('\n').Length);
                Assert.DoesNotContain('\n', error.Message);
            }
        }
    }

    /// <summary>With no more parentheses than are needed.</summary>
    private static string Write(FilterSyntax syntax, int rank, string space)
    {
        switch (syntax)
        {
            case NameSyntax name:
                return name.Name;
            case NumberSyntax number:
                return number.Literal;
            case TextSyntax text:
                return text.Literal;
            case CallSyntax call:
                return $"{call.Name}({space}{Write(call.Argument, 0, space)}{space})";
            case PrefixSyntax prefix:
                return prefix.Operator + space + Write(prefix.Operand, FilterGrammar.Ranks.Length, space);
            case CastSyntax cast:
                return $"({space}{cast.Type}{space}){Write(cast.Operand, FilterGrammar.Ranks.Length, space)}";
            case InfixSyntax infix:
                int own = Array.FindIndex(FilterGrammar.Ranks, r => r.Contains(infix.Operator));
                string inside = $"{Write(infix.Left, own, space)}{space}{infix.Operator}{space}{Write(infix.Right, own + 1, space)}";
                return own < rank ? $"({inside})" : inside;
            default:
                throw new ArgumentException(syntax.GetType().Name, nameof(syntax));
        }
    }
}
