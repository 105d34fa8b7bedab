using System.Runtime.InteropServices;
using Uprobes.Stacks;
using Uprobes.Stacks.X64;

namespace Uprobes.Tests;

/// <summary>Which program a stack is of. Processes are numbers that no process can have, and the one that runs the tests.</summary>
public sealed class StackReaderTests : IDisposable
{
    private const int Child = int.MaxValue, Other = int.MaxValue - 1, Many = 2000;
    private readonly StackReader _reader = new(null);

    public void Dispose() => _reader.Dispose();

    [Fact]
    public void What_a_forked_process_did_before_it_executed_a_program_is_not_of_that_program()
    {
        _reader.End(Child, 100);
        _reader.Begin(Child);
        (int first, int second) = (ProgramAt(Child, 50), ProgramAt(Child, 150));
        Assert.NotEqual(first, second);
        Assert.Equal(first, ProgramAt(Child, 100));
    }

    [Fact]
    public void A_copy_of_a_process_that_has_ended_before_it_was_looked_at_has_its_parents_code()
    {
        _reader.Look(Environment.ProcessId);
        _reader.Fork(Child, Environment.ProcessId);
        _reader.Fork(Other, Child);
        Assert.False(_reader.HasLookedAt(Child));
        _reader.End(Child, 100);
        _reader.End(Other, 100);
        ulong address = (ulong)NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), "getpid");
        string? expected = _reader.Locate(Environment.ProcessId, StackReader.Now, address).Code?.Path;
        Assert.NotNull(expected);
        foreach (int process in (int[])[Child, Other])
        {
            int program = ProgramAt(process, 50);
            Assert.Equal(expected, Assert.Single(_reader.Locate(program, [address])).Code?.Path);
            List<StackFrame> named = [];
            _reader.SymbolizeOf(program, [address], named);
            Assert.Equal(expected, Assert.Single(named).Module);
        }
    }

    [Fact]
    public void Stacks_of_processes_that_were_forgotten_begin_no_program()
    {
        for (int i = 0; i < Many; i++)
            _reader.End(Child - i, 100);
        Assert.Equal(0, ProgramAt(Child, 50));
        Assert.Equal(0, ProgramAt(Child, 100));
        Assert.NotEqual(0, ProgramAt(Child - Many + 1, 50));
        // Another process of that number.
        Assert.NotEqual(0, ProgramAt(Child, 101));
        Assert.Equal(0, ProgramAt(Child, 50));
    }

    [Fact]
    public void Only_programs_whose_memory_is_open_are_counted()
    {
        for (int i = 0; i < Many; i++)
            _reader.Look(Child - i);
        Assert.Equal(0, _reader.LookedAt);
        _reader.Look(Environment.ProcessId);
        Assert.Equal(1, _reader.LookedAt);
        _reader.Look(Environment.ProcessId);
        Assert.Equal(1, _reader.LookedAt);
        for (int i = 0; i < Many; i++)
            _reader.End(Child - i, 100);
        Assert.Equal(1, _reader.LookedAt);
        _reader.End(Environment.ProcessId, 100);
        Assert.Equal(0, _reader.LookedAt);
    }

    private int ProgramAt(int processId, long timestamp)
    {
        StackRegisters registers = default;
        registers.Set(StackRegisters.Rip, 0x1000);
        _reader.Unwind(processId, timestamp, new CapturedStack(registers, []), new ulong[StackUnwinder.MostFrames], out int program);
        return program;
    }
}
