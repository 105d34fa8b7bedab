using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using Uprobes.Arming.Trap.X64;
using Uprobes.Linux;

namespace Uprobes.LiveTests.Life;

/// <summary>Programs started by the launcher: what they get, and what the tracer gets of them.</summary>
[SupportedOSPlatform("linux")] // for the file mode that a test sets
public sealed class TargetLauncherTests
{
    private const int SigPipe = 13, SigTerm = 15;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public void Arguments_arrive_as_they_were_given()
    {
        string[] arguments = ["sh", "-c", "printf '[%s]' \"$0\" \"$@\"", "name", "", "two words", "ünï\ncode", "'\"$"];
        Assert.Equal((0, "[name][][two words][ünï\ncode]['\"$]"), Run("/bin/sh", arguments));
    }

    [Fact]
    public void A_given_environment_is_the_whole_environment() =>
        Assert.Equal((0, "B=2\nA=1\n"), Run("/usr/bin/env", ["env"], request => request with { Environment = ["B=2", "A=1"] }));

    [Fact]
    public void Without_one_the_environment_is_our_own_with_what_the_runtime_has_changed()
    {
        const string name = "UPROBES_LAUNCHER_TEST";
        Environment.SetEnvironmentVariable(name, "set later");
        (int status, string output) = Run("/usr/bin/env", ["env", "-0"]);
        Assert.Equal(0, status);
        string[] expected = [.. Environment.GetEnvironmentVariables().Keys.Cast<string>().Order(StringComparer.Ordinal)];
        string[] entries = output.Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains($"{name}=set later", entries);
        Assert.Equal(expected, entries.Select(entry => entry[..entry.IndexOf('=')]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void It_starts_in_the_working_directory_that_was_asked_for()
    {
        Assert.Equal((0, "/usr\n"), Run("/bin/pwd", ["pwd", "-P"], request => request with { WorkingDirectory = "/usr" }));
        Assert.Equal((0, Environment.CurrentDirectory + "\n"), Run("/bin/pwd", ["pwd", "-P"]));
    }

    [Fact]
    public void Standard_descriptors_are_the_ones_that_were_given_even_crosswise()
    {
        // 0, 1 and 2 each become the next one's; the script compares what it has got with what it is told.
        string[] own = [.. Enumerable.Range(0, 3).Select(number => new FileInfo($"/proc/self/fd/{number}").LinkTarget!)];
        const string script = "for n in 0 1 2; do [ \"$(readlink /proc/$$/fd/$n)\" = \"$1\" ] || exit 1$n; shift; done";
        using LaunchedTarget target = TargetLauncher.Fork(new LaunchRequest
        {
            Path = "/bin/sh", Arguments = ["sh", "-c", script, "sh", own[1], own[2], own[0]],
            StandardInput = 1, StandardOutput = 2, StandardError = 0,
        });
        target.Release();
        Assert.Equal(0, ChildProcess.Collect(target.ProcessId));
    }

    [Fact]
    public void Standard_input_is_read_to_its_end()
    {
        (SafeFileHandle read, SafeFileHandle write) = Descriptors.Pipe(nonBlocking: false);
        WritePipe(write, "some input"u8);
        write.Dispose();
        using (read)
            Assert.Equal((0, "some input"), Run("/bin/cat", ["cat"], request => request with { StandardInput = (int)read.DangerousGetHandle() }));
    }

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 42", 42 << 8)]
    [InlineData("kill -KILL $$", 9)]
    [InlineData("kill -PIPE $$", SigPipe)]
    public void The_wait_status_is_the_programs(string script, int status) => Assert.Equal((status, ""), Run("/bin/sh", ["sh", "-c", script]));

    [Theory]
    [InlineData("/nonexistent/program", null, LaunchStep.Execute, Errno.ENOENT)]
    [InlineData("/etc/passwd", null, LaunchStep.Execute, Errno.EACCES)]
    [InlineData("/tmp", null, LaunchStep.Execute, Errno.EACCES)]
    [InlineData("/bin/true", "/nonexistent", LaunchStep.WorkingDirectory, Errno.ENOENT)]
    [InlineData("/bin/true", "/etc/passwd", LaunchStep.WorkingDirectory, Errno.ENOTDIR)]
    public void A_failure_to_execute_says_what_failed(string path, string? directory, object step, int error)
    {
        using LaunchedTarget target = TargetLauncher.Fork(
            new LaunchRequest { Path = path, Arguments = ["x"], WorkingDirectory = directory });
        target.Release();
        Assert.Equal(127 << 8, ChildProcess.Collect(target.ProcessId));
        Assert.Equal(error, target.TryReadExecError());
        Assert.Equal((LaunchStep)step, target.FailedStep);
    }

    [Fact]
    public void A_file_that_is_no_program_is_refused_by_the_kernel()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "life-not-a-program");
        File.WriteAllText(path, "neither ELF nor #!");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        using LaunchedTarget target = TargetLauncher.Fork(new LaunchRequest { Path = path, Arguments = ["x"] });
        target.Release();
        Assert.Equal(127 << 8, ChildProcess.Collect(target.ProcessId));
        Assert.Equal(Errno.ENOEXEC, target.TryReadExecError());
        File.Delete(path);
    }

    [Fact]
    public void The_program_has_no_blocked_or_handled_signal_no_extra_descriptor_and_our_process_group()
    {
        using var running = new RunningCat();
        string[] status = File.ReadAllLines($"/proc/{running.ProcessId}/status");
        Assert.Contains("SigBlk:\t0000000000000000", status);
        Assert.Contains("SigCgt:\t0000000000000000", status);
        Assert.Contains("SigPnd:\t0000000000000000", status);
        ulong ownIgnored = Ignored(File.ReadAllLines("/proc/self/status"));
        Assert.NotEqual(0u, ownIgnored & (1u << (SigPipe - 1)));
        Assert.Equal(ownIgnored & ~(1ul << (SigPipe - 1)), Ignored(status));

        IEnumerable<int> descriptors = Directory.GetFiles($"/proc/{running.ProcessId}/fd").Select(path => int.Parse(Path.GetFileName(path)));
        Assert.Equal(InheritableDescriptors(), descriptors.Order());
        Assert.Equal(StatField("self", 2), StatField($"{running.ProcessId}", 2)); // process group
        Assert.Equal(StatField("self", 3), StatField($"{running.ProcessId}", 3)); // session
        Assert.Equal(StatField("self", 4), StatField($"{running.ProcessId}", 4)); // terminal
    }

    [Fact]
    public void The_tracer_can_seize_it_before_it_has_executed_anything()
    {
        using LaunchedTarget target = TargetLauncher.Fork(new LaunchRequest { Path = "/bin/true", Arguments = ["true"] });
        Assert.Equal(0, LifeNative.ptrace(LifeNative.PTRACE_SEIZE, target.ProcessId, 0, LifeNative.PTRACE_O_TRACEEXEC));
        Assert.NotEqual("true\n", File.ReadAllText($"/proc/{target.ProcessId}/comm"));
        target.Release();
        // The child is this thread's: __WNOTHREAD finds it.
        Assert.Equal(target.ProcessId, WaitOnThisThread(target.ProcessId, out int status));
        Assert.Equal((5 | 4 << 8) << 8 | 0x7F, status); // PTRACE_EVENT_EXEC
        Assert.Null(target.TryReadExecError());
        Assert.Equal("true\n", File.ReadAllText($"/proc/{target.ProcessId}/comm"));
        Assert.Equal(0, LifeNative.ptrace(LifeNative.PTRACE_DETACH, target.ProcessId, 0, 0));
        Assert.Equal(target.ProcessId, WaitOnThisThread(target.ProcessId, out status));
        Assert.Equal(0, status);
    }

    [Fact]
    public void A_signal_sent_while_it_waits_takes_effect_at_its_release()
    {
        using LaunchedTarget target = TargetLauncher.Fork(new LaunchRequest { Path = "/bin/true", Arguments = ["true"] });
        Assert.Equal(0, LifeNative.kill(target.ProcessId, SigTerm));
        Assert.Null(ChildProcess.TryCollect(target.ProcessId));
        target.Release();
        Assert.Equal(SigTerm, ChildProcess.Collect(target.ProcessId));
    }

    [Fact]
    public void Disposing_one_that_was_not_released_ends_it()
    {
        LaunchedTarget target = TargetLauncher.Fork(new LaunchRequest { Path = "/bin/true", Arguments = ["true"] });
        // Another one, made later, holds copies of the first one's pipes.
        using LaunchedTarget other = TargetLauncher.Fork(new LaunchRequest { Path = "/bin/true", Arguments = ["true"] });
        target.Dispose();
        target.Dispose();
        Assert.False(Directory.Exists($"/proc/{target.ProcessId}"));
        other.Release();
        Assert.Equal(0, ChildProcess.Collect(other.ProcessId));
    }

    [Fact]
    public void One_that_waits_ends_when_its_tracer_is_killed()
    {
        using HostProcess host = HostProcess.Start("hold", "/bin/true");
        using SafeFileHandle end = Descriptors.OpenProcess(host.ReadNumber("held"));
        host.Kill();
        LifeNative.WaitForEnd(end, Deadline);
    }

    [Fact]
    public void Two_hundred_launches_all_run()
    {
        for (int i = 0; i < 200; i++)
            Assert.Equal((0, ""), Run("/bin/true", ["true"]));
    }

    [Fact]
    public void Strings_with_a_nul_and_an_empty_argument_vector_are_refused()
    {
        Assert.Throws<ArgumentException>(() => TargetLauncher.Fork(new LaunchRequest { Path = "/bin/true", Arguments = ["a\0b"] }));
        Assert.Throws<ArgumentException>(() => TargetLauncher.Fork(new LaunchRequest { Path = "/bin/true", Arguments = [] }));
    }

    [Fact]
    public void A_descriptor_that_is_not_open_is_refused_before_anything_starts()
    {
        SyscallException refused = Assert.Throws<SyscallException>(
            () => TargetLauncher.Fork(new LaunchRequest { Path = "/bin/true", Arguments = ["true"], StandardInput = 99_999 }));
        Assert.Equal(Errno.EBADF, refused.Error);
    }

    /// <summary>Runs a program to its end; its wait status and standard output.</summary>
    private static (int Status, string Output) Run(string path, string[] arguments, Func<LaunchRequest, LaunchRequest>? change = null)
    {
        (SafeFileHandle read, SafeFileHandle write) = Descriptors.Pipe(nonBlocking: false);
        LaunchedTarget target;
        using (write)
        {
            var request = new LaunchRequest { Path = path, Arguments = arguments, StandardOutput = (int)write.DangerousGetHandle() };
            target = TargetLauncher.Fork(change is null ? request : change(request));
        }
        using (target)
        using (var output = new StreamReader(new FileStream(read, FileAccess.Read)))
        {
            target.Release();
            string text = output.ReadToEnd();
            int status = ChildProcess.Collect(target.ProcessId);
            Assert.Null(target.TryReadExecError());
            return (status, text);
        }
    }

    private static int WaitOnThisThread(int processId, out int status) =>
        LifeNative.waitpid(processId, out status, LibC.__WALL | LifeNative.__WNOTHREAD);

    private static string StatField(string process, int afterName) =>
        File.ReadAllText($"/proc/{process}/stat").Split(") ")[1].Split(' ')[afterName];

    private static ulong Ignored(string[] status) =>
        Convert.ToUInt64(status.Single(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))[8..], 16);

    private static IOrderedEnumerable<int> InheritableDescriptors() => Directory.GetFiles("/proc/self/fdinfo")
        .Where(path => File.Exists(path) && (Convert.ToInt32(File.ReadLines(path).First(line => line.StartsWith("flags:", StringComparison.Ordinal))[7..].Trim(), 8)
            & LibC.O_CLOEXEC) == 0)
        .Select(path => int.Parse(Path.GetFileName(path))).Order();

    private static unsafe void WritePipe(SafeFileHandle handle, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
            Assert.Equal(bytes.Length, LibC.write(handle, start, (nuint)bytes.Length));
    }

    /// <summary>A cat that has echoed a byte, and so has executed.</summary>
    private sealed class RunningCat : IDisposable
    {
        private readonly SafeFileHandle _input;
        private readonly LaunchedTarget _target;

        internal unsafe RunningCat()
        {
            (SafeFileHandle inputRead, _input) = Descriptors.Pipe(nonBlocking: false);
            (SafeFileHandle outputRead, SafeFileHandle outputWrite) = Descriptors.Pipe(nonBlocking: false);
            _target = TargetLauncher.Fork(new LaunchRequest
            {
                Path = "/bin/cat", Arguments = ["cat"],
                StandardInput = (int)inputRead.DangerousGetHandle(), StandardOutput = (int)outputWrite.DangerousGetHandle(),
            });
            _target.Release();
            WritePipe(_input, "x"u8);
            byte echo;
            Assert.Equal(1, LibC.read(outputRead, &echo, 1));
            inputRead.Dispose();
            outputRead.Dispose();
            outputWrite.Dispose();
        }

        internal int ProcessId => _target.ProcessId;

        public void Dispose()
        {
            _input.Dispose();
            Assert.Equal(0, ChildProcess.Collect(ProcessId));
            _target.Dispose();
        }
    }
}
