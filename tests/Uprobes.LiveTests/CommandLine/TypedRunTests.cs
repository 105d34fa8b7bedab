using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>Scripts that take the types of the probed program from its debug information.</summary>
public sealed class TypedRunTests
{
    [Theory]
    [InlineData("typed", "inline")]
    [InlineData("typed", "trap")]
    [InlineData("typed-O2", "inline")]
    [InlineData("typed-O2", "trap")]
    public void Parameters_and_fields_of_C_are_read_by_their_names(string target, string engine)
    {
        string path = Targets.Path(target);
        Assert.Equal(
            ["1 first next 2 second", "low 5 high 77 sign -3 flag 1 number 42 at 8 color BLUE text hello grid 6", "letter q big 55 color 5 GREEN text str last 99 1", "-1", "-3 17", "made 17"],
            Lines(Run(engine, path, $$"""
                uprobe:{{path}}:visit {
                    printf("%d %s next %d %s\n", args.node->value, args.node.name, args.node->next->value, ((struct node *)arg0)->next.name);
                    printf("low %d high %d sign %d flag %d number %d at %d color %s text %s grid %d\n", args.node.low, args.node.high, args.node.sign, args.node.flag,
                        args.node.number, args.node.at.y, args.node.color, str(args.node.text), args.node.grid[1][2]);
                    printf("letter %c big %d color %d %s text %s last %d %d\n", args.letter, args.big.items[4], args.color, args.color, str(args.text), args.last, args.color == GREEN);
                }
                uretprobe:{{path}}:visit { printf("%d\n", retval); }
                uprobe:{{path}}:make { printf("%d %d\n", args.count, args.pair->a); }
                uretprobe:{{path}}:make { printf("made %d\n", retval.items[4]); }
                """)));
    }

    [Theory]
    [InlineData("inline")]
    [InlineData("trap")]
    public void Functions_of_classes_are_called_as_in_the_source(string engine)
    {
        string path = Targets.Path("classes");
        Assert.Contains("@[zoo::Dog::speak(int)]: 3\n",
            Run(engine, path, $$"""uprobe:{{path}}:_ZN3zoo3Dog5speakEi, uprobe:{{path}}:*3Dog5speak*, uprobe:{{path}}:cpp:"zoo::Dog::speak" { @[func] = count(); }"""), StringComparison.Ordinal);
        Assert.Contains("@[_ZN3zoo3Dog5speakEi]: 1", Run(engine, path, $$"""config = { cpp_demangle = false } uprobe:{{path}}:*3Dog5speak* { @[func] = count(); }"""), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_listed_can_be_probed()
    {
        string path = Targets.Path("classes");
        string[] listed = [.. Lines(UprobeCommand.Run("run", "-l", $"uprobe:{path}:*3zoo*").Output)];
        Assert.Contains($"uprobe:{path}:cpp:\"zoo::Dog::speak(int)\"", listed);
        string script = string.Join(", ", listed) + " { @[func] = count(); }";
        Assert.Contains("@[zoo::Dog::speak(int)]: 1", Run("auto", path, script), StringComparison.Ordinal);
    }

    [Fact]
    public void Records_of_all_parameters_and_whole_structs_are_printed()
    {
        string path = Targets.Path("typed");
        string[] lines = [.. Lines(Run("auto", path, $"uprobe:{path}:visit {{ print(args); print(*args.node.next); print(args.big); }}"))];
        Assert.Matches(@"^\{ \.node = 0x[0-9a-f]+, \.letter = 113, \.color = GREEN, \.text = 0x[0-9a-f]+, \.last = 99 \}$", lines[0]);
        Assert.Matches(
            @"^\{ \.next = 0x0, \.value = 2, \.name = second, \.low = 0, \.high = 0, \.sign = 0, \.flag = false, \.number = 0, \.fraction = null, "
            + @"\.at = \{ \.x = 0, \.y = 0 \}, \.color = RED, \.text = 0x[0-9a-f]+, \.grid = \[\[0,0,0\],\[0,0,0\]\] \}$", lines[1]);
        Assert.Equal("{ .items = [1,2,3,4,55] }", lines[2]);
    }

    [Fact]
    public void Offsets_and_sizes_are_those_of_the_compiler()
    {
        string path = Targets.Path("typed");
        CommandResult result = UprobeCommand.Run("run", "-q", "-c", path, "-e", $$"""
            BEGIN { printf("offsets %d", sizeof(struct node)); }
            uprobe:{{path}}:visit {
                printf(" %d %d %d %d %d %d %d %d\n", offsetof(node_t, value), offsetof(node_t, name), offsetof(node_t, flag), offsetof(node_t, number), offsetof(node_t, at.y),
                    offsetof(node_t, color), offsetof(node_t, text), offsetof(node_t, grid));
            }
            """);
        string[] lines = [.. Lines(result.Output).Where(line => line.StartsWith("offsets", StringComparison.Ordinal))];
        Assert.True(lines.Length == 2, result.Output + result.Errors);
        Assert.Equal(lines[0], lines[1]);
    }

    [Theory]
    [InlineData("inline")]
    [InlineData("trap")]
    public void Methods_references_and_objects_of_C_plus_plus_are_read(string engine)
    {
        string path = Targets.Path("classes");
        Assert.Equal(
            ["4 12 Rex 7 5", "8", "Rex 3"],
            Lines(Run(engine, path, $$"""
                uprobe:{{path}}:cpp:"zoo::greet" {
                    printf("%d %d %s %d %d\n", args.dog.legs, args.dog.tail.length, str(args.dog.name._M_dataplus._M_p), *args.count, args.word._M_string_length);
                }
                uretprobe:{{path}}:cpp:"zoo::greet" { printf("%d\n", retval._M_string_length); }
                uprobe:{{path}}:cpp:"zoo::Dog::speak" { printf("%s %d\n", str(args.this.name._M_dataplus._M_p), args.times); }
                """)));
    }

    [Theory]
    [InlineData("inline")]
    [InlineData("trap")]
    public void Structs_of_Rust_are_read(string engine)
    {
        string path = Targets.Path("shapes");
        Assert.Equal(
            ["6 7 9 0 3 16 200", "37"],
            Lines(Run(engine, path, $$"""
                uprobe:{{path}}:measure {
                    printf("%d %d %d %d %d %d %d\n", args.shape.corner.x, args.shape.corner.y, args.shape.sides[1], args.shape.closed, args.scale, args.large.corner.x, args.last);
                }
                uretprobe:{{path}}:measure { printf("%d\n", retval); }
                """)));
    }

    [Fact]
    public void Types_are_read_of_a_running_process()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using TargetProcess tool = UprobeCommand.Start("run", "-p", $"{target.Pid}", "-e",
            $"uprobe:{Targets.Path("calls-pie")}:area {{ printf(\"%d %s\\n\", args.r->height, str(args.r->name)); }} uretprobe:{Targets.Path("calls-pie")}:area {{ printf(\"%d\\n\", retval); exit(); }}");
        tool.WaitForErrorLine("Attached ");
        target.Ask("area 1");
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.StartsWith("7 r\n0\n", tool.Output, StringComparison.Ordinal);
        target.Quit();
    }

    [Theory]
    [InlineData("typed", "auto")]
    [InlineData("typed", "trap")]
    [InlineData("typed-O2", "auto")]
    [InlineData("typed-O2", "trap")]
    public void A_line_of_source_is_probed_once_in_each_function_and_inlined_copy(string target, string engine)
    {
        string path = Targets.Path(target);
        (int inlined, int own) = (LineOf("line:twice"), LineOf("line:visit"));
        Assert.Equal(
            [$"uprobe:{path}@typed.c:{own} visit", $"uprobe:{path}@typed.c:{inlined} both", $"uprobe:{path}@typed.c:{inlined} both"],
            Lines(Run(engine, path, $"uprobe:{path}@typed.c:{inlined}, uprobe:{path}@typed.c:{own} {{ printf(\"%s %s\\n\", probe, func); }}")));
        Assert.Equal(2, Lines(UprobeCommand.Results("count", "--engine", engine, "-f", "json", $"{path}@typed.c:{inlined}", "--", path)).Count(line => line.Contains(" (both", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_line_without_code_is_told_and_one_that_is_not_there_is_refused()
    {
        string path = Targets.Path("typed");
        CommandResult moved = UprobeCommand.Run("run", "-c", path, "-e", $"uprobe:{path}@typed.c:{LineOf("line:visit") - 3} {{ }}");
        Assert.Equal(new ExitStatus(0, null), moved.Exit);
        Assert.Contains("has no code: line ", moved.Errors, StringComparison.Ordinal);
        foreach ((string place, string problem) in ((string, string)[])[("typed@tpyed.c:1", "did you mean `typed.c`?"), ("typed@typed.c:9999", "the last line with code is "), ("stacks@stacks.cpp:1", "HINT: compile it with -g")])
        {
            CommandResult result = UprobeCommand.Run("run", "-c", "true", "-e", $"uprobe:{Targets.Path(place[..place.IndexOf('@', StringComparison.Ordinal)])}{place[place.IndexOf('@', StringComparison.Ordinal)..]} {{ }}");
            Assert.Equal(new ExitStatus(1, null), result.Exit);
            Assert.Contains(problem, result.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_debug_information_says_of_functions_is_listed()
    {
        string path = Targets.Path("typed");
        Assert.Equal(
            $"""
            uprobe:{path}:make
                short int count
                struct pair * pair
                struct big retval
            uprobe:{path}:visit
                node_t * node
                double factor
                unsigned char letter
                struct pair pair
                struct big big
                enum color color
                const char * text
                long int last
                int retval

            """,
            UprobeCommand.Run("run", "-lv", $"uprobe:{path}:make").Output + UprobeCommand.Run("run", "-lv", $"uprobe:{path}:visit").Output);
        Assert.Equal($"uretprobe:{path}:visit\n    int retval\n", UprobeCommand.Run("run", "-l", "-v", $"uretprobe:{path}:visit").Output);
        Assert.Equal($"uprobe:{path}:visit\n", UprobeCommand.Run("run", "-l", $"uprobe:{path}:visit").Output);
    }

    [Theory]
    [InlineData("typed", "visit", "args.factor", "the parameter `factor` of type double cannot be read: it is in a vector register, which holds floating-point numbers")]
    [InlineData("typed", "visit", "args.nod", "the function has no parameter `nod`\n", "HINT: did you mean `node`?")]
    [InlineData("typed", "visit", "args.zz", "HINT: parameters are node, factor, letter, pair, big, color, text, last")]
    [InlineData("typed", "visit", "args.node.nxt", "`struct node` has no field `nxt`\n", "HINT: did you mean `next`?")]
    [InlineData("typed", "_start", "args.x", "nothing is known of the function's parameters: the debug information of ", "compiled without -g")]
    [InlineData("stacks", "main", "args.x", "nothing is known of the function's parameters: ", "/stacks has no debug information\n", "HINT: compile it with -g; arg0, arg1 and so on need none")]
    [InlineData("typed", "vist", "args.x", "has no function `vist`\n", "HINT: did you mean `visit`?")]
    public void What_cannot_be_read_is_told_with_the_reason(string target, string function, string expression, params string[] expected)
    {
        CommandResult result = UprobeCommand.Run("run", "-c", "true", "-e", $"uprobe:{Targets.Path(target)}:{function} {{ print({expression}); }}");
        Assert.Equal(new ExitStatus(1, null), result.Exit);
        Assert.All(expected, text => Assert.Contains(text, result.Errors, StringComparison.Ordinal));
    }

    private static int LineOf(string mark) => Array.FindIndex(File.ReadAllLines(Targets.Script("typed.c")), line => line.Contains(mark, StringComparison.Ordinal)) + 1;

    private static string Run(string engine, string program, string script) => UprobeCommand.Results("run", "-q", "--engine", engine, "-c", program, "-e", script).TrimEnd('\n') + "\n";
}
