using Uprobes.Channels;
using Uprobes.Linux;
using Uprobes.Programs;
using Uprobes.Programs.X64;

namespace Uprobes.Tests.Programs.X64;

/// <summary>What programs send of stacks on which return addresses are replaced.</summary>
public sealed class CapturedStackTests
{
    private const int Words = 512, StackSize = 2 * 8 * Words, StackOffset = 8 * Words;
    private const ulong Caller = 0x5555_1234_5678;

    private static ProgramGroup Group => new()
    {
        Entry = new([new Emit(0, [new Builtin(BuiltinKind.Instruction), new StackBytes(8 * Words)])], []),
        Return = new([new Emit(0, [new Builtin(BuiltinKind.Instruction), new StackBytes(8 * Words)])], []),
        Events = [new EventDefinition("stack", [DataType.U64, DataType.Text(8 * Words)])],
    };

    [Fact]
    public void Replaced_return_addresses_are_sent_as_they_were_and_stay_replaced()
    {
        using Target target = new();
        target.Follow(3, Caller);
        target.Follow(0, Caller + 1);
        target.Follow(Machine.CallCapacity - 1, Caller + 2);
        target.Stack(0) = target.Thunk(3);
        target.Stack(7) = target.Thunk(0);
        target.Stack(Words - 1) = target.Thunk(Machine.CallCapacity - 1);
        target.Stack(8) = target.Thunk(0) - 1;
        target.Stack(9) = target.Thunk(Machine.CallCapacity);
        ulong[] before = target.StackWords();
        ulong[] sent = target.Capture(isReturn: false);
        ulong[] expected = [.. before];
        (expected[0], expected[7], expected[Words - 1]) = (Caller, Caller + 1, Caller + 2);
        Assert.Equal(expected, sent);
        Assert.Equal(before, target.StackWords());
    }

    [Fact]
    public void A_call_that_is_followed_several_times_returns_to_its_caller()
    {
        using Target target = new();
        target.Follow(5, Caller);
        target.Follow(2, target.Thunk(5));
        target.Follow(9, target.Thunk(2));
        target.Stack(4) = target.Thunk(9);
        ulong[] sent = target.Capture(isReturn: true, thunk: 2);
        Assert.Equal(Caller, target.Instruction);
        Assert.Equal(Caller, sent[4]);
    }

    [Fact]
    public void What_lies_within_a_thunk_is_no_return_address()
    {
        using Target target = new();
        target.Follow(1, Caller);
        target.Stack(4) = target.Thunk(1) + 5;
        Assert.Equal(target.StackWords(), target.Capture(isReturn: false));
    }

    [Fact]
    public void A_chain_without_an_end_is_left()
    {
        using Target target = new();
        target.Follow(1, target.Thunk(2));
        target.Follow(2, target.Thunk(1));
        target.Stack(4) = target.Thunk(1);
        Assert.Equal(target.StackWords(), target.Capture(isReturn: true, thunk: 1));
    }

    [Fact]
    public void A_process_in_which_no_call_is_followed_has_its_stack_as_it_is()
    {
        using Target target = new();
        target.Machine.Process[CodeEnvironment.ThunkBytesOffset] = 0;
        target.Stack(0) = target.Thunk(3);
        Assert.Equal(target.StackWords(), target.Capture(isReturn: false));
    }

    [Fact]
    public void A_stack_that_ends_early_is_sent_up_to_its_end()
    {
        using Target target = new();
        target.Follow(3, Caller);
        target.Stack(Words - 1) = target.Thunk(3);
        ulong[] sent = target.Capture(isReturn: false, above: 8 * (Words - 3));
        Assert.Equal(3, sent.Length);
        Assert.Equal(Caller, sent[2]);
    }

    [Fact]
    public void Interpreted_programs_ask_where_calls_return()
    {
        RecordingOutput output = new(Group);
        new Interpreter().Run(Group.Entry, new Context(), output);
        ulong[] fields = Assert.Single(output.Events).Fields;
        Assert.Equal(Context.Going, fields[0]);
        Assert.Equal([(ulong)(8 * Words), Caller, 1ul, 2ul], fields[1..5]);
    }

    /// <summary>A stack that counts up, whose first word is a followed call's.</summary>
    private sealed class Context : IProgramContext
    {
        internal const ulong Going = 0x77;
        private const ulong Start = 0x1_0000;

        public int ProcessId => 1;

        public int ThreadId => 1;

        public ReadOnlySpan<byte> ThreadName => "one"u8;

        public int Processor => 0;

        public uint UserId => 0;

        public uint GroupId => 0;

        public int ParentId => 0;

        public long TimestampNanoseconds => 0;

        public long DurationNanoseconds => 0;

        public int ProbeIndex => 0;

        public ulong SiteAddress => 0x10;

        public ulong InstructionAddress => Going;

        public ulong ReturnAddress(ulong found) => found == 0 ? Caller : found;

        public ulong Register(int number) => Start;

        public ulong EntryWord(int index) => 0;

        public int TryRead(ulong address, Span<byte> destination)
        {
            for (int i = 0; i < destination.Length; i += 8)
                BitConverter.TryWriteBytes(destination[i..], (address - Start + (ulong)i) / 8);
            return destination.Length;
        }
    }

    /// <summary>A machine with a call table and a stack behind which nothing can be read.</summary>
    private sealed class Target : IDisposable
    {
        private readonly MachineMemory _guarded = new(0, StackSize + 4096);
        private readonly CallTable _table;

        internal Target()
        {
            Machine = new Machine(Group, 1);
            _table = Machine.CodeEnvironment.Calls!;
            Assert.Equal(0, LibC.mprotect((nint)(_guarded.Address + StackSize), 4096, 0));
            for (int i = 0; i < Words; i++)
                Stack(i) = 0x1_0000_0000 + (ulong)i;
        }

        internal Machine Machine { get; }

        /// <summary>Where the last capture said that the thread goes on.</summary>
        internal ulong Instruction { get; private set; }

        internal ulong Thunk(int index) => _table.Thunks + (ulong)(CallTable.ThunkSize * index);

        internal ref ulong Stack(int index) => ref _guarded[StackOffset + (8 * index)];

        internal ulong[] StackWords() => [.. Enumerable.Range(0, Words).Select(i => Stack(i))];

        internal void Follow(int index, ulong returnAddress) => Machine.Calls![(index * CallTable.EntrySize) + CallTable.ReturnAddressOffset] = returnAddress;

        internal ulong[] Capture(bool isReturn, int thunk = 0, int above = 0)
        {
            ProgramGroup group = Group;
            ProgramCode code = isReturn ? ProgramCompiler.CompileReturn(group, Machine.CodeEnvironment) : ProgramCompiler.CompileEntry(group, Machine.CodeEnvironment);
            ulong[] registers = [.. Enumerable.Range(100, 16).Select(i => (ulong)i), 0x202];
            registers[4] = _guarded.Address + StackOffset + (ulong)above;
            MachineState before = new(registers);
            Assert.Equal(before.ToString(), Machine.Install(code, isReturn, thunk: thunk).Run(before).ToString());
            RecordingOutput output = new(group);
            ChannelContents.Take(Machine, group, 0, Tasks.CurrentThreadId, output);
            ulong[] fields = Assert.Single(output.Events).Fields;
            Instruction = fields[0];
            return fields[2..(2 + ((int)fields[1] / 8))];
        }

        public void Dispose()
        {
            Machine.Dispose();
            _guarded.Dispose();
        }
    }
}
