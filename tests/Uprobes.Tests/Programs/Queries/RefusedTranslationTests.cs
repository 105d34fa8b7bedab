using System.Linq.Expressions;
using Uprobes.Programs;
using Uprobes.Programs.Queries;

namespace Uprobes.Tests.Programs.Queries;

/// <summary>What cannot be translated: the exception names the smallest part that is to blame.</summary>
public sealed class RefusedTranslationTests
{
    [Fact]
    public void Methods_of_CSharp() =>
        Refused(p => Math.Max(p.Arg(0), 3) > 5, "Math.Max(p.Arg(0), 3)");

    [Fact]
    public void Methods_on_texts() =>
        Refused(p => p.Arg(0) > 5 && p.ReadString(p.Arg(1)).Contains('x'), "p.ReadString(p.Arg(1)).Contains('x')");

    [Fact]
    public void Properties_of_texts() =>
        Refused(p => p.ReadString(p.Arg(1)).Length > 3, "p.ReadString(p.Arg(1)).Length");

    [Fact]
    public void Floating_point() =>
        Refused(p => p.Arg(0) / 2.0 > 5, "(double)p.Arg(0)");

    [Fact]
    public void Decimal_numbers() =>
        Refused(p => p.Arg(0) * 2m > 5, "(decimal)p.Arg(0)");

    [Fact]
    public void Checked_arithmetic() =>
        Refused(p => checked(p.Arg(0) + 1) > 5, "p.Arg(0) + 1");

    [Fact]
    public void Checked_conversions_that_may_overflow()
    {
        Refused(p => checked((int)p.Arg(0)) > 5, "(int)p.Arg(0)");
        Translate(p => checked((long)p.ThreadId) > 5);
    }

    [Fact]
    public void Nullable_numbers()
    {
        int? id = 5;
        Refused(p => p.ThreadId == id, "(int?)p.ThreadId");
    }

    [Fact]
    public void Arguments_that_there_are_not()
    {
        Refused(p => p.Arg(-1) > 5, "p.Arg(-1)");
        Refused(p => p.Arg(32) > 5, "p.Arg(32)");
    }

    [Fact]
    public void Arguments_that_depend_on_the_hit() =>
        Refused(p => p.Arg(p.ThreadId) > 5, "p.Arg(p.ThreadId)");

    [Fact]
    public void Registers_that_there_are_not() =>
        Refused(p => p.Register("eax") > 5, "p.Register(\"eax\")");

    [Fact]
    public void Texts_that_are_too_long()
    {
        string longest = new('a', 256), longer = new('a', 257);
        Translate(p => p.ReadString(p.Arg(0)) == longest);
        Refused(p => p.ReadString(p.Arg(0)) == longer, "longer");
        Refused(p => p.ReadString(p.Arg(0), 257) == "", "p.ReadString(p.Arg(0), 257)");
    }

    [Fact]
    public void Texts_that_are_null_or_have_zeros()
    {
        Refused(p => p.ReadString(p.Arg(0)) == null, "null");
        Refused(p => p.ReadString(p.Arg(0)) == "a\0b", "\"a\0b\"");
    }

    [Fact]
    public void Structures_in_memory() =>
        Refused(p => p.Read<Guid>(p.Arg(0)) == Guid.Empty, "p.Read<Guid>(p.Arg(0))");

    [Fact]
    public void Names_of_functions_used_as_texts() =>
        Refused(p => p.Function == p.ReadString(p.Arg(0)), "p.ReadString(p.Arg(0))");

    [Fact]
    public void Captured_values_that_throw()
    {
        string? nothing = null;
        QueryTranslationException error = Refused(p => p.ThreadId == nothing!.Length, "nothing.Length");
        Assert.Contains("nothing is null", error.Message, StringComparison.Ordinal);
        int[] none = [];
        error = Refused(p => p.ThreadId == none[3], "none[3]");
        Assert.IsType<IndexOutOfRangeException>(error.InnerException);
    }

    [Fact]
    public void Returned_values_at_an_entry()
    {
        Expression<Func<ReturnPoint, bool>> condition = r => r.ReturnValue == 0;
        QueryTranslationException error = Assert.Throws<QueryTranslationException>(() => Translator.Integer(condition.Body));
        Assert.Equal("r.ReturnValue", error.Subexpression);
        Assert.Contains("at an entry", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_message_says_what_is_possible_instead()
    {
        QueryTranslationException error = Refused(p => p.Arg(0) / 2.0 > 5, "(double)p.Arg(0)");
        Assert.StartsWith("'(double)p.Arg(0)' cannot run at a probe's hits: a program has no double. ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(error.Alternative, error.Message, StringComparison.Ordinal);
    }

    private static QueryTranslationException Refused(Expression<Func<EntryPoint, bool>> condition, string part)
    {
        QueryTranslationException error = Assert.Throws<QueryTranslationException>(() => Translate(condition));
        Assert.Equal(part, error.Subexpression);
        return error;
    }

    private static Uprobes.Programs.Expression Translate(Expression<Func<EntryPoint, bool>> condition) => Translator.Integer(condition.Body);

    private static ExpressionTranslator Translator =>
        new(new PointMembers(QuerySubject.Entry, atReturn: false, new KeptArguments()), ["malloc"]);
}
