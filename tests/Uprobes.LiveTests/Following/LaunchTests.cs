using Uprobes.Images;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>A program that a session starts is armed before its first instruction.</summary>
public class LaunchTests
{
    [Theory]
    [InlineData("early")]
    [InlineData("early-nopie")]
    [InlineData("early-static")]
    [InlineData("early-static-pie")]
    [InlineData("early-musl")]
    public void All_functions_of_the_program_are_counted_from_its_first_instruction_on(string name)
    {
        string program = Targets.Path(name);
        using UprobeSession session = UprobeSession.Launch(program, ["5"]);
        Notices notices = session.Listen();
        using ProbeRegistration start = session.Count(program, "_start");
        using ProbeRegistration constructor = session.Count(program, "early_own");
        using ProbeRegistration main = session.Count(program, "main");
        using ProbeRegistration work = session.Count(program, "work");
        session.Start();
        session.AwaitCompletion();
        Assert.Equal(0, session.LaunchedExitCode);
        Assert.Equal((1, 1, 1, 5), (start.Hits, constructor.Hits, main.Hits, work.Hits));
        notices.AssertNone();
    }

    [Theory]
    [InlineData("early")]
    [InlineData("early-nopie")]
    public void Libraries_are_counted_from_their_first_instruction_on(string name)
    {
        using UprobeSession session = UprobeSession.Launch(Targets.Path(name), []);
        Notices notices = session.Listen();
        ElfImage linker = session.OpenImage("/lib64/ld-linux-x86-64.so.2");
        using ProbeRegistration entry = session.Register(
            ProbePoint.At(linker.Path, EntryOf("/lib64/ld-linux-x86-64.so.2")), new ProbeHandlers());
        using ProbeRegistration state = session.Count(linker.Path, "_dl_debug_state");
        using ProbeRegistration constructor = session.Count(Targets.Path("libearly.so"), "early_init");
        using ProbeRegistration last = session.Count(Targets.Path("libearly.so"), "early_library_calls");
        using ProbeRegistration main = session.Count("libc", "__libc_start_main");
        session.Start();
        session.AwaitCompletion();
        Assert.Equal(0, session.LaunchedExitCode);
        Assert.Equal((1, 2, 1, 1), (entry.Hits, constructor.Hits, last.Hits, main.Hits));
        Assert.Equal(2, state.Hits); // before and after the libraries of the program are added
        notices.AssertNone();
    }

    [Fact]
    public void Functions_of_musl_are_counted_from_the_start()
    {
        string program = Targets.Path("early-musl");
        string library = Require.InstalledFile("/lib/ld-musl-x86_64.so.1");
        using UprobeSession session = UprobeSession.Launch(program, []);
        Notices notices = session.Listen();
        using ProbeRegistration main = session.Count(library, "__libc_start_main");
        using ProbeRegistration alarm = session.Count(library, "alarm");
        session.Start();
        session.AwaitCompletion();
        Assert.Equal(0, session.LaunchedExitCode);
        Assert.Equal((1, 1), (main.Hits, alarm.Hits));
        notices.AssertNone();
    }

    /// <summary>The file offset of a shared object's entry point (its first segment begins at address 0 and offset 0).</summary>
    private static ulong EntryOf(string path)
    {
        const int EntryField = 24;
        using FileStream file = File.OpenRead(path);
        byte[] header = new byte[EntryField + sizeof(ulong)];
        file.ReadExactly(header);
        return BitConverter.ToUInt64(header, EntryField);
    }
}
