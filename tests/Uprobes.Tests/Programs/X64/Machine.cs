using System.Buffers.Binary;
using System.Globalization;
using Iced.Intel;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Programs.X64;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Tests.Programs.X64;

/// <summary>All that a probed thread must find as it was: 16 registers by number, then the flags.</summary>
internal readonly record struct MachineState(ulong[] Words)
{
    internal const int Count = 17, Flags = 16;

    public override string ToString() => string.Join(' ', Words.Select(w => w.ToString("x", CultureInfo.InvariantCulture)));
}

/// <summary>
/// Runs emitted code in this process, on the calling thread: between code that loads all general registers and the flags and
/// code that stores them, on a stack of the test's. What the trampoline or the thunk does before the program is done here too.
/// </summary>
internal sealed unsafe class Machine : IDisposable
{
    private const int CodeBytes = 1 << 20, InputOffset = 0, OutputOffset = 256, SavedStackOffset = 512;
    private readonly MachineMemory _code = new(0, CodeBytes, isExecutable: true);
    private readonly MachineMemory _state = new(0, 4096);
    private readonly MachineMemory _process = new(0, 4096);
    private readonly MachineMemory? _calls, _thunks;
    private readonly MachineMemory _channel;
    private int _codeUsed;

    internal const int CallCapacity = 16;

    /// <param name="group">Whose code will run.</param>
    /// <param name="probes">How many probes it has.</param>
    internal Machine(ProgramGroup group, int probes)
    {
        Layout = group.LayoutFor(probes);
        _channel = new(0, Layout.Size);
        CallTable? table = null;
        if (group.Return is not null)
        {
            _calls = new(0, CallCapacity * CallTable.EntrySize);
            _thunks = new(0, CallCapacity * CallTable.ThunkSize);
            table = new(_calls.Address, _thunks.Address, CallCapacity);
        }

        _process[CodeEnvironment.ProcessIdOffset] = (uint)Environment.ProcessId;
        table?.Describe(_process.Bytes(0, 4096));
        CodeEnvironment = new(_channel.Address, Layout, _process.Address, table);
    }

    internal ChannelLayout Layout { get; }

    internal CodeEnvironment CodeEnvironment { get; }

    internal MachineMemory Channel => _channel;

    internal MachineMemory Process => _process;

    internal MachineMemory? Calls => _calls;

    /// <summary>The thread's record in the channel, once code has run here.</summary>
    internal long Record
    {
        get
        {
            for (int slot = 0; slot < Layout.ThreadSlots; slot++)
            {
                if (_channel[ChannelLayout.ThreadTableOffset + (slot * ChannelLayout.ThreadSlotSize)] != 0)
                    return Layout.RecordsOffset + ((long)Layout.RecordStride * slot);
            }

            return -1;
        }
    }

    /// <summary>Copies a program for a probe, and gives what runs it.</summary>
    /// <param name="program">The program.</param>
    /// <param name="isReturn">Whether it is a return program.</param>
    /// <param name="probe">The probe's index.</param>
    /// <param name="site">The site's address.</param>
    /// <param name="thunk">For a return program: the index that its thunk pushes.</param>
    internal MachineProgram Install(ProgramCode program, bool isReturn, int probe = 0, ulong site = 0, int thunk = 0)
    {
        byte[] code = [.. program.Code];
        foreach (CodePatch patch in program.Patches)
        {
            Span<byte> at = code.AsSpan(patch.Offset);
            switch (patch.Kind)
            {
                case CodePatchKind.CellOffset:
                    BinaryPrimitives.WriteInt32LittleEndian(at, BinaryPrimitives.ReadInt32LittleEndian(at) + (8 * Layout.Maps[patch.Map].CellWords * probe));
                    break;
                case CodePatchKind.ProbeIndex: BinaryPrimitives.WriteInt32LittleEndian(at, probe); break;
                case CodePatchKind.SiteAddress: BinaryPrimitives.WriteUInt64LittleEndian(at, site); break;
                default: BinaryPrimitives.WriteUInt64LittleEndian(at, ReturnCode); break;
            }
        }

        ulong start = _code.Address + (ulong)_codeUsed;
        byte[] frame = Frame(code, start, isReturn, thunk);
        frame.CopyTo(_code.Bytes(_codeUsed, frame.Length));
        _codeUsed += (frame.Length + 63) & -64;
        return new(this, start);
    }

    internal const ulong ReturnCode = 0x1234_5678_9abc;

    internal MachineState Run(ulong entry, MachineState input)
    {
        for (int i = 0; i < MachineState.Count; i++)
            _state[InputOffset + (8 * i)] = input.Words[i];
        ((delegate* unmanaged<void>)entry)();
        ulong[] output = new ulong[MachineState.Count];
        for (int i = 0; i < MachineState.Count; i++)
            output[i] = _state[OutputOffset + (8 * i)];
        return new(output);
    }

    /// <summary>The entry of the call table that a followed call has, checked against what is known of the call.</summary>
    /// <param name="stackPointer">At entry.</param>
    /// <param name="probe">The probe's index.</param>
    /// <param name="site">The site's address.</param>
    /// <param name="words">All six, of which some may be of no meaning.</param>
    /// <returns>Its place, and so its thunk's.</returns>
    internal int Followed(ulong stackPointer, int probe, ulong site, out ulong[] words)
    {
        int thunk = (int)((*(ulong*)stackPointer - _thunks!.Address) / CallTable.ThunkSize);
        int entry = thunk * CallTable.EntrySize;
        Assert.InRange(thunk, 0, CallCapacity - 1);
        Assert.Equal(stackPointer, _calls![entry + CallTable.KeyOffset]);
        Assert.NotEqual(0ul, _calls[entry + CallTable.TicksOffset]);
        Assert.Equal(ReturnCode, _calls[entry + CallTable.CodeOffset]);
        Assert.Equal((ulong)probe, _calls[entry + CallTable.ProbeOffset]);
        Assert.Equal(site, _calls[entry + CallTable.SiteOffset]);
        words = new ulong[6];
        for (int i = 0; i < words.Length; i++)
            words[i] = _calls[entry + CallTable.WordsOffset + (8 * i)];
        return thunk;
    }

    /// <summary>Forgets followed calls.</summary>
    internal void Forget() => _calls?.Bytes(0, (int)_calls.Length).Clear();

    public void Dispose()
    {
        _code.Dispose();
        _state.Dispose();
        _process.Dispose();
        _calls?.Dispose();
        _thunks?.Dispose();
        _channel.Dispose();
    }

    private byte[] Frame(byte[] program, ulong start, bool isReturn, int thunk)
    {
        AssemblerRegister64[] registers = [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15];
        AssemblerRegister64[] preserved = [rbx, rbp, r12, r13, r14, r15];
        ulong state = _state.Address;
        Assembler before = new(64), after = new(64);
        foreach (AssemblerRegister64 register in preserved)
            before.push(register);
        before.mov(rax, state);
        before.mov(__qword_ptr[rax + SavedStackOffset], rsp);
        before.push(__qword_ptr[rax + InputOffset + (8 * MachineState.Flags)]);
        before.popfq();
        for (int i = 15; i >= 0; i--)
            before.mov(registers[i], __qword_ptr[rax + InputOffset + (8 * i)]);
        before.lea(rsp, __qword_ptr[rsp - 128]);
        if (isReturn)
            before.push(thunk);
        before.push(rcx);

        after.pop(rcx);
        after.lea(rsp, __qword_ptr[rsp + (isReturn ? 136 : 128)]);
        after.AddInstruction(Instruction.Create(Code.Mov_moffs64_RAX, new MemoryOperand(Register.None, (long)(state + OutputOffset), 8), Register.RAX));
        after.mov(rax, state);
        for (int i = 1; i < 16; i++)
            after.mov(__qword_ptr[rax + OutputOffset + (8 * i)], registers[i]);
        after.mov(rsp, __qword_ptr[rax + SavedStackOffset]);
        after.pushfq();
        after.pop(__qword_ptr[rax + OutputOffset + (8 * MachineState.Flags)]);
        after.cld();
        foreach (AssemblerRegister64 register in preserved.Reverse())
            after.pop(register);
        after.ret();
        using MemoryStream bytes = new();
        before.Assemble(new StreamCodeWriter(bytes), start);
        bytes.Write(program);
        after.Assemble(new StreamCodeWriter(bytes), start + (ulong)bytes.Length);
        return bytes.ToArray();
    }
}

/// <summary>A program of a probe, ready to run.</summary>
internal readonly record struct MachineProgram(Machine Machine, ulong Entry)
{
    internal MachineState Run(MachineState input) => Machine.Run(Entry, input);
}
