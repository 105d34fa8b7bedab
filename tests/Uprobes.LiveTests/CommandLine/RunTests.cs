using System.Text.Json;
using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>Scripts of the bpftrace language on real processes.</summary>
public sealed class RunTests
{
    private const string Target = "calls-pie";

    [Theory]
    [InlineData(Signals.Interrupt)]
    [InlineData(Signals.Terminate)]
    public void A_signal_ends_the_run_with_END_and_the_maps_and_the_process_is_as_before(int signal)
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        using TargetProcess tool = Attach(target, $"{Probe("nothing")} {{ @n = count(); }} {Probe("fact")} {{ @[func, arg0] = count(); }} END {{ printf(\"end\\n\"); }}");
        Assert.Equal("1", target.Ask("nothing 1234"));
        target.Ask("fact 2");
        tool.Signal(signal);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        string entries = string.Concat(Enumerable.Range(1, 10).Select(n => $"@[fact, {n}]: 2\n"));
        Assert.Equal($"end\n\n\n{entries}@n: 1234\n", tool.Output);
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void Arguments_strings_and_structs_are_read_from_the_process()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target,
            "struct rectangle { int width; int height; const char *name; }"
            + $"{Probe("greet")} {{ printf(\"greet %s\\n\", str(arg0)); }}"
            + $"{Probe("sum7")} {{ printf(\"sum7 %d %d %d %d\\n\", arg0, arg1, arg5, arg6); }}"
            + $"{Probe("area")} {{ $r = (struct rectangle *)arg0; printf(\"area %d %d %s\\n\", $r->width, $r->height, str($r->name)); print(*$r); }}"
            + $"uretprobe:{Targets.Path(Target)}:area {{ printf(\"= %d\\n\", retval); }}");
        target.Ask("greet 2");
        target.Ask("sum7 2");
        target.Ask("area 2");
        target.Quit();
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        string[] lines = [.. Lines(tool.Output)];
        Assert.Equal(
            ["greet Ada", "greet Grace", "sum7 0 2 6 7", "sum7 1 2 6 7", "area 0 7 r"],
            lines[..5]);
        Assert.Matches(@"^\{ \.width = 0, \.height = 7, \.name = 0x[0-9a-f]+ \}$", lines[5]);
        Assert.Equal(["= 0", "area 1 7 r"], lines[6..8]);
        Assert.Equal("= 7", lines[9]);
    }

    [Fact]
    public void Entry_and_return_are_joined_by_a_map()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target,
            $"{Probe("sum6")} {{ @start[tid] = nsecs; }} uretprobe:{Targets.Path(Target)}:sum6 /@start[tid]/ {{ @calls = count(); @longest = max(nsecs - @start[tid]); delete(@start, tid); }}"
            + "END { printf(\"%d\\n\", (int64)@longest > 0); clear(@longest); }");
        target.Ask("sum6 50");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Equal("1\n\n\n@calls: 50\n", tool.Output);
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Theory]
    [InlineData("inline", "the action was ended after 250,000 rounds of its loops, 2 times: a loop in it goes on too long")]
    [InlineData("trap", "the action was ended after 50,000,000 steps: a loop in it goes on too long")]
    public void A_loop_that_does_not_end_is_ended_and_told_with_its_place(string engine, string message)
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, $"{Probe("sum6")} {{ @before = count(); while (arg0 < 2) {{ }} @behind = count(); }}", "--engine", engine);
        target.Ask("sum6 5");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Equal("\n\n@before: 5\n@behind: 3\n", tool.Output);
        Assert.Contains($"ERROR: {message}", tool.Errors, StringComparison.Ordinal);
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void Exit_ends_the_run_with_its_code_and_the_process_goes_on()
    {
        // At a breakpoint nothing is between the action and the next hit; a program's reader comes some hits later.
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, $"{Probe("nothing")} {{ if (++@n == 3) {{ exit(7); }} }}", "--engine", "trap");
        Assert.Equal("1", target.Ask("nothing 100"));
        Assert.Equal(new ExitStatus(7, null), tool.WaitForExit());
        Assert.Equal("\n\n@n: 3\n", tool.Output);
        using TargetProcess other = Attach(target, $"{Probe("nothing")} {{ ++@n; printf(\"%d\\n\", @n); if (@n == 3) {{ exit(7); }} }}");
        Assert.Equal("1", target.Ask("nothing 100"));
        Assert.Equal(new ExitStatus(7, null), other.WaitForExit());
        Assert.StartsWith("1\n2\n3\n\n\n@n: ", other.Output, StringComparison.Ordinal);
        Assert.Equal("1", target.Ask("nothing 5"));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    public static TheoryData<string> Actions =>
    [
        "uprobe:PATH:fact { @[func, arg0] = count(); @h = hist(arg0); @s = stats(arg0); @l = lhist(arg0, 0, 10, 2); }",
        "uprobe:PATH:fact { @depth[comm]++; @most = max(@depth[comm]); } uretprobe:PATH:fact { @depth[comm]--; @r[retval] = count(); }",
        "uprobe:PATH:greet { printf(\"%s %d\\n\", str(arg0), ++@n); @names[str(arg0)] = count(); @last[comm] = str(arg0); }",
        "uprobe:PATH:sum7 /arg0 > 1/ { @[arg0 + arg6, probe] = sum(arg1); if (@seen[arg0]) { @again = count(); } @seen[arg0] = 1; delete(@seen[2]); }",
        "uprobe:PATH:sum6 { @[ustack(3)] = sum(arg0); @where[usym(reg(\"ip\"))] = count(); } BEGIN { @sum = 5; } uprobe:PATH:sum7 { @sum += arg0; } END { print(@sum); }",
        "struct rectangle { int width; int height; const char *name; } uprobe:PATH:area { $r = (struct rectangle *)arg0; @[$r->width, str($r->name)] = sum($r->height); }",
    ];

    [Theory]
    [MemberData(nameof(Actions))]
    public void Programs_in_the_target_and_actions_at_breakpoints_find_the_same(string script)
    {
        string[] outputs = [.. ((string[])["inline", "trap"]).Select(engine =>
        {
            using TargetProcess target = TargetProcess.StartTarget(Target);
            using TargetProcess tool = Attach(target, script.Replace("PATH", Targets.Path(Target), StringComparison.Ordinal), "--engine", engine);
            foreach (string request in (string[])["fact 5", "greet 4", "sum7 6", "area 3"])
                target.Ask(request);
            tool.Signal(Signals.Interrupt);
            Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
            Assert.Equal(new ExitStatus(0, null), target.Quit());
            return tool.Output;
        })];
        Assert.Equal(outputs[1], outputs[0]);
        Assert.True(outputs[0].Length > 20, outputs[0]);
    }

    [Theory]
    [InlineData("inline")]
    [InlineData("trap")]
    public void Stacks_before_and_after_an_exec_are_named_by_their_own_programs(string engine)
    {
        // The shell forks, and what it has forked executes one program, which executes the other. Their functions are at the same address.
        string commands = $"printf 'parent 5\\npath {Targets.Path("execer-two")}\\nparent 6\\nquit\\n' | {Targets.Path("execer-one")}; true";
        CommandResult result = UprobeCommand.Run("run", "--engine", engine, "-c", $"/bin/sh -c \"{commands}\"", "-e", "uprobe:libc:getppid { @[ustack(2)] = count(); printf(\"from %s\\n\", usym(*(uint64 *)reg(\"sp\"))); }");
        Assert.Equal(new ExitStatus(0, null), result.Exit);
        string[] stacks = [.. result.Output.Split("@[").Skip(1).Where(stack => stack.Contains("called_in_", StringComparison.Ordinal)).Select(stack => string.Join(' ', stack.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)))];
        Assert.Equal(2, stacks.Length);
        Assert.All(stacks, stack => Assert.Matches(@"^(__)?getppid\+0\S* called_in_(one|two)\+\d+\S* \]: 1$", stack));
        Assert.Single(stacks, stack => stack.Contains("called_in_one", StringComparison.Ordinal));
        Assert.Contains("from called_in_one\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("from called_in_two\n", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Patterns_and_offsets_name_their_probes()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        string path = Targets.Path(Target);
        using TargetProcess tool = Attach(target, $"uprobe:{path}:sum? {{ @[func, probe] = count(); }}");
        target.Ask("sum7 3");
        tool.Signal(Signals.Interrupt);
        tool.WaitForExit();
        Assert.Equal($"\n\n@[sum6, uprobe:{path}:sum6]: 3\n@[sum7, uprobe:{path}:sum7]: 3\n", tool.Output);
        target.Quit();
    }

    [Fact]
    public void Stacks_lead_from_the_function_to_main()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, $"{Probe("sum6")} {{ @[ustack] = count(); }}");
        target.Ask("sum7 3");
        tool.Signal(Signals.Interrupt);
        tool.WaitForExit();
        string[] frames = [.. Lines(tool.Output).Select(line => line.Trim().Split('+')[0])];
        Assert.Equal("sum6", frames[1]);
        Assert.Contains("sum7", frames);
        Assert.Contains("main", frames);
        target.Quit();
    }

    [Theory]
    [InlineData("inline")]
    [InlineData("trap")]
    public void Stacks_show_inlined_calls_and_count_only_the_others(string engine)
    {
        const string Inlined = "stacks-inlined";
        string path = Targets.Path(Inlined);
        using TargetProcess target = TargetProcess.StartTarget(Inlined);
        using TargetProcess tool = Attach(target,
            $"uprobe:{path}:mark /@n < 1/ {{ @n++; print(ustack(2)); print(ustack(perf, 2)); print(ustack(raw, 2)); }}", "--engine", engine);
        target.Ask("folds 3");
        tool.Signal(Signals.Interrupt);
        tool.WaitForExit();
        string[] lines = [.. Lines(tool.Output).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '@')];
        Assert.Equal(14, lines.Length);
        Assert.Equal("mark+0@", lines[0][..7]);
        Assert.Matches(@"^\[inlined\] geometry::\(anonymous namespace\)::hidden(\(long\))?@.*/stacks\.cpp:\d+$", lines[1]);
        Assert.Matches(@"^\[inlined\] geometry::Box::area\(long\)@.*/stacks\.cpp:\d+$", lines[2]);
        Assert.Matches(@"^\[inlined\] geometry::Box::made\(long\)@.*/stacks\.cpp:\d+$", lines[4]);
        Assert.Matches(@"^geometry::folds\(long\)\+\d+@.*/stacks\.cpp:\d+$", lines[5]);
        Assert.Matches($@"^[0-9a-f]+ mark\+0 \({path}\)$", lines[6]);
        Assert.Matches(@"^[0-9a-f]+ geometry::Box::area\(long\) \(inlined\)$", lines[8]);
        Assert.Matches($@"^[0-9a-f]+ geometry::folds\(long\)\+\d+ \({path}\)$", lines[11]);
        Assert.Equal([lines[6].Split(' ')[0], lines[11].Split(' ')[0]], lines[12..14]);
        target.Quit();
    }

    [Theory]
    [InlineData("inline")]
    [InlineData("trap")]
    public void Why_inlined_calls_are_left_out_is_told_once_also_by_stacks_that_are_named_at_the_end(string engine)
    {
        const string Split = "stacks-split";
        string path = Targets.Path(Split);
        using TargetProcess target = TargetProcess.StartTarget(Split);
        using TargetProcess tool = Attach(target, $"uprobe:{path}:mark {{ @[ustack] = count(); }}", "--engine", engine);
        target.Ask("folds 3");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Contains("folds(long)+", tool.Output, StringComparison.Ordinal);
        string told = Assert.Single(Lines(tool.Errors), line => line.Contains("inlined calls are left out", StringComparison.Ordinal));
        Assert.EndsWith($"{path}: inlined calls are left out of stacks: its debug information is in .dwo files, which are not read (compile without -gsplit-dwarf)", told, StringComparison.Ordinal);
        target.Quit();
    }

    [Theory]
    [InlineData("allocsize.bt")]
    [InlineData("slowsql.bt")]
    [InlineData("lockwait.bt")]
    [InlineData("resolve.bt")]
    [InlineData("tlsbytes.bt")]
    public void Ready_scripts_find_their_functions(string script)
    {
        // All its actions can be programs, and every function is there.
        string path = Path.Combine(Checkout.Root, "tools", script);
        Assert.Equal(new CommandResult(new ExitStatus(0, null), "", ""), UprobeCommand.Run("run", "--dry-run", "--engine", "inline", path, "-c", "true", "10"));
    }

    [Fact]
    public void JSON_is_an_object_a_line()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = UprobeCommand.Start("run", "-p", $"{target.Pid}", "-f", "json", "-e", $"{Probe("greet")} {{ printf(\"%s\\n\", str(arg0)); @[str(arg0)] = count(); @h = hist(5); }}");
        tool.WaitForLine("{\"type\": \"attached_probes\"");
        target.Ask("greet 3");
        target.Quit();
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        JsonElement[] objects = [.. Objects(tool.Output)];
        Assert.Equal(["attached_probes", "printf", "printf", "printf", "map", "hist"], objects.Select(o => o.GetProperty("type").GetString()));
        Assert.Equal("a\tb\u001b[31m\n", objects[3].GetProperty("data").GetString());
        Assert.Equal(1, objects[4].GetProperty("data").GetProperty("@").GetProperty("Grace").GetInt32());
    }

    [Fact]
    public void A_command_is_probed_from_its_start_and_its_end_ends_the_run()
    {
        string output = UprobeCommand.Results("run", "-c", "/bin/sh -c 'exit 3'", "-e",
            "BEGIN { @child = cpid > 0; } uprobe:libc:__libc_start_main { @starts = count(); }");
        Assert.Equal("\n\n@child: true\n@starts: 1\n", output);
    }

    [Fact]
    public void A_database_shows_its_statements()
    {
        Require.InstalledFile("/usr/bin/sqlite3");
        string output = UprobeCommand.Results("run", "-c", "sqlite3 :memory: 'create table t(a)' 'insert into t values (7)' 'select a from t'", "-e",
            "uprobe:libsqlite3:sqlite3_prepare_v2 { printf(\"%s\\n\", str(arg1)); }");
        // The library prepares some of its own between them.
        string[] own = ["create table t(a)", "insert into t values (7)", "select a from t"];
        Assert.Equal(own, Lines(output).Where(own.Contains));
    }

    [Fact]
    public void Intervals_need_no_process()
    {
        CommandResult result = UprobeCommand.Run("run", "-q", "-e", "BEGIN { printf(\"begin\\n\"); } interval:ms:5 { if (++@n == 4) { exit(2); } } END { printf(\"end\\n\"); }");
        Assert.Equal(new CommandResult(new ExitStatus(2, null), "begin\nend\n\n\n@n: 4\n", ""), result);
    }

    [Fact]
    public void A_signal_of_the_script_runs_its_action()
    {
        using TargetProcess tool = UprobeCommand.Start("run", "-e", "self:signal:SIGUSR1 { printf(\"got it\\n\"); exit(); }");
        tool.WaitForErrorLine("Attached 1 probe");
        const int User1 = 10;
        tool.Signal(User1);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Equal("got it\n\n\n", tool.Output);
    }

    [Theory]
    [InlineData("uprobe:PATH:nothing { printf(\"%d\", ); }", "stdin:1:", "ERROR: ")]
    [InlineData("uprobe:PATH:nothin { }", "No matches for uprobe ", "HINT: did you mean `nothing`?")]
    [InlineData("uprobe:STRIPPED:nothing { }", "No matches for uprobe ", "HINT: it is stripped, and names only what it exports: keep its symbol table")]
    [InlineData("uprobe:PATH:nothing+1000000 { }", "Offset outside the function bounds ('nothing' size is ", "")]
    [InlineData("uprobe:PATH:0x1 { }", "Could not resolve address: ", ":0x1")]
    [InlineData("kprobe:vfs_read { }", "`kprobe` probes are the kernel's", "")]
    [InlineData("uprobe:/no/such/file:f { }", "no file called `/no/such/file` was found", "")]
    public void What_cannot_be_is_told_with_its_place_and_leaves_the_process_alone(string script, string message, string more)
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        CommandResult result = UprobeCommand.Run("run", "-p", $"{target.Pid}", "-e", script
            .Replace("PATH", Targets.Path(Target), StringComparison.Ordinal)
            .Replace("STRIPPED", Targets.Path("calls-stripped"), StringComparison.Ordinal));
        Assert.Equal(new ExitStatus(1, null), result.Exit);
        Assert.Equal("", result.Output);
        Assert.StartsWith("stdin:1:", result.Errors, StringComparison.Ordinal);
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
        Assert.Contains(more, result.Errors, StringComparison.Ordinal);
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
    }

    [Fact]
    public void Missing_probes_can_be_passed_over()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, $"config = {{ missing_probes = warn }} {Probe("nosuch")} {{ @a = 1; }} {Probe("nothing")} {{ @n = count(); }}");
        target.Ask("nothing 2");
        target.Quit();
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Equal("\n\n@n: 2\n", tool.Output);
        Assert.Contains("WARNING: No matches for uprobe ", tool.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Unsafe_actions_need_consent_and_then_act()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        string script = $"{Probe("sum6")} {{ override(1000); }}";
        CommandResult refused = UprobeCommand.Run("run", "-p", $"{target.Pid}", "-e", script);
        Assert.Equal(new ExitStatus(1, null), refused.Exit);
        Assert.Contains("--unsafe", refused.Errors, StringComparison.Ordinal);
        string plain = target.Ask("sum6 1");
        using TargetProcess tool = UprobeCommand.Start("run", "-p", $"{target.Pid}", "--unsafe", "-e", script);
        tool.WaitForErrorLine("Attached 1 probe");
        Assert.NotEqual(plain, target.Ask("sum6 1"));
        tool.Signal(Signals.Interrupt);
        tool.WaitForExit();
        Assert.Equal(plain, target.Ask("sum6 1"));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void Probes_of_a_pattern_are_listed()
    {
        CommandResult result = UprobeCommand.Run("run", "-l", $"uprobe:{Targets.Path(Target)}:sum?");
        Assert.Equal(new CommandResult(new ExitStatus(0, null), $"uprobe:{Targets.Path(Target)}:sum6\nuprobe:{Targets.Path(Target)}:sum7\n", ""), result);
    }

    [Fact]
    public void A_script_that_probes_needs_to_be_told_what()
    {
        CommandResult result = UprobeCommand.Run("run", "-e", "uprobe:libc:malloc { }");
        Assert.Equal(new ExitStatus(1, null), result.Exit);
        Assert.Contains("probing every process of the system is not there yet", result.Errors, StringComparison.Ordinal);
    }

    private static string Probe(string function) => $"uprobe:{Targets.Path(Target)}:{function}";

    internal static TargetProcess Attach(TargetProcess target, string script, params string[] more)
    {
        TargetProcess tool = UprobeCommand.Start(["run", "-p", $"{target.Pid}", "-e", script, .. more]);
        try
        {
            tool.WaitForErrorLine("Attached ");
            return tool;
        }
        catch
        {
            tool.Dispose(); // the caller never gets it
            throw;
        }
    }
}
