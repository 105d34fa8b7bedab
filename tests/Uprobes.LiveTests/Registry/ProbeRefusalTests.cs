using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Uprobes.Arming.X64;
using Uprobes.Images;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Registry;

/// <summary>Every way in which a registration can be refused has its own reason and a message that says what to do about it; none leaves anything.</summary>
public sealed class ProbeRefusalTests : IDisposable
{
    private readonly PrivateFolder _folder = new();
    private readonly LeakCheck _leaks = new();

    public void Dispose()
    {
        _folder.Dispose();
        _leaks.AssertNothingLeft();
    }

    [Fact]
    public void No_such_file() => Expect(ProbeRefusalReason.NoSuchFile, ProbePoint.At(_folder.At("missing"), "f"), "missing");

    [Fact]
    public void No_such_library() => Expect(ProbeRefusalReason.NoSuchFile, ProbePoint.At("libmissing", "f"), "libmissing");

    [Fact]
    public void Not_ELF()
    {
        File.WriteAllText(_folder.At("script"), "#!/bin/sh\n");
        Expect(ProbeRefusalReason.NotElf, ProbePoint.At(_folder.At("script"), "f"), "script");
    }

    [Fact]
    public void Not_a_file() => Expect(ProbeRefusalReason.NotElf, ProbePoint.At(_folder.Path, "f"), "not a regular file");

    [Fact]
    public void An_image_for_another_machine() => Expect(ProbeRefusalReason.NotElf, ProbePoint.At(Patched(18, 183), "f"), "183");

    [Fact]
    public void A_malformed_image() => Expect(ProbeRefusalReason.MalformedImage, ProbePoint.At(Patched(16, 99), "f"), "e_type");

    [Fact]
    public void A_truncated_image()
    {
        string path = _folder.Copy("calls-pie");
        PrivateFolder.Run("truncate", "--size", "8192", path);
        Expect(ProbeRefusalReason.MalformedImage, ProbePoint.At(path, "nothing"), "calls-pie");
    }

    [Fact]
    public void No_such_function() => Expect(ProbeRefusalReason.NoSuchSymbol, ProbePoint.At("calls-pie", "missing"), "no function missing");

    [Fact]
    public void An_offset_behind_the_function() => Expect(ProbeRefusalReason.OffsetOutsideText, ProbePoint.At("calls-pie", "nothing", 1000), "nothing has");

    [Fact]
    public void An_offset_past_the_end_of_the_file() => Expect(ProbeRefusalReason.OffsetOutsideText, ProbePoint.At("calls-pie", 1UL << 40), "past the end");

    [Fact]
    public void An_offset_in_the_header() => Expect(ProbeRefusalReason.OffsetOutsideText, ProbePoint.At("calls-pie", 0), "not in executable text");

    [Fact]
    public void An_offset_in_read_only_data()
    {
        using ElfImage image = ElfImage.Open(Targets.Path("calls-pie"));
        ElfSection section = image.Sections.Single(s => s.Name == ".rodata");
        Expect(ProbeRefusalReason.OffsetOutsideText, ProbePoint.At("calls-pie", section.FileOffset), "not in executable text");
    }

    [Fact]
    public void An_offset_inside_an_instruction()
    {
        FunctionSymbol function = FunctionOf("calls-pie", "sum7", out byte[] code);
        InstructionBoundaries boundaries = InstructionBoundaries.Decode(code, 0);
        ulong inside = Enumerable.Range(1, code.Length - 1).Select(i => (ulong)i).First(i => !boundaries.IsBoundary(i));
        Expect(ProbeRefusalReason.NotInstructionBoundary, ProbePoint.At("calls-pie", "sum7", inside), "inside an instruction");
        Expect(ProbeRefusalReason.NotInstructionBoundary, ProbePoint.At("calls-pie", function.Offset.Value + inside), "inside an instruction");
    }

    [Theory]
    [InlineData(0xF4, "privileged")]
    [InlineData(0xCC, "breakpoint")]
    [InlineData(0x06, "")]
    public void An_instruction_that_cannot_be_displaced(byte code, string message)
    {
        FunctionSymbol function = FunctionOf("calls-pie", "nothing", out _);
        string path = Patched((int)function.Offset.Value, code);
        Expect(ProbeRefusalReason.UnsupportedInstruction, ProbePoint.At(path, "nothing"), message);
    }

    [Fact]
    public void The_signal_return_sequence()
    {
        FunctionSymbol function = FunctionOf("calls-static", "__restore_rt", out _);
        Expect(ProbeRefusalReason.UnsafeLocation, ProbePoint.At("calls-static", "__restore_rt"), "unwinders", "calls-static");
        Expect(ProbeRefusalReason.UnsafeLocation, ProbePoint.At("calls-static", function.Offset.Value + SignalReturn.SyscallOffset), "unwinders", "calls-static");
    }

    [Fact]
    public void A_return_probe_that_is_not_at_an_entry()
    {
        FunctionOf("calls-pie", "sum7", out byte[] code);
        ulong second = Enumerable.Range(1, 15).Select(i => (ulong)i).First(InstructionBoundaries.Decode(code, 0).IsBoundary);
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbeRefusal refusal = Assert.Throws<ProbeRefusedException>(
            () => session.RegisterReturn(ProbePoint.At("calls-pie", "sum7", second), new ReturnHandlers())).Refusal;
        Assert.Equal(ProbeRefusalReason.ReturnNotTraceable, refusal.Reason);
        Assert.Contains("first instruction", refusal.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_another_tool_has_changed()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        ulong offset = FunctionOf("calls-pie", "nothing", out byte[] code).Offset.Value;
        ulong address = AddressOf(target.Pid, Targets.Path("calls-pie"), offset);
        Poke(target.Pid, address, 0xCC);
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            ProbeRefusal refusal = Refused(session, ProbePoint.At("calls-pie", "nothing"));
            Assert.Equal(ProbeRefusalReason.ImageChanged, refusal.Reason);
            Assert.Contains("another tool's breakpoint", refusal.Detail, StringComparison.Ordinal);
            Assert.Equal(0xCC, Peek(target.Pid, address));
        }

        Assert.Equal(0xCC, Peek(target.Pid, address));
        Poke(target.Pid, address, code[0]);
    }

    [Fact]
    public void Text_that_is_mapped_shared()
    {
        string library = _folder.Copy("libplug.so");
        byte[] before = File.ReadAllBytes(library);
        const string Script = "import mmap,sys,os\nf=os.open(sys.argv[1],os.O_RDWR)\n"
            + "m=mmap.mmap(f,0,flags=mmap.MAP_SHARED,prot=mmap.PROT_READ|mmap.PROT_EXEC)\nos.close(f)\nprint('ready ',flush=True)\nsys.stdin.readline()";
        using TargetProcess target = TargetProcess.Start(Require.Program("python3"), "-c", Script, library);
        target.WaitForLine("ready ");
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            ProbeRefusal refusal = Refused(session, ProbePoint.At(library, "plug_work"));
            Assert.Equal(ProbeRefusalReason.SharedMapping, refusal.Reason);
            Assert.Contains("shared", refusal.Detail, StringComparison.Ordinal);
        }

        Assert.Equal(before, File.ReadAllBytes(library));
    }

    [Fact]
    public void A_second_mapping_that_is_shared_is_told_and_the_first_is_probed()
    {
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        string expected = target.Ask("go 3");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = new(session);
        using ProbeRegistration registration = session.Register(ProbePoint.At("mapper", "leaf"), Count.Only);
        Assert.Equal(expected, target.Ask("shared 3"));
        Assert.Equal(expected, target.Ask("go 3"));
        Assert.Equal(3, registration.Hits);
        Assert.Contains("shared", Assert.Single(notices.Of(NoticeKind.Refused)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_memory_near_the_image()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        PrivateFolder.Run("prlimit", "--pid", target.Pid.ToString(CultureInfo.InvariantCulture), "--as=65536");
        Expect(target, ProbeRefusalReason.NoMemoryNearImage, ProbePoint.At("calls-pie", "nothing"), "ENOMEM");
    }

    [Fact]
    public void A_session_that_was_disposed()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        UprobeSession session = UprobeSession.Attach(target.Pid);
        session.Dispose();
        ProbeRefusal refusal = Refused(session, ProbePoint.At("calls-pie", "nothing"));
        Assert.Equal((ProbeRefusalReason.SessionEnded, "the session was disposed"), (refusal.Reason, refusal.Detail));
        Assert.Equal(ProbeRefusalReason.SessionEnded, Assert.Throws<ProbeRefusedException>(() => session.OpenImage("calls-pie")).Refusal.Reason);
    }

    [Fact]
    public void A_session_whose_process_is_gone()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        target.Signal(9);
        Eventually.Holds(() => session.Completion.IsCompleted, "the session ends");
        ProbeRefusal refusal = Refused(session, ProbePoint.At(Targets.Path("calls-pie"), "nothing"));
        Assert.Equal((ProbeRefusalReason.SessionEnded, "the processes of the session have ended"), (refusal.Reason, refusal.Detail));
    }

    [Fact]
    public void Of_several_probes_those_that_can_be_stand()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        RegistrationResult result = session.RegisterAll(
        [
            new ProbeRequest(ProbePoint.At("calls-pie", "nothing"), Count.Only),
            new ProbeRequest(ProbePoint.At("calls-pie", "missing"), Count.Only),
            new ProbeRequest(ProbePoint.At("libmissing", "f"), Count.Only),
            new ProbeRequest(ProbePoint.At("calls-pie", "work"), Count.Only),
        ]);
        Assert.Equal(["calls-pie:nothing", "calls-pie:work"], result.Registrations.Select(r => r.Point.ToString()));
        Assert.Equal([ProbeRefusalReason.NoSuchSymbol, ProbeRefusalReason.NoSuchFile], result.Refusals.Select(r => r.Reason));
        target.Ask("nothing 2");
        Assert.Equal(2, result.Registrations[0].Hits);
    }

    private static void Expect(ProbeRefusalReason reason, ProbePoint point, string message, string program = "calls-pie")
    {
        using TargetProcess target = TargetProcess.StartTarget(program);
        Expect(target, reason, point, message);
    }

    private static void Expect(TargetProcess target, ProbeRefusalReason reason, ProbePoint point, string message)
    {
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            ProbeRefusal refusal = Refused(session, point);
            Assert.Equal(reason, refusal.Reason);
            Assert.Contains(message, refusal.ToString(), StringComparison.Ordinal);
            TextComparison.AssertSame(target.Pid);
        }

        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
    }

    private static ProbeRefusal Refused(UprobeSession session, ProbePoint point) =>
        Assert.Throws<ProbeRefusedException>(() => session.Register(point, Count.Only)).Refusal;

    private static FunctionSymbol FunctionOf(string target, string name, out byte[] code)
    {
        using ElfImage image = ElfImage.Open(Targets.Path(target));
        FunctionSymbol function = image.Functions.Named(name)[0];
        code = new byte[function.Size];
        image.Read(function.Offset, code);
        return function;
    }

    /// <summary>A copy of calls-pie with one byte changed.</summary>
    private string Patched(int offset, byte value)
    {
        string path = _folder.Copy("calls-pie", $"patched-{offset}-{value}");
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.Write(file, [value], offset);
        return path;
    }

    private static ulong AddressOf(int pid, string path, ulong offset) =>
        Processes.MappingParser.ReadProcess(pid).Where(m => m.IsExecutable && m.Path == path)
            .Select(m => m.Start + (offset - m.FileOffset)).Single();

    private static void Poke(int pid, ulong address, byte value)
    {
        using SafeFileHandle memory = File.OpenHandle($"/proc/{pid}/mem", FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.Write(memory, [value], (long)address);
    }

    private static byte Peek(int pid, ulong address)
    {
        using SafeFileHandle memory = File.OpenHandle($"/proc/{pid}/mem");
        byte[] value = new byte[1];
        RandomAccess.Read(memory, value, (long)address);
        return value[0];
    }
}
