using System.Linq.Expressions;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Programs.Queries;

namespace Uprobes.Tests.Programs.Queries;

/// <summary>What C# expressions become in a program.</summary>
public sealed class TranslationTests
{
    private static readonly string[] Functions = ["malloc", "free", "malloc"];
    private static readonly Argument First = new(0);

    private enum Colour : byte
    {
        Red = 1,
        Green = 200,
    }

    [Fact]
    public void A_comparison_of_an_argument_becomes_one_of_unsigned_numbers() =>
        Assert.Equal(new Binary(BinaryOperator.Greater, First, new Constant(65536, DataType.U64)), Condition(p => p.Arg(0) > 64 * 1024));

    [Fact]
    public void A_captured_variable_is_taken_when_the_query_is_made()
    {
        ulong limit = 5;
        Expression<Func<EntryPoint, bool>> condition = p => p.Arg(0) == limit;
        Uprobes.Programs.Expression translated = Condition(condition);
        limit = 6;
        Assert.Equal(new Binary(BinaryOperator.Equal, First, new Constant(5, DataType.U64)), translated);
        Assert.Equal(6ul, limit);
    }

    [Fact]
    public void What_does_not_depend_on_the_hit_is_calculated_here()
    {
        List<int> sizes = [10, 20, 30];
        TimeSpan time = TimeSpan.FromMilliseconds(2);
        Assert.Equal(new Binary(BinaryOperator.Less, new Cast(First, DataType.I32), new Constant(20, DataType.I32)),
            Condition(p => (int)p.Arg(0) < sizes[1]));
        Assert.Equal(new Binary(BinaryOperator.Greater, new Builtin(BuiltinKind.Timestamp), new Constant(2_000_000, DataType.I64)),
            Condition(p => p.Timestamp > time.Ticks * 100));
    }

    [Fact]
    public void Implicit_conversions_become_casts()
    {
        uint small = 3;
        Assert.Equal(
            new Binary(BinaryOperator.Equal, new Cast(new Cast(new Builtin(BuiltinKind.ThreadId), DataType.I32), DataType.I64), new Constant(3, DataType.I64)),
            Condition(p => p.ThreadId == small));
    }

    [Fact]
    public void Enums_are_their_numbers()
    {
        Colour colour = Colour.Green;
        Binary equal = Assert.IsType<Binary>(Condition(p => (Colour)p.Arg(1) == colour));
        Assert.Equal(new Cast(new Cast(new Argument(1), DataType.U8), DataType.I32), equal.Left);
        Assert.Equal(new Constant(200, DataType.I32), equal.Right);
    }

    [Fact]
    public void Logical_operators_and_choices_keep_their_laziness()
    {
        Expression<Func<EntryPoint, bool>> condition = p => p.Arg(0) != 0 || (p.ThreadId == 1 ? p.Arg(1) : p.Arg(2)) == 0 && !(p.Arg(3) < 4);
        Binary or = Assert.IsType<Binary>(Condition(condition));
        Assert.Equal(BinaryOperator.LogicalOr, or.Operator);
        Binary and = Assert.IsType<Binary>(or.Right);
        Assert.Equal(BinaryOperator.LogicalAnd, and.Operator);
        Assert.IsType<Conditional>(Assert.IsType<Binary>(and.Left).Left);
        Assert.Equal(UnaryOperator.Not, Assert.IsType<Unary>(and.Right).Operator);
    }

    [Fact]
    public void Complement_and_shifts_have_the_type_of_their_left_side()
    {
        Assert.Equal(new Binary(BinaryOperator.ShiftRight, new Cast(new Unary(UnaryOperator.Complement, First), DataType.I64), new Constant(3, DataType.I32)),
            Value(p => (long)~p.Arg(0) >> 3));
        Assert.Equal(DataType.I64, Value(p => (long)~p.Arg(0) >> 3).Type);
    }

    [Fact]
    public void Strings_of_the_target_are_compared_as_texts()
    {
        string name = "/etc/passwd";
        Binary equal = Assert.IsType<Binary>(Condition(p => p.ReadString(p.Arg(0), 20) == name));
        Assert.Equal(new LoadText(First, 24), equal.Left);
        TextConstant text = Assert.IsType<TextConstant>(equal.Right);
        Assert.Equal("/etc/passwd"u8, text.Bytes.Span);
        Assert.Equal(16, text.Capacity);
        Assert.Equal(BinaryOperator.NotEqual, Assert.IsType<Binary>(Condition(p => p.ReadString(p.Arg(0)) != name)).Operator);
        Assert.Equal(new LoadText(First, 64), Assert.IsType<Binary>(Condition(p => p.ReadString(p.Arg(0)).Equals("x"))).Left);
    }

    [Fact]
    public void Memory_is_read_as_the_type_that_is_asked_for()
    {
        Assert.Equal(new Cast(new Load(new Binary(BinaryOperator.Add, First, new Constant(8, DataType.U64)), DataType.I16), DataType.I64),
            Value(p => p.Read<short>(p.Arg(0) + 8)));
        Assert.Equal(new Binary(BinaryOperator.NotEqual, new Load(First, DataType.U8), new Constant(0, DataType.U8)), Condition(p => p.Read<bool>(p.Arg(0))));
    }

    [Fact]
    public void Registers_are_found_by_their_names()
    {
        Assert.Equal(new Cast(new RegisterValue(7), DataType.I64), Value(p => (long)p.Register("rdi")));
        Assert.Equal(new Cast(new RegisterValue(15), DataType.I64), Value(p => (long)p.Register("r15")));
    }

    [Fact]
    public void A_functions_name_is_compared_by_the_index_of_its_probes()
    {
        static Binary Is(int index) => new(BinaryOperator.Equal, new Builtin(BuiltinKind.ProbeIndex), new Constant(index, DataType.U32));
        Assert.Equal(Is(1), Condition(p => p.Function == "free"));
        Assert.Equal(new Binary(BinaryOperator.LogicalOr, Is(0), Is(2)), Condition(p => "malloc" == p.Function));
        Assert.Equal(new Unary(UnaryOperator.Not, Is(1)), Condition(p => p.Function != "free"));
        Assert.Equal(new Constant(0, DataType.Boolean), Condition(p => p.Function == "calloc"));
    }

    private static Uprobes.Programs.Expression Condition(Expression<Func<EntryPoint, bool>> condition) => Translator.Integer(condition.Body);

    private static Uprobes.Programs.Expression Value(Expression<Func<EntryPoint, long>> value) => Translator.Integer(value.Body);

    private static ExpressionTranslator Translator =>
        new(new PointMembers(QuerySubject.Entry, atReturn: false, new KeptArguments()), Functions);
}
