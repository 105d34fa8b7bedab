using System.Text;
using Uprobes.Script.Probes;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Tests.Semantics;

/// <summary>What comes from outside of the script: types of the probed file, parameters of the command line, the environment.</summary>
public class SurroundingsTests
{
    private sealed class SomeTypes : ITypeSource
    {
        private static readonly StructType Node = new("node", false);

        public StructLayout? FindStruct(string name, AttachPoint? probe) =>
            name == "node" && probe is UserProbe { File: "/bin/x" } ? new StructLayout(Node, 16, 8, [new("value", new IntegerType(32, true), 0), new("next", new PointerType(Node), 8)]) : null;

        public ScriptType? FindType(string name, AttachPoint? probe) => name == "handle" ? ScriptType.U32 : null;

        public void Announce(IEnumerable<AttachPoint> places)
        {
        }

        public StructLayout? LayoutOf(StructType type) => FindStruct(type.Name, new UserProbe(false, "/bin/x", new AddressTarget(0), "", default));

        public (ScriptType Type, long Value)? FindConstant(string name, AttachPoint? probe) => name == "BIG" ? (new EnumType("size", 32, false), 7) : null;

        public IReadOnlyList<FunctionParameter>? FindParameters(AttachPoint probe) =>
            [new("node", new PointerType(Node), 0), new("factor", new OpaqueType("double", 8), null) { Reason = "is in a vector register" }, new("count", new IntegerType(32, true), 1),
             new("given", Node, 2) { IsAddress = true }, new("copied", Node, null) { StackWord = 3 }, new("pair", Node, null) { Reason = "is in two registers" }];

        public string? NameOf(EnumType type, long value) => value == 7 ? "BIG" : null;

        public FunctionResult? FindResult(AttachPoint probe) => (probe as UserProbe)?.File switch
        {
            "/bin/struct" => new(Node, true),
            "/bin/double" => new(new OpaqueType("double", 8), false) { Reason = "is in a vector register" },
            "/bin/unknown" => null,
            "/bin/boolean" => new(ScriptType.Boolean, false),
            _ => new(new IntegerType(32, true), false),
        };

        public TypeObstacle Explain(AttachPoint probe) => new("never", null);

        public int? FindSymbolSize(string symbol, AttachPoint probe) => 4;
    }

    private static readonly AnalysisOptions WithTypes = new() { Types = new SomeTypes() };

    [Fact]
    public void Of_a_Boolean_in_a_register_the_lowest_byte_counts()
    {
        TypedScript script = Checking.Script("uretprobe:/bin/boolean:f { @ = retval; }", WithTypes);
        CastExpression boolean = Assert.IsType<CastExpression>(Assert.IsType<AssignMap>(script.Probes[0].Body.Statements[0]).Value);
        Assert.Equal(ScriptType.Boolean, boolean.Type);
        Assert.Equal(ScriptType.U8, Assert.IsType<CastExpression>(boolean.Operand).Type);
    }

    [Theory]
    [InlineData("args.count", "int32")]
    [InlineData("args->node", "struct node *")]
    [InlineData("args.given", "struct node")]
    [InlineData("args.copied.value", "int32")]
    [InlineData("args.node.next.value", "int32")]
    [InlineData("args", "record { .node: struct node *, .count: int32 }")]
    [InlineData("((struct node *)arg0)->next->next", "struct node *")]
    [InlineData("(handle)arg0", "uint32")]
    [InlineData("BIG", "enum size")]
    [InlineData("uaddr(\"counter\")", "uint32 *")]
    [InlineData("sizeof(struct node)", "uint64")]
    public void Types_of_the_probed_file_are_used(string text, string type) => Assert.Equal(type, Checking.Expression(text, WithTypes).Type.ToString());

    [Theory]
    [InlineData("args.cuont", "1:24-29: ERROR: the function has no parameter `cuont`", "HINT: did you mean `count`?")]
    [InlineData("args.q", "1:24-25: ERROR: the function has no parameter `q`", "HINT: parameters are node, factor, count, given, copied, pair")]
    [InlineData("args.pair", "1:19-28: ERROR: the parameter `pair` of type struct node cannot be read: it is in two registers")]
    [InlineData("args.factor", "1:19-30: ERROR: the parameter `factor` of type double cannot be read: it is in a vector register")]
    [InlineData("args.node.valeu", "1:29-34: ERROR: `struct node` has no field `valeu`", "HINT: did you mean `value`?")]
    public void What_the_probed_file_does_not_have_is_told(string text, params string[] expected) =>
        Assert.Equal(expected, Checking.Messages($"u:/bin/x:f {{ $v = {text}; }}", WithTypes));

    [Theory]
    [InlineData("ur:/bin/x:f { $v = retval; }", "int32")]
    [InlineData("ur:/bin/struct:f { $v = retval.next; }", "struct node *")]
    [InlineData("ur:/bin/unknown:f { $v = retval; }", "uint64")]
    [InlineData("ur:/bin/x:f, ur:/bin/unknown:f { $v = retval; }", "uint64")]
    public void What_is_returned_has_the_type_that_all_functions_return(string script, string type) =>
        Assert.Equal(type, Assert.Single(Assert.Single(Checking.Script(script, WithTypes).Probes).Variables).Type.ToString());

    [Fact]
    public void What_is_returned_in_a_vector_register_is_refused() =>
        Assert.Equal(["1:25-31: ERROR: what the function returns, double, cannot be read: it is in a vector register"], Checking.Messages("ur:/bin/double:f { $v = retval; }", WithTypes));

    [Fact]
    public void Parameters_are_those_of_the_moment_at_which_a_function_is_entered() =>
        Assert.Equal(
            ["1:21-31: ERROR: `args` has a value only where a function is entered: further on, its registers may hold something else", "HINT: keep it in a map at the entry: `@a[tid] = args.name`"],
            Checking.Messages("u:/bin/x:f+4 { $v = args.count; }", WithTypes));

    [Fact]
    public void A_value_on_the_stack_is_read_above_the_return_address()
    {
        MemoryExpression value = Assert.IsType<MemoryExpression>(Checking.Expression("args.copied.value", WithTypes));
        BinaryExpression sum = Assert.IsType<BinaryExpression>(value.Address);
        Assert.Equal(32, Assert.IsType<ConstantExpression>(sum.Right).Value);
        Assert.Equal(ScriptFunction.Reg, Assert.IsType<CallExpression>(sum.Left).Function);
    }

    [Fact]
    public void A_struct_of_the_script_hides_that_of_the_probed_file()
    {
        TypedScript script = Checking.Script("struct node { char a; struct node *next; short b; } u:/bin/x:f { $v = ((struct node *)arg0)->next->b; $s = sizeof(struct node); }", new AnalysisOptions { Types = new SomeTypes() });
        Assert.Equal(24, script.Types.FindStruct("node")?.Size);
    }

    [Fact]
    public void A_field_is_a_read_at_an_offset()
    {
        MemoryExpression value = Assert.IsType<MemoryExpression>(Checking.Expression("args.node.next.value", WithTypes));
        MemoryExpression next = Assert.IsType<MemoryExpression>(Assert.IsType<CastExpression>(value.Address).Operand);
        BinaryExpression sum = Assert.IsType<BinaryExpression>(next.Address);
        Assert.Equal(8, Assert.IsType<ConstantExpression>(sum.Right).Value);
        ArgumentExpression argument = Assert.IsType<ArgumentExpression>(Assert.IsType<CastExpression>(Assert.IsType<CastExpression>(sum.Left).Operand).Operand);
        Assert.Equal(0, argument.Index);
    }

    [Fact]
    public void A_pointer_in_memory_is_read_before_what_it_points_to()
    {
        CallExpression call = Assert.IsType<CallExpression>(Checking.Expression("str(args.node.next)", WithTypes));
        MemoryExpression pointer = Assert.IsType<MemoryExpression>(Assert.IsType<CastExpression>(call.Arguments[0]).Operand);
        Assert.Equal("struct node *", pointer.Type.ToString());
    }

    [Theory]
    [InlineData("$1", 10L)]
    [InlineData("$2", 16L)]
    [InlineData("$3", -5L)]
    [InlineData("$9", 0L)]
    [InlineData("$#", 5L)]
    [InlineData("$1 + $2", 26L)]
    [InlineData("getopt(\"depth\", 1)", 20L)]
    [InlineData("getopt(\"other\", 1)", 1L)]
    [InlineData("getopt(\"flag\")", 1L)]
    [InlineData("getopt(\"off\", true)", 0L)]
    [InlineData("getopt(\"none\")", 0L)]
    public void Parameters_are_numbers_where_they_look_like_numbers(string text, long expected) =>
        Assert.Equal(expected, Assert.IsType<ConstantExpression>(Checking.Expression(text, WithParameters)).Value);

    [Theory]
    [InlineData("$4", "abc")]
    [InlineData("str($1)", "10")]
    [InlineData("str($4 + 1)", "bc")]
    [InlineData("str($9)", "")]
    [InlineData("getopt(\"name\", \"x\")", "bash")]
    [InlineData("getopt(\"none\", \"x\")", "x")]
    public void Parameters_are_texts_otherwise(string text, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(Assert.IsType<TextConstantExpression>(Checking.Expression(text, WithParameters)).Bytes.Span));

    private static readonly AnalysisOptions WithParameters = new()
    {
        Positional = ["10", "0x10", "-5", "abc", ""],
        Named = new Dictionary<string, string> { ["depth"] = "20", ["flag"] = "", ["off"] = "false", ["name"] = "bash" },
    };

    [Fact]
    public void A_parameter_of_a_wrong_kind_is_told()
    {
        Assert.Equal(["1:17-34: ERROR: the option --name is a number, not `bash`"], Checking.Messages("BEGIN { print(1+getopt(\"name\", 1)); }", WithParameters));
        Assert.Equal(["1:15-24: ERROR: `$4` has only 3 bytes"], Checking.Messages("BEGIN { print(str($4+9)); }", WithParameters));
    }

    [Fact]
    public void The_environment_counts_more_than_the_script()
    {
        TypedScript script = Checking.Script("config = { max_strlen = 10; STACK_MODE = raw } BEGIN { @ = 1; }", new AnalysisOptions { Environment = new Dictionary<string, string> { ["BPFTRACE_MAX_STRLEN"] = "20", ["BPFTRACE_NO_SUCH"] = "1" } });
        Assert.Equal((20, Uprobes.Script.Output.StackMode.Raw), (script.Options.MaxStringLength, script.Options.StackMode));
        Assert.NotEmpty(Checking.Messages("BEGIN { @ = 1; }", new AnalysisOptions { Environment = new Dictionary<string, string> { ["BPFTRACE_MAX_STRLEN"] = "x" } }));
    }

    [Fact]
    public void A_macro_works_on_what_it_is_given()
    {
        TypedScript script = Checking.Script("""
            macro add($to, @into, what) { $to += what; @into = $to; let $own = what; $own }
            BEGIN { $own = "text"; $x = 1; $y = add($x, @sums, 5 + $x); print(($own, $y)); }
            """);
        Assert.Equal("uint64", script.Map("sums").ValueType.ToString());
        Assert.Equal(["own:string[5]", "x:uint64", "own:uint64", "y:uint64"], script.Probes[0].Variables.Select(variable => $"{variable.Name}:{variable.Type}"));
        Assert.Equal(["sums"], script.Maps.Select(map => map.Name));
    }
}
