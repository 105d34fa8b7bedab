using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Registry;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>Processes that have different files under one name, as containers have.</summary>
public sealed class SeveralProcessesTests
{
    [Fact]
    public void Calls_are_counted_in_each_process_s_own_copy_of_a_library()
    {
        using PrivateFolder first = Folder(), second = Folder();
        using TargetProcess one = first.Start("dl"), other = second.Start("dl");
        one.Ask("open");
        other.Ask("open");
        using TargetProcess tool = UprobeCommand.Start("count", "-p", $"{one.Pid}", "-p", $"{other.Pid}", "libplug:plug_work");
        tool.WaitForErrorLine("attached 2 probes");
        one.Ask("call 5");
        other.Ask("call 7");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Equal("       COUNT  FUNCTION\n           7  libplug.so:plug_work\n           5  libplug.so:plug_work\n          12  total\n", tool.Output);
        Assert.Equal(new ExitStatus(0, null), one.Quit());
        Assert.Equal(new ExitStatus(0, null), other.Quit());
    }

    private static PrivateFolder Folder()
    {
        PrivateFolder folder = new();
        folder.Copy("dl");
        folder.Copy("libplug.so");
        return folder;
    }
}
