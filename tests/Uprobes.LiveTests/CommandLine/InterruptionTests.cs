using System.Diagnostics;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>Ctrl-C at any moment, while hundreds of functions of a busy program are armed, hit or freed again: the program does not notice.</summary>
public sealed class InterruptionTests
{
    private const int Rounds = 4;
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);
    private static readonly string Targets = Path.Combine(Checkout.Root, "tests", "targets");

    public static TheoryData<string, string> Commands => new()
    {
        { "count", "/bin/bash:*" },
        { "count", "/bin/bash:*variable* --where retval!=0" },
        { "hist", "/bin/bash:*variable* retval&255" },
        { "latency", "/bin/bash:*" },
        { "trace", "/bin/bash:*variable* --format s=x -r -o /dev/null" },
    };

    [Theory]
    [MemberData(nameof(Commands))]
    public void Bash_comes_to_the_same_end(string command, string arguments)
    {
        string[] script = ["/bin/bash", Path.Combine(Targets, "workload.sh")];
        (ExitStatus Exit, string Output) expected = Plain(script);
        Interrupt(command, arguments, script, expected);
    }

    [Theory]
    [InlineData("latency", "/usr/bin/python3:Py*")]
    [InlineData("hist", "/usr/bin/python3:Py*New* retval&1")]
    public void Python_comes_to_the_same_end(string command, string arguments)
    {
        string[] script = [Require.InstalledFile("/usr/bin/python3"), Path.Combine(Targets, "workload.py")];
        Interrupt(command, arguments, script, Plain(script));
    }

    /// <summary>A copy that the kernel has made of a process in the moment in which its patches come or go must be as good as any other.</summary>
    [Theory]
    [InlineData("count", "/bin/bash:*variable*")]
    [InlineData("latency", "/bin/bash:*")]
    public void Subshells_that_are_forked_at_that_moment_come_to_their_end(string command, string arguments)
    {
        const string Forks = "for (( i = 0; i < 600; i++ )); do v=$(printf '%05d' \"$i\"); [[ -n $v ]] || echo \"lost $i $?\"; done; echo done";
        string[] script = ["/bin/bash", "--norc", "-c", Forks];
        Interrupt(command, arguments, script, (new ExitStatus(0, null), "done\n"));
    }

    /// <summary>So do shells start what stands in front of an ampersand in a script.</summary>
    [Theory]
    [InlineData("count libc:read", "attached 1 probe")]
    [InlineData("run -e u:libc:read{@=count()}", "Attached 1 probe")]
    public void A_command_that_was_started_to_ignore_interrupts_is_ended_by_one(string command, string told)
    {
        using TargetProcess target = TargetProcess.Start("/bin/cat");
        string[] words = command.Split(' ');
        using TargetProcess tool = TargetProcess.Start("/bin/sh",
            ["-c", "trap '' INT; exec \"$@\"", "sh", UprobeCommand.Path, words[0], "-p", $"{target.Pid}", .. words[1..]]);
        tool.WaitForErrorLine(told);
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
    }

    [Fact]
    public void A_started_command_ignores_interrupts_where_it_would_without_us()
    {
        const string ShowsIgnored = "grep -m1 SigIgn: /proc/self/status";
        using TargetProcess tool = TargetProcess.Start("/bin/sh", ["-c", "trap '' INT; exec \"$@\"", "sh", UprobeCommand.Path, "run", "-q", "-e", "u:libc:read{@=count()}", "-c", ShowsIgnored]);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        ulong ignored = Convert.ToUInt64(tool.Output.Split('\n')[0].Split('\t')[1], 16);
        Assert.Equal(1ul << (Signals.Interrupt - 1), ignored);
    }

    private static void Interrupt(string command, string arguments, string[] script, (ExitStatus, string) expected)
    {
        const int Seed = 3;
        Random moments = new(Seed);
        for (int round = 0; round < Rounds; round++)
        {
            using TargetProcess target = TargetProcess.Start(script[0], script[1..]);
            using TargetProcess tool = UprobeCommand.Start([command, "-p", $"{target.Pid}", .. arguments.Split(' ')]);
            TimeSpan until = Longest * moments.NextDouble();
            long start = Stopwatch.GetTimestamp();
            SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(start) >= until);
            tool.Signal(Signals.Interrupt);
            // A signal before the command has taken hold of it ends it as any program; a script that was faster is no process any more.
            ExitStatus end = tool.WaitForExit();
            Assert.True(end == new ExitStatus(0, null) || end == new ExitStatus(null, Signals.Interrupt) || tool.Errors.Contains("cannot attach", StringComparison.Ordinal) || tool.Errors.Contains("ended before the probes", StringComparison.Ordinal), $"{end}: {tool.Errors}");
            Assert.DoesNotContain("not expected", tool.Errors, StringComparison.Ordinal);
            Assert.Equal(expected, (target.WaitForExit(), target.Output));
        }
    }

    private static (ExitStatus Exit, string Output) Plain(string[] script)
    {
        using TargetProcess target = TargetProcess.Start(script[0], script[1..]);
        return (target.WaitForExit(), target.Output);
    }
}
