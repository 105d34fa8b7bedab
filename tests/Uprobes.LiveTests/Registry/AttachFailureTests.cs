using System.Buffers.Binary;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;
using Uprobes.Processes;

namespace Uprobes.LiveTests.Registry;

/// <summary>Every cause that ptrace(2) hides behind one error is told apart, nothing is changed in the process, and nothing is left.</summary>
public sealed class AttachFailureTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void No_such_process(int pid) => Expect(AttachFailure.NoSuchProcess, pid, "there is no such process");

    [Fact]
    public void A_zombie()
    {
        using TargetProcess ended = TargetProcess.Start("true");
        Eventually.Holds(() => ended.HasExited, "the process ends");
        Expect(AttachFailure.Zombie, ended.Pid, "already ended");
    }

    [Fact]
    public void The_process_itself() => Expect(AttachFailure.Self, Environment.ProcessId, "this process itself");

    [Fact]
    public void A_process_that_another_session_traces()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession first = UprobeSession.Attach(target.Pid);
        using ProbeRegistration registration = first.Register(ProbePoint.At("calls-pie", "nothing"), Count.Only);
        Expect(AttachFailure.AlreadyTraced, target.Pid, $"already traced by process {Environment.ProcessId}");
        target.Ask("nothing 2");
        Assert.Equal(2, registration.Hits);
    }

    [Fact]
    public void A_process_that_another_program_traces()
    {
        Require.Program("strace");
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using TargetProcess tracer = TargetProcess.Start("strace", "-p", target.Pid.ToString(System.Globalization.CultureInfo.InvariantCulture));
        tracer.WaitForErrorLine("strace: Process ");
        Expect(AttachFailure.AlreadyTraced, target.Pid, $"already traced by process {tracer.Pid} (strace)");
    }

    [Fact]
    public void A_kernel_thread()
    {
        Assert.SkipUnless(File.Exists("/proc/2/comm") && File.ReadAllText("/proc/2/comm") == "kthreadd\n", "needs the machine's own process table");
        Require.Root();
        Expect(AttachFailure.KernelThread, 2, "kernel thread");
    }

    [Fact]
    public void A_32_bit_program()
    {
        using PrivateFolder folder = new();
        string path = folder.At("pause32");
        File.WriteAllBytes(path, Pause32());
        PrivateFolder.Run("chmod", "755", path);
        TargetProcess program;
        try
        {
            program = TargetProcess.Start(path);
        }
        catch (Linux.SyscallException e)
        {
            Assert.Skip($"this kernel does not run 32-bit programs: {e.Message}");
            return;
        }

        using (program)
        {
            program.WaitForLine("ready");
            Expect(AttachFailure.ThirtyTwoBit, program.Pid, "32-bit");
        }
    }

    [Fact]
    public void Of_several_processes_none_is_traced_when_one_cannot_be()
    {
        using TargetProcess one = TargetProcess.StartTarget("calls-pie"), two = TargetProcess.StartTarget("calls-pie");
        ProcessSnapshot before = ProcessSnapshot.Take(one.Pid);
        Assert.Throws<AttachException>(() => UprobeSession.Attach([one.Pid, int.MaxValue, two.Pid]));
        Assert.Empty(ProcessSnapshot.Take(one.Pid).DifferencesFrom(before));
        Assert.Equal(0, ProcessSnapshot.Take(two.Pid).TracerPid);
    }

    private static void Expect(AttachFailure reason, int pid, string message)
    {
        AttachException error = Assert.Throws<AttachException>(() => UprobeSession.Attach(pid));
        Assert.Equal((reason, pid), (error.Reason, error.ProcessId));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.StartsWith($"cannot attach to process {pid}: ", error.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// A 32-bit program by hand: header, one segment, then
    /// <code>
    ///   mov $4, %eax; mov $1, %ebx; mov $text, %ecx; mov $6, %edx; int $0x80     write(1, "ready\n", 6)
    ///   mov $29, %eax; int $0x80; jmp .-7                                        pause() for ever
    /// </code>
    /// </summary>
    private static byte[] Pause32()
    {
        const int HeaderSize = 52, SegmentSize = 32, Code = HeaderSize + SegmentSize;
        const uint Base = 0x08048000;
        byte[] code =
        [
            0xB8, 4, 0, 0, 0, 0xBB, 1, 0, 0, 0, 0xB9, 0, 0, 0, 0, 0xBA, 6, 0, 0, 0, 0xCD, 0x80,
            0xB8, 29, 0, 0, 0, 0xCD, 0x80, 0xEB, 0xF7,
            .. "ready\n"u8,
        ];
        BinaryPrimitives.WriteUInt32LittleEndian(code.AsSpan(11), Base + Code + (uint)code.Length - 6);
        byte[] file = new byte[Code + code.Length];
        Span<byte> header = file;
        "\u007fELF"u8.CopyTo(header);
        (header[4], header[5], header[6]) = (1, 1, 1);
        BinaryPrimitives.WriteUInt16LittleEndian(header[16..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[18..], 3);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(header[24..], Base + Code);
        BinaryPrimitives.WriteUInt32LittleEndian(header[28..], HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header[40..], HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header[42..], SegmentSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header[44..], 1);
        Span<byte> segment = header[HeaderSize..];
        BinaryPrimitives.WriteUInt32LittleEndian(segment, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(segment[8..], Base);
        BinaryPrimitives.WriteUInt32LittleEndian(segment[16..], (uint)file.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(segment[20..], (uint)file.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(segment[24..], 5);
        BinaryPrimitives.WriteUInt32LittleEndian(segment[28..], 4096);
        code.CopyTo(file, Code);
        return file;
    }
}
