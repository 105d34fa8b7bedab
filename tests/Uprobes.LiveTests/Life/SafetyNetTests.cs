using System.Diagnostics;
using Uprobes.Arming.Trap.X64;

namespace Uprobes.LiveTests.Life;

/// <summary>The emitted handler, run for real in a process that nobody traces.</summary>
public sealed class SafetyNetTests : IDisposable
{
    private const int KilledByTrap = 128 + 5;
    private readonly NetProgram _program = new();

    public void Dispose() => _program.Dispose();

    [Theory]
    [InlineData("calls")]
    [InlineData("altstack")]
    [InlineData("threads")]
    [InlineData("fork")]
    public void Trapped_functions_work_without_a_tracer(string mode)
    {
        SafetyNetTable table = TableFor(100, capacity: 256);
        Assert.Equal((0, "alive\n"), _program.RunWithNet(mode, table, 100, originallyIgnored: false));
    }

    [Fact]
    public void Twelve_thousand_traps_resume_from_a_table_as_full_as_it_gets()
    {
        var table = new SafetyNetTable(16384);
        // Others first, most of them taken out again, so that the probing passes freed entries.
        for (ulong other = 0; other < 12_000; other++)
            table.Set(0x7000_0000 + other * 5, 1);
        for (ulong other = 0; other < 12_000; other++)
            table.Remove(0x7000_0000 + other * 5);
        Fill(table, 12_287);
        Assert.False(table.IsFull);
        table.Set(0x7777_0000, 1);
        Assert.True(table.IsFull);
        Assert.Equal((0, "alive\n"), _program.RunWithNet("calls", table, 12_287, originallyIgnored: false));
    }

    [Fact]
    public void A_table_written_in_one_go_serves_as_well()
    {
        var table = new SafetyNetTable(8192);
        byte[] target = new byte[table.Image.Length];
        TableWrite write = table.SetMany(Enumerable.Range(0, 5000).Select(Trap).ToDictionary());
        write.Bytes.CopyTo(target.AsMemory(write.Offset));
        Assert.Equal(table.Image.ToArray(), target);
        Assert.Equal((0, "alive\n"), _program.RunWithNet("calls", table, 5000, originallyIgnored: true));
    }

    [Theory]
    [InlineData("int3", false)]
    [InlineData("int3", true)]
    [InlineData("cd03", false)]
    [InlineData("cd03", true)]
    [InlineData("int1", false)]
    [InlineData("int1", true)]
    [InlineData("step", false)]
    [InlineData("step", true)]
    [InlineData("raise", false)]
    [InlineData("raise", true)]
    public void A_trap_of_the_programs_own_ends_as_it_would_have_without_the_handler(string mode, bool ignored)
    {
        (int ExitCode, string Output) bare = _program.RunBare(mode, ignored);
        Assert.Equal(mode == "raise" && ignored ? 0 : KilledByTrap, bare.ExitCode);
        Assert.Equal(bare, _program.RunWithNet(mode, TableFor(10, capacity: 16), 10, ignored));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_hit_whose_trap_was_taken_back_meanwhile_runs_the_instruction_again(bool ignored) =>
        Assert.Equal((0, "alive\n"), _program.RunWithNet("stale", new SafetyNetTable(2), 0, ignored));

    [Fact]
    public void A_thread_whose_tracer_is_killed_in_the_middle_of_a_hit_goes_on()
    {
        for (int round = 0; round < 20; round++)
        {
            using Process target = _program.StartWithNet("serve", TableFor(10, capacity: 16), 10, originallyIgnored: false);
            Assert.Equal("ready", target.StandardOutput.ReadLine());
            using HostProcess tracer = HostProcess.Start("stop", target.Id.ToString());
            tracer.ReadNumber("tracing");
            target.StandardInput.WriteLine();
            Assert.Equal(5, tracer.ReadNumber("stopped")); // SIGTRAP
            tracer.Kill();
            Assert.Equal("right", target.StandardOutput.ReadLine());
            target.StandardInput.Close();
            Assert.True(target.WaitForExit(TimeSpan.FromSeconds(20)));
            Assert.Equal(0, target.ExitCode);
        }
    }

    private static SafetyNetTable TableFor(int functions, uint capacity)
    {
        var table = new SafetyNetTable(capacity);
        Fill(table, functions);
        return table;
    }

    private static void Fill(SafetyNetTable table, int functions)
    {
        foreach ((ulong trap, ulong resume) in Enumerable.Range(0, functions).Select(Trap))
            table.Set(trap, resume);
    }

    private static KeyValuePair<ulong, ulong> Trap(int index) =>
        new(NetProgram.Text + (ulong)(index * NetProgram.Stride), NetProgram.Slots + (ulong)(index * NetProgram.Stride));
}
