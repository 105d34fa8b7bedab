using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>What may change while a process runs is as it is at the hit.</summary>
public sealed class UserRunTests
{
    private const string Python = "/usr/bin/python3";

    [Theory]
    [InlineData("inline")]
    [InlineData("trap")]
    public void A_script_is_told_the_user_that_the_thread_is_at_the_hit(string engine)
    {
        Require.Root();
        Require.InstalledFile(Python);
        CommandResult result = UprobeCommand.Run("run", "-q", "--engine", engine, "-c", $"{Python} -c 'import os; os.getsid(0); os.setgid(2); os.setuid(1); os.getsid(0)'",
            "-e", "uprobe:libc:getsid /uid < 2/ { printf(\"%d %d %s\\n\", uid, gid, username); @[uid, gid] = count(); }");
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        Assert.Equal("0 0 root\n1 2 daemon\n\n\n@[0, 0]: 1\n@[1, 2]: 1\n", result.Output);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("trap")]
    public void Users_and_parents_in_namespaces_are_numbered_as_the_tracer_numbers_them(string engine)
    {
        RequireNamespaces();
        CommandResult result = UprobeCommand.Run("run", "-q", "--engine", engine, "-c", Elsewhere, "-e",
            "uprobe:libc:getsid { printf(\"%d %d %s %d %d\\n\", uid, gid, username, ppid == cpid, pid); @[uid, gid, ppid == cpid] = count(); }");
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        Assert.Equal("0 0 root 1 1\n\n\n@[0, 0, true]: 1\n", result.Output);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("trap")]
    public void A_forked_child_that_begins_in_other_namespaces_is_numbered_as_the_tracer_numbers_it(string engine)
    {
        RequireNamespaces();
        const int UserAndProcessNamespaces = 0x30000000;
        string program = $"import ctypes, os; os.getsid(0); assert ctypes.CDLL(None).unshare({UserAndProcessNamespaces}) == 0; p = os.fork(); p or os.getsid(0); p and os.waitpid(p, 0)";
        CommandResult result = UprobeCommand.Run("run", "-q", "--engine", engine, "-c", $"{Python} -c '{program}'", "-e", "uprobe:libc:getsid { @[uid, gid, ppid == cpid] = count(); }");
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        Assert.Equal("\n\n@[0, 0, false]: 1\n@[0, 0, true]: 1\n", result.Output);
    }

    /// <summary>The first process of a container is the parent of others: within, it is 1.</summary>
    [Theory]
    [InlineData("auto")]
    [InlineData("trap")]
    public void Parents_that_are_in_a_namespace_too_are_numbered_as_the_tracer_numbers_them(string engine)
    {
        RequireNamespaces();
        const string Program = "import os; p = os.fork(); p or os.getsid(0); p and os.waitpid(p, 0)";
        CommandResult result = UprobeCommand.Run("run", "-q", "--engine", engine, "-c", $"unshare --pid --fork {Python} -c '{Program}'", "-e", "uprobe:libc:getsid { @[pid, ppid > cpid] = count(); }");
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        Assert.Equal("\n\n@[2, true]: 1\n", result.Output);
    }

    [Theory]
    [InlineData("uid == 0", "is in another user namespace, which has other numbers for users and groups")]
    [InlineData("gid == 0", "is in another user namespace, which has other numbers for users and groups")]
    [InlineData("ppid == cpid", "is in another process namespace, which has another number for its parent")]
    public void Programs_that_would_be_given_other_numbers_are_refused(string condition, string reason)
    {
        RequireNamespaces();
        CommandResult result = UprobeCommand.Run("run", "-q", "--engine", "inline", "-c", Elsewhere, "-e", $"uprobe:libc:getsid /{condition}/ {{ @ = count(); }}");
        Assert.Contains(reason, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Programs_that_ask_for_no_such_numbers_run_in_processes_of_other_namespaces()
    {
        RequireNamespaces();
        CommandResult result = UprobeCommand.Run("run", "-q", "--engine", "inline", "-c", Elsewhere, "-e", "uprobe:libc:getsid { @[pid, comm] = count(); }");
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        Assert.Equal("\n\n@[1, python3]: 1\n", result.Output);
    }

    /// <summary>A program that sees itself as process 1 of user 5 and group 6.</summary>
    private static string Elsewhere => $"unshare --user --map-user=5 --map-group=6 --pid --fork {Python} -c 'import os; assert os.getuid() == 5 and os.getpid() == 1; os.getsid(0)'";

    private static void RequireNamespaces()
    {
        Require.Root();
        Require.InstalledFile(Python);
        using TargetProcess tried = TargetProcess.Start(Require.Program("unshare"), "--user", "--map-user=5", "--map-group=6", "--pid", "--fork", "true");
        Assert.SkipUnless(tried.WaitForExit() == new ExitStatus(0, null), $"needs user namespaces: {tried.Errors}");
    }
}
