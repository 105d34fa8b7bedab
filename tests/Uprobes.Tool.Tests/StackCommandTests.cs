using System.Text.Json;
using Uprobes.Images.SourceLines;
using Uprobes.Stacks;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>stack, from the command line to what is written.</summary>
public sealed class StackCommandTests
{
    private static readonly FakeImage Image = new("/lib/libc.so.6", new FunctionInfo("malloc", 0x100, 16), new FunctionInfo("calloc", 0x200, 16));

    [Fact]
    public void Equal_stacks_are_one_and_the_hottest_comes_first()
    {
        var tool = Run(s =>
        {
            s.HitFrom([1, 2, 3]);
            s.HitFrom([1, 2, 4]);
            s.HitFrom([1, 2, 4]);
            s.HitFrom([1, 2, 4]);
        }, "libc:malloc");
        Assert.Equal(
            """
            4 calls in 2 stacks

              75.0%  3 calls
                      f1  libx.so.1
                      f2  libx.so.1
                      f4  libx.so.1

              25.0%  1 call
                      f1  libx.so.1
                      f2  libx.so.1
                      f3  libx.so.1

            """,
            tool.Output);
    }

    [Fact]
    public void Offsets_sources_and_places_without_a_name_are_shown()
    {
        var tool = Run(s =>
        {
            s.Stacks.Names[2] = new StackFrame(2, "main", 0x1c, "/usr/bin/app", 0x101c) { Source = new SourceLine("/src/app.c", 12) };
            s.Stacks.Names[3] = new StackFrame(3, null, 0, "/usr/bin/app", 0x77);
            s.Stacks.Names[4] = new StackFrame(4, null, 0, null, 0);
            s.HitFrom([1, 2, 3, 4, FakeStacks.Cut]);
        }, "libc:malloc");
        Assert.Equal(["f1  libx.so.1", "main+0x1c  app  /src/app.c:12", "app+0x77", "0x4", "..."], Lines(tool.Output)[2..].Select(l => l.Trim()));
    }

    [Fact]
    public void Inlined_calls_are_frames_that_do_not_count_as_depth()
    {
        var session = (FakeSession s) =>
        {
            s.Stacks.Names[2] = new StackFrame(2, "main", 0x1c, "/usr/bin/app", 0x101c) { Source = new SourceLine("app.c", 12) };
            s.Stacks.Inlined[2] =
            [
                new StackFrame(2, "inner", 0, "/usr/bin/app", 0x101c) { IsInlined = true, Source = new SourceLine("app.h", 3) },
                new StackFrame(2, "outer", 0, "/usr/bin/app", 0x101c) { IsInlined = true },
            ];
            s.HitFrom([1, 2, 3]);
        };
        Assert.Equal(["f1  libx.so.1", "inner (inlined)  app  app.h:3", "outer (inlined)  app", "main+0x1c  app  app.c:12", "..."],
            Lines(Run(session, "libc:malloc", "--depth", "2").Output)[2..].Select(l => l.Trim()));
        Assert.Contains(
            """{"function":"inner","inlined":true,"image":"/usr/bin/app","imageOffset":4124,"file":"app.h","line":3},{"function":"outer","inlined":true,"image":"/usr/bin/app","imageOffset":4124},{"function":"main","offset":28,""",
            Run(session, "libc:malloc", "-f", "json").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_is_summed_up_and_decides_which_stack_is_hottest()
    {
        var tool = Run(s =>
        {
            s.HitFrom([1, 2], 0, 10);
            s.HitFrom([1, 2], 0, 20);
            s.HitFrom([1, 3], 0, 90);
        }, "libc:malloc", "--by", "arg0", "--depth", "2");
        Assert.Equal(["3 calls in 2 stacks, arg0 120 in sum", "75.0%  arg0 90, 1 call", "25.0%  arg0 30, 2 calls"],
            Lines(tool.Output).Select(l => l.Trim()).Where(l => l.Contains("call", StringComparison.Ordinal)));
    }

    [Fact]
    public void Only_so_many_calls_of_a_stack_and_so_many_stacks_are_shown()
    {
        var tool = Run(s =>
        {
            for (ulong i = 0; i < 10; i++)
                s.HitFrom([1, 2, 10 + i]);
            s.HitFrom([1, 3]);
            s.HitFrom([1, 4, 5, 6]);
        }, "libc:malloc", "--depth", "2", "-n", "1");
        Assert.Equal(["12 calls in 3 stacks", "83.3%  10 calls", "f1  libx.so.1", "f2  libx.so.1", "...", "16.7%  2 more stacks (-n 3 shows all)"],
            Lines(tool.Output).Select(l => l.Trim()));
    }

    [Fact]
    public void Stacks_of_several_functions_tell_whose_they_are_and_only_calls_that_are_wanted_count()
    {
        var tool = Run(s =>
        {
            s.HitFrom([1, 2], 0, 5);
            s.HitFrom([1, 2], 1, 5);
            s.HitFrom([1, 2], 1, 4);
        }, "libc:malloc", "libc:calloc", "--where", "arg0 == 5");
        Assert.Equal(["2 calls in 2 stacks", "50.0%  1 call of malloc", "50.0%  1 call of calloc"],
            Lines(tool.Output).Select(l => l.Trim()).Where(l => l.Contains("call", StringComparison.Ordinal)));
    }

    [Fact]
    public void Json_has_all_stacks_and_what_is_known_of_each_call()
    {
        var tool = Run(s =>
        {
            s.Stacks.Names[2] = new StackFrame(2, "main", 0x1c, "/usr/bin/app", 0x101c) { Source = new SourceLine("app.c", 12) };
            s.HitFrom([1, 2], 0, 7);
            s.HitFrom([1, 3], 0, 1);
        }, "libc:malloc", "-f", "json", "-n", "1", "--by", "arg0");
        Assert.Equal(
            [
                """{"type":"stack","image":"/lib/libc.so.6","function":"malloc","count":1,"value":"arg0","sum":7,"share":0.875,"cut":false,"frames":[{"function":"f1","offset":0,"image":"/lib/libx.so.1","imageOffset":1},{"function":"main","offset":28,"image":"/usr/bin/app","imageOffset":4124,"file":"app.c","line":12}]}""",
                """{"type":"stack","image":"/lib/libc.so.6","function":"malloc","count":1,"value":"arg0","sum":1,"share":0.125,"cut":false,"frames":[{"function":"f1","offset":0,"image":"/lib/libx.so.1","imageOffset":1},{"function":"f3","offset":0,"image":"/lib/libx.so.1","imageOffset":3}]}""",
            ],
            Lines(tool.Output));
    }

    [Fact]
    public void Names_of_files_reach_no_terminal_as_they_are()
    {
        var tool = Run(s =>
        {
            s.Stacks.Names[2] = new StackFrame(2, "ev\e]0;il\a", 0, "/tmp/\e[2J\n", 0) { Source = new SourceLine("a\rb", 1) };
            s.HitFrom([1, 2]);
        }, "libc:malloc");
        Assert.DoesNotContain(tool.Output, c => c != '\n' && char.IsControl(c));
        Assert.Contains("ev\\x1b]0;il", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Lost_stacks_are_told_and_the_calls_are_counted_all_the_same()
    {
        var tool = Run(s =>
        {
            s.HitFrom([1, 2]);
            s.Lose(new QueryLosses(Events: 3, 0, 0, 0, 0, 0));
        }, "libc:malloc", "-f", "json");
        Assert.Equal("""{"type":"lost","count":3}""", Lines(tool.Output)[^1]);
        Assert.Contains("the stacks of 3 calls are missing: they came faster than they could be read (--one-of 100 looks at fewer)", tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_function_that_is_called_often_a_few_stacks_do_and_no_call_goes_uncounted()
    {
        var tool = Run(s =>
        {
            // The time of the hits decides: that of the test's own are all 0, which is picked.
            s.HitFrom([1, 2]);
            s.HitFrom([1, 2]);
        }, "libc:malloc", "--one-of", "100");
        Assert.Contains("about 200 calls", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Stacks_of_which_nothing_is_found_are_told()
    {
        var tool = Run(s => s.HitFrom([0]), "libc:malloc");
        Assert.Equal("1 call, none of whose stacks was seen\n", tool.Output);
        Assert.Contains("of 1 call nothing could be found in the stack", tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Stacks_whose_program_is_not_known_any_more_when_they_are_named_are_told()
    {
        var tool = Run(s =>
        {
            s.Stacks.IsForgetful = true;
            s.HitFrom([1, 2]);
            s.Stacks.IsForgetful = false;
            s.HitFrom([1, 2]);
        }, "libc:malloc");
        Assert.Contains("f1  libx.so.1", tool.Output, StringComparison.Ordinal);
        Assert.Contains("of 1 call nothing could be found in the stack", tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Processes_are_looked_at_before_the_first_call()
    {
        var session = new FakeSession(Image, s => s.Complete());
        Assert.Equal(0, new ToolHarness(session).Run("stack", "-p", "2147483647", "libc:malloc"));
        Assert.Equal([42], session.Stacks.LookedAt);
        Assert.True(session.Stacks.IsDisposed);
    }

    [Theory]
    [InlineData("stack -p 2147483647 libc:malloc --by retval", "the stack is that of the call's entry")]
    [InlineData("stack -p 2147483647 libc:malloc --where duration>1", "the stack is that of the call's entry")]
    [InlineData("stack -p 2147483647 libc:malloc --by argo", "there is no `argo`")]
    [InlineData("stack -p 2147483647 libc:malloc --depth 0", "--depth 0")]
    [InlineData("stack -p 2147483647 libc:malloc --depth 128", "--depth 128")]
    [InlineData("stack -p 2147483647 libc:malloc --one-of 0", "--one-of 0")]
    [InlineData("stack -p 2147483647 libc:malloc -n 0", "-n 0")]
    [InlineData("stack libc:malloc --", "no command follows --")]
    public void A_command_line_without_meaning_is_answered_with_what_and_a_hint(string commandLine, string what) => ToolHarness.AssertRefused(commandLine, what);

    private static ToolHarness Run(Action<FakeSession> calls, params string[] arguments) => ToolHarness.Observe(Image, calls, ["stack", "-p", "2147483647", .. arguments]);

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
