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
}
