using System.Text;
using Uprobes.Channels;
using Uprobes.Programs;
using static Uprobes.Tests.Programs.ProgramRun;

namespace Uprobes.Tests.Programs;

/// <summary>What single statements and expressions do.</summary>
public sealed class InterpreterTests
{
    private const ulong CutFlag = 1ul << 63;

    [Fact]
    public void Arguments_are_in_registers_then_above_the_return_address()
    {
        ProgramMemory memory = new(0x7000, [.. Enumerable.Range(0, 24).Select(i => (byte)i)]);
        ulong[] registers = [7, 6, 2, 1, 8, 9];
        for (int i = 0; i < registers.Length; i++)
            Assert.Equal(registers[i], (ulong)Value(new Argument(i), memory));

        Assert.Equal(0x0f0e0d0c0b0a0908, Value(new Argument(6), memory));
        Assert.Equal(0x1716151413121110, Value(new Argument(7), memory));
        Assert.Equal((0ul, 1), Event(new Argument(8), memory) is var (fields, failed) ? (fields[0], failed) : default);
    }

    [Fact]
    public void A_read_that_fails_in_part_is_zero_and_is_counted_once()
    {
        ProgramMemory memory = new(0x1000, [0xff, 0xff, 0xff, 0xff]);
        Assert.Equal(-1, Value(new Load(U64(0x1000), DataType.I32), memory));
        Assert.Equal(uint.MaxValue, Value(new Load(U64(0x1000), DataType.U32), memory));
        (ulong[] fields, int failed) = Event(new Load(U64(0x1001), DataType.I32), memory);
        Assert.Equal((0ul, 1), (fields[0], failed));
    }

    [Theory]
    [InlineData("hello\0rest....", 8, "hello", false)]
    [InlineData("hello\0", 8, "hello", false)]
    [InlineData("12345678", 8, "12345678", true)]
    [InlineData("12345678\0", 8, "12345678", true)]
    [InlineData("1234567\0", 8, "1234567", false)]
    [InlineData("\0", 8, "", false)]
    public void A_text_ends_before_its_zero_or_is_cut(string memory, int capacity, string text, bool isCut)
    {
        (ulong[] fields, int failed) = Event(new LoadText(U64(0x1010), capacity), new ProgramMemory(0x1010, Encoding.ASCII.GetBytes(memory)));
        Assert.Equal((uint)text.Length | (isCut ? CutFlag : 0), fields[0]);
        Assert.Equal(text.PadRight(capacity, '\0'), Encoding.ASCII.GetString(BitConverter.GetBytes(fields[1])));
        Assert.Equal(0, failed);
    }

    [Theory]
    [InlineData(0x1010, 5, 5, 0)]
    [InlineData(0x1010, 0, 0, 0)]
    [InlineData(0x1010, 24, 16, 0)]
    [InlineData(0x1010, -1, 16, 0)]
    [InlineData(0x1ffd, 16, 3, 0)]
    [InlineData(0x3000, 16, 0, 1)]
    [InlineData(0x3000, 0, 0, 0)]
    [InlineData(-1, 16, 0, 1)]
    public void Bytes_are_as_many_as_are_wanted_fit_and_can_be_read(long address, long wanted, int length, int failures)
    {
        byte[] page = [.. Enumerable.Range(0, 4096).Select(i => (byte)(i % 251))];
        (ulong[] fields, int failed) = Event(new LoadBytes(U64((ulong)address), U64((ulong)wanted), 16), new ProgramMemory(0x1000, page));
        byte[] expected = new byte[16];
        if (length > 0)
            page.AsSpan((int)address - 0x1000, length).CopyTo(expected);
        Assert.Equal([(ulong)length, BitConverter.ToUInt64(expected), BitConverter.ToUInt64(expected, 8)], fields);
        Assert.Equal(failures, failed);
    }

    [Fact]
    public void A_text_that_cannot_be_read_is_empty()
    {
        (ulong[] fields, int failed) = Event(new LoadText(U64(0), 16), new ProgramMemory(0x1000, [1]));
        Assert.Equal([0, 0, 0], fields);
        Assert.Equal(1, failed);
    }

    [Fact]
    public void A_text_keeps_what_is_before_an_unreadable_page()
    {
        (ulong[] fields, int failed) = Event(new LoadText(U64(0x1ffd), 16), new ProgramMemory(0x1000, [.. new byte[4093], .. "abc"u8]));
        Assert.Equal([3, 0x636261, 0], fields);
        Assert.Equal(1, failed);
    }

    [Fact]
    public void A_text_that_ends_in_the_last_page_is_read_no_further()
    {
        ProgramMemory memory = new(0x1000, [.. new byte[4092], .. "abc\0"u8]);
        (ulong[] fields, int failed) = Event(new LoadText(U64(0x1ffc), 16), memory);
        Assert.Equal([3, 0x636261, 0], fields);
        Assert.Equal(0, failed);
        Assert.Equal([(0x1ffcul, 4)], memory.Reads);
    }

    [Fact]
    public void A_text_is_read_over_the_end_of_a_page()
    {
        ProgramMemory memory = new(0x1000, [.. new byte[4094], .. "abcdef\0"u8]);
        (ulong[] fields, int failed) = Event(new LoadText(U64(0x1ffe), 8), memory);
        Assert.Equal([6, 0x666564636261], fields);
        Assert.Equal(0, failed);
        Assert.Equal([(0x1ffe, 2), (0x2000ul, 6)], memory.Reads);
    }

    [Theory]
    [InlineData("abc", 8, 1)]
    [InlineData("abc", 64, 1)]
    [InlineData("ab", 8, 0)]
    [InlineData("abcd", 8, 0)]
    public void Texts_are_equal_if_their_bytes_are(string constant, int capacity, int expected)
    {
        ProgramMemory memory = new(0x1000, "abc\0"u8.ToArray());
        Expression left = new LoadText(U64(0x1000), 16), right = new TextConstant(Encoding.ASCII.GetBytes(constant), capacity);
        Assert.Equal(expected, Value(new Binary(BinaryOperator.Equal, left, right), memory));
        Assert.Equal(1 - expected, Value(new Binary(BinaryOperator.NotEqual, right, left), memory));
    }

    [Fact]
    public void A_cut_text_equals_one_that_is_not()
    {
        ProgramMemory memory = new(0x1000, "abcdefgh\0"u8.ToArray());
        Assert.Equal(1, Value(new Binary(BinaryOperator.Equal, new LoadText(U64(0x1000), 8), new LoadText(U64(0x1000), 16)), memory));
    }

    [Fact]
    public void The_right_side_of_a_logical_operator_is_read_only_if_it_matters()
    {
        Expression bad = new Load(U64(1), DataType.U8);
        Assert.Equal(0, Event(new Binary(BinaryOperator.LogicalAnd, I32(0), bad)).FailedReads);
        Assert.Equal(1, Event(new Binary(BinaryOperator.LogicalAnd, I32(2), bad)).FailedReads);
        Assert.Equal(0, Event(new Binary(BinaryOperator.LogicalOr, I32(2), bad)).FailedReads);
        Assert.Equal(1, Event(new Binary(BinaryOperator.LogicalOr, I32(0), bad)).FailedReads);
        Assert.Equal(1, Event(new Conditional(I32(3), bad, new Constant(5, DataType.U8))).FailedReads);
        Assert.Equal(5, Value(new Conditional(I32(0), bad, new Constant(5, DataType.U8))));
    }

    [Fact]
    public void A_loop_counts_from_zero_and_leaves_its_number()
    {
        Emit show = new(0, [new Cast(new LocalValue(0, DataType.I32), DataType.U64)]);
        Assert.Equal([0, 0, 1, 2, 3], Run(show, new Repeat(0, 3, [show]), show).Events.Select(e => e.Fields[0]));
    }

    [Fact]
    public void A_stop_ends_the_program_out_of_loops()
    {
        Statement stop = new If(new Binary(BinaryOperator.Equal, new LocalValue(0, DataType.I32), I32(2)), [new Stop()], []);
        RecordingOutput output = Run(new Repeat(1, 5, [new Repeat(0, 5, [stop, new Aggregate(0, [], null)])]), new Aggregate(0, [], null));
        Assert.Equal(2ul, output.Cell(0)![0]);
    }

    [Fact]
    public void Loops_are_left_and_gone_on_with()
    {
        LocalValue local = new(0, DataType.I32);
        Emit show = new(0, [new Cast(local, DataType.U64)]);
        Statement next = new SetLocal(0, new Binary(BinaryOperator.Add, local, I32(1)));
        RecordingOutput output = Run(
            new Loop([next, When(2, new Continue()), When(4, new Break()), show], []), show,
            new Repeat(0, 5, [When(1, new Continue()), When(3, new Break()), show]), show);
        Assert.Equal([1, 3, 4, 0, 2, 3], output.Events.Select(e => e.Fields[0]));

        If When(int value, Statement then) => new(new Binary(BinaryOperator.Equal, local, I32(value)), [then], []);
    }

    [Fact]
    public void A_run_has_so_many_rounds_in_all_its_loops_together()
    {
        LocalValue local = new(0, DataType.I32);
        Statement round = new SetLocal(0, new Binary(BinaryOperator.Add, local, I32(1)));
        Statement few = new Loop([round, new If(new Binary(BinaryOperator.Equal, local, I32(1000)), [new Break()], [])], []);
        ProgramGroup group = Group(few, new Loop([round], [new Emit(0, [new Cast(local, DataType.U64)]), new Aggregate(0, [], null)]), new Emit(0, [U64(1)]));
        for (int run = 0; run < 2; run++)
        {
            RecordingOutput output = Run(group);
            Assert.Equal([(ulong)ProgramLimits.Rounds], output.Events.Select(e => e.Fields[0]));
            Assert.Equal(1ul, output.Cell(0)![0]);
        }
    }

    [Fact]
    public void Locals_are_zero_in_every_run()
    {
        ProgramGroup group = Group(
            new Emit(0, [new Cast(new LocalValue(0, DataType.I32), DataType.U64)]), new SetLocal(0, I32(-7)),
            new Emit(0, [new Cast(new LocalValue(0, DataType.I32), DataType.U64)]));
        Interpreter interpreter = new();
        for (int i = 0; i < 2; i++)
        {
            RecordingOutput output = new(group);
            interpreter.Run(group.Entry, Hit, output);
            Assert.Equal([0, unchecked((ulong)-7)], output.Events.Select(e => e.Fields[0]));
        }
    }

    [Fact]
    public void Values_are_assigned_read_and_deleted()
    {
        Expression key = U64(7), value = new MapValue(1, [key], DataType.I64), has = new Cast(new MapContains(1, [key]), DataType.U64);
        RecordingOutput output = Run(
            new Emit(0, [has]), new Aggregate(1, [key], I64(-3)), new Emit(0, [has]), new Emit(0, [new Cast(value, DataType.U64)]),
            new Aggregate(1, [key], new Binary(BinaryOperator.Add, value, I64(10))), new Emit(0, [new Cast(value, DataType.U64)]),
            new DeleteKey(1, [key]), new Emit(0, [has]), new Emit(0, [new Cast(value, DataType.U64)]));
        Assert.Equal([0, 1, unchecked((ulong)-3), 7, 0, 0], output.Events.Select(e => e.Fields[0]));
        Assert.Null(output.Cell(1, 7));
    }

    [Fact]
    public void A_key_is_made_of_another_keys_value()
    {
        Expression inner = new Cast(new MapValue(1, [U64(1)], DataType.I64), DataType.U64);
        RecordingOutput output = Run(
            new Aggregate(1, [U64(1)], I64(2)), new Aggregate(1, [inner], I64(99)),
            new Aggregate(2, [new TextConstant("k"u8.ToArray(), 8)], new Cast(new MapValue(1, [inner], DataType.I64), DataType.U64)));
        Assert.Equal(99ul, output.Cell(2, 1, 'k')![0]);
    }

    [Fact]
    public void The_return_program_sees_what_the_entry_program_kept()
    {
        ProgramGroup group = Group(new FollowCall([I32(-1), new Argument(0)])) with
        {
            Return = new([new Emit(0, [new EntryWord(0)]), new Emit(0, [new EntryWord(1)]), new Emit(0, [new ReturnValue()]),
                new Emit(0, [new Cast(new Builtin(BuiltinKind.Duration), DataType.U64)])], []),
        };
        RecordingOutput output = Run(group, Hit with { Registers = [.. Enumerable.Range(100, 16).Select(i => (ulong)i)] });
        Assert.Equal([ulong.MaxValue, 107], output.Followed!);
        new Interpreter().Run(group.Return!, Hit with { EntryWords = output.Followed!, DurationNanoseconds = 12, Registers = [5, .. new ulong[15]] }, output);
        Assert.Equal([ulong.MaxValue, 107, 5, 12], output.Events.Select(e => e.Fields[0]));
    }

    [Fact]
    public void A_run_allocates_nothing()
    {
        ProgramGroup group = Group(new Repeat(0, 10, [new SetLocal(1, new Cast(new Load(U64(0x1000), DataType.I64), DataType.U8))]), new If(
            new Binary(BinaryOperator.Equal, new LoadText(U64(0x1000), 64), new TextConstant("x"u8.ToArray(), 8)), [new Stop()], []));
        Interpreter interpreter = new();
        RecordingOutput output = new(group);
        interpreter.Run(group.Entry, Hit, output);
        long before = GC.GetAllocatedBytesForCurrentThread();
        interpreter.Run(group.Entry, Hit, output);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
