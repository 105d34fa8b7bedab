using Uprobes.LiveTests.Following;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.StaticProbes;

/// <summary>Scripts and handlers at static probes, and what they read there.</summary>
public sealed class ArgumentTests
{
    private const string Script = """
        usdt:PATH:plain { printf("plain %d %c\n", arg0, arg1); }
        usdt:PATH:app:kinds { printf("kinds %d %d %d %d\n", arg0, arg1, arg2, arg3); }
        usdt:PATH:fix* { printf("fixed %d %d %s\n", arg0, arg1, probe); }
        usdt:PATH:places { printf("places %d %d %d %d %x %d %x %d %d %d\n", arg0, arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8, arg9); }
        usdt:PATH:copied /arg0 != 0/ { @copied[arg0 & 0xff] = count(); }
        usdt:PATH:guarded { @guarded = sum(arg0); }
        """;

    [Theory]
    [InlineData("marked", "auto")]
    [InlineData("marked", "trap")]
    [InlineData("marked-nopie", "auto")]
    [InlineData("marked-nopie", "trap")]
    public void Arguments_are_read_where_the_notes_say(string name, string engine)
    {
        using TargetProcess target = TargetProcess.StartTarget(name);
        string path = Targets.Path(name);
        using TargetProcess tool = Run(target, Script.Replace("PATH", path, StringComparison.Ordinal), engine);
        foreach (string request in (string[])["plain 2", "kinds 2", "copies 4", "guarded 5"])
            target.Ask(request);
        tool.Signal(CommandLine.Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Equal($"""
            plain 0 a
            plain 1 b
            kinds 0 255 -1000 -16
            fixed 7 -3 usdt:{path}:app:fixed
            places 11 -22 200 -56 80 -2 80fe 1450737918 12 -5
            kinds -1 254 -1001 -17
            fixed 7 -3 usdt:{path}:app:fixed
            places 11 -22 200 3 80 -2 80fe 1450737918 12 -5


            @copied[1]: 1
            @copied[3]: 1
            @copied[254]: 1
            @guarded: 10

            """, tool.Output);
        Assert.Equal("0", target.Ask("semaphore"));
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
    }

    [Fact]
    public void Handlers_read_arguments_by_the_note()
    {
        using TargetProcess target = TargetProcess.StartTarget("marked");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        List<long> seen = [];
        foreach (ProbePoint point in session.StaticProbes(Targets.Path("marked"), "cop*", "a?p"))
        {
            session.Register(point, new ProbeHandlers
            {
                Pre = hit =>
                {
                    Assert.False(hit.TryReadArgument(point.StaticProbe!, 1, out _));
                    Assert.True(hit.TryReadArgument(point.StaticProbe!, 0, out long value));
                    seen.Add(value);
                },
            });
        }

        target.Ask("copies 4");
        Assert.Equal([0, 1, -2, 3], seen);
        target.QuitsWell();
    }

    [Fact]
    public void Static_probes_of_the_C_plus_plus_library_tell_of_exceptions()
    {
        using TargetProcess target = TargetProcess.StartTarget("throw");
        using TargetProcess tool = Run(target, "usdt:libstdc++:libstdcxx:throw { @thrown = count(); } usdt:libstdc++:catch { @caught = count(); }", "auto");
        target.Ask("deep 25");
        tool.Signal(CommandLine.Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Equal("\n\n@caught: 25\n@thrown: 25\n", tool.Output);
        target.QuitsWell();
    }

    [Theory]
    [InlineData("marked", "usdt:PATH:app:guardet { }", "No matches for usdt PATH:app:guardet", "did you mean `guarded`?")]
    [InlineData("marked", "usdt:PATH:lib:plain { }", "No matches for usdt PATH:lib:plain", "did you mean `app:plain`?")]
    [InlineData("calls-pie", "usdt:PATH:plain { }", "PATH has no static probes", "uprobe:FILE:FUNCTION")]
    [InlineData("marked", "usdt:PATH:plain { print(arg2); }", "usdt:PATH:app:plain: it has 2 arguments, arg0 to arg1, and no arg2", "arg2")]
    [InlineData("marked", "usdt:PATH:app:p* { print(arg99); }", "every match of usdt PATH:app:p* is left out", "app:plain is left out: it has 2 arguments")]
    [InlineData("marked", "usdt:PATH:places { print(arg10); }", "its arg10, `8f@%xmm0`, cannot be read: it is a floating-point number", "arg10")]
    public void What_cannot_be_probed_is_said_before_anything_runs(string name, string script, string message, string hint)
    {
        using TargetProcess target = TargetProcess.StartTarget(name);
        CommandResult result = UprobeCommand.Run("run", "-p", $"{target.Pid}", "-e", script.Replace("PATH", Targets.Path(name), StringComparison.Ordinal));
        Assert.Equal(new ExitStatus(1, null), result.Exit);
        Assert.Contains(message.Replace("PATH", Targets.Path(name), StringComparison.Ordinal), result.Errors, StringComparison.Ordinal);
        Assert.Contains(hint, result.Errors, StringComparison.Ordinal);
        target.QuitsWell();
    }

    [Fact]
    public void Static_probes_are_listed_by_list_and_by_run()
    {
        string path = Targets.Path("libmarked.so");
        CommandResult listed = UprobeCommand.Run("list", "--usdt", path);
        Assert.Matches(@"^ *0x[0-9a-f]+  lib:passed -8@\S+\n *0x[0-9a-f]+  lib:guarded -8@\S+ \(semaphore\)\n$", listed.Output);
        CommandResult run = UprobeCommand.Run("run", "-l", $"usdt:{path}:*");
        Assert.Equal($"usdt:{path}:lib:guarded\nusdt:{path}:lib:passed\n", run.Output);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("trap")]
    public void Trace_count_and_hist_take_static_probes(string engine)
    {
        using TargetProcess target = TargetProcess.StartTarget("marked");
        string probes = $"usdt:{Targets.Path("marked")}:app";
        using (TargetProcess trace = CommandLine.TracedCalls.Attach(target, "trace", $"{probes}:plain", "--format", "dc", "--where", "arg0 > 0", "--engine", engine))
        {
            target.Ask("plain 3");
            trace.Signal(CommandLine.Signals.Interrupt);
            Assert.Equal(new ExitStatus(0, null), trace.WaitForExit());
            Assert.Equal(["app:plain(1, 'b')", "app:plain(2, 'c')"], CommandLine.TracedCalls.Calls(trace.Output));
        }

        using (TargetProcess count = CommandLine.TracedCalls.Attach(target, "count", $"{probes}:*", "--engine", engine))
        {
            target.Ask("guarded 5");
            target.Ask("copies 4");
            count.Signal(CommandLine.Signals.Interrupt);
            Assert.Equal(new ExitStatus(0, null), count.WaitForExit());
            Assert.Matches(@"\n *5 +app:guarded\n *2 +app:copied\n *2 +app:copied\n", count.Output);
        }

        Assert.Equal("0", target.Ask("semaphore"));
        CommandResult tooMany = UprobeCommand.Run("trace", "-p", $"{target.Pid}", $"{probes}:plain");
        Assert.Equal(new ExitStatus(1, null), tooMany.Exit);
        Assert.Contains("app:plain has no arg2", tooMany.Errors, StringComparison.Ordinal);
        Assert.Contains("--args 2", tooMany.Errors, StringComparison.Ordinal);
        CommandResult returns = UprobeCommand.Run("latency", "-p", $"{target.Pid}", $"{probes}:plain");
        Assert.Contains("is a static probe, which has no return", returns.Errors, StringComparison.Ordinal);
        target.QuitsWell();
    }

    private static TargetProcess Run(TargetProcess target, string script, string engine)
    {
        TargetProcess tool = UprobeCommand.Start("run", "-p", $"{target.Pid}", "--engine", engine, "-e", script);
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
