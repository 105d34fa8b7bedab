using System.Buffers.Binary;
using System.Text;
using Uprobes.LiveTests.Kit;
using Uprobes.Processes;

namespace Uprobes.LiveTests.Registry;

/// <summary>What a handler changes before the instruction is what the program goes on with.</summary>
public sealed class PreHandlerTests
{
    [Fact]
    public void A_replaced_argument_changes_the_result()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string three = target.Ask("area 3");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        List<ulong> seen = [];
        using (session.Register(ProbePoint.At("calls-pie", "fact"), new ProbeHandlers
        {
            Pre = hit =>
            {
                seen.Add(hit.Arg(0));
                hit.Registers.Rdi = Math.Min(hit.Arg(0), 2);
            },
        }))
        {
            target.Ask("fact 1");
        }

        Assert.Equal([10, 1], seen);
        Assert.Equal(three, target.Ask("area 3"));
    }

    [Fact]
    public void Arguments_on_the_stack_and_in_registers_are_read()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ulong[] arguments = [];
        using ProbeRegistration registration = session.Register(ProbePoint.At("calls-pie", "sum7"),
            new ProbeHandlers { Pre = hit => arguments = [.. Enumerable.Range(0, 7).Select(hit.Arg)] });
        target.Ask("sum7 1");
        Assert.Equal([0, 2, 3, 4, 5, 6, 7], arguments);
    }

    [Fact]
    public void Memory_is_read_and_written()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        // area multiplies width (the loop's index) and 7: with every width made 5 the checksum is that of five calls with 5.
        string untouched = target.Ask("area 2");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        List<int> widths = [];
        List<string?> names = [];
        using (session.Register(ProbePoint.At("calls-pie", "area"), new ProbeHandlers
        {
            Pre = hit =>
            {
                RemoteAddress rectangle = new(hit.Arg(0));
                byte[] bytes = new byte[16];
                Assert.Equal(16, hit.ReadMemory(rectangle, bytes));
                widths.Add(BinaryPrimitives.ReadInt32LittleEndian(bytes));
                names.Add(hit.ReadString(new RemoteAddress(BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8)))));
                Assert.Equal(4, hit.WriteMemory(rectangle, BitConverter.GetBytes(5)));
            },
        }))
        {
            string changed = target.Ask("area 2");
            Assert.NotEqual(untouched, changed);
            Assert.Equal(Checksum(35, 35), changed);
        }

        Assert.Equal([0, 1], widths);
        Assert.Equal(["r", "r"], names);
        Assert.Equal(Checksum(0, 7), target.Ask("area 2"));
    }

    [Fact]
    public void Read_only_memory_is_written_as_a_private_copy()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie"), other = TargetProcess.StartTarget("calls-pie");
        string untouched = other.Ask("greet 1");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using (session.Register(ProbePoint.At("calls-pie", "greet"), new ProbeHandlers
        {
            Pre = hit => Assert.Equal(3, hit.WriteMemory(new RemoteAddress(hit.Arg(0)), "Bob"u8)),
        }))
        {
            ulong expected = 5;
            foreach (char letter in "Bob")
                expected = expected * 31 + letter;
            Assert.Equal(Checksum(expected), target.Ask("greet 1"));
        }

        Assert.Equal(untouched, other.Ask("greet 1"));
    }

    [Fact]
    public void Unreadable_memory_gives_nothing_and_no_error()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = new(session);
        (int Read, int Written, string? Text) result = (1, 1, "");
        using (session.Register(ProbePoint.At("calls-pie", "nothing"), new ProbeHandlers
        {
            Pre = hit => result = (hit.ReadMemory(new RemoteAddress(16), new byte[8]), hit.WriteMemory(new RemoteAddress(16), new byte[8]),
                hit.ReadString(new RemoteAddress(16))),
        }))
        {
            target.Ask("nothing 1");
        }

        Assert.Equal((0, 0, null), result);
        notices.AssertNone();
    }

    [Fact]
    public void A_function_is_skipped_by_changing_rip()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration inner = session.Register(ProbePoint.At("calls-pie", "sum6"), Count.Only);
        using (session.Register(ProbePoint.At("calls-pie", "sum7"), new ProbeHandlers
        {
            Pre = hit =>
            {
                byte[] word = new byte[8];
                hit.ReadMemory(new RemoteAddress(hit.Registers.Rsp), word);
                hit.Registers.Rip = BinaryPrimitives.ReadUInt64LittleEndian(word);
                hit.Registers.Rsp += 8;
                hit.Registers.Rax = 4711;
            },
        }))
        {
            Assert.Equal(Checksum(4711, 4711, 4711), target.Ask("sum7 3"));
        }

        Assert.Equal(0, inner.Hits);
    }

    [Fact]
    public void A_later_consumer_sees_what_an_earlier_one_changed()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ulong seen = 0;
        using ProbeRegistration first = session.Register(ProbePoint.At("calls-pie", "sum6"), new ProbeHandlers { Pre = hit => hit.Registers.Rsi = 77 });
        using ProbeRegistration second = session.Register(ProbePoint.At("calls-pie", "sum6"), new ProbeHandlers { Pre = hit => seen = hit.Arg(1) });
        Assert.Equal(Checksum(0 + 2 * 77 + 9 + 16 + 25 + 36), target.Ask("sum6 1"));
        Assert.Equal(77UL, seen);
    }

    [Fact]
    public void A_return_value_is_replaced_at_the_return()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        StringBuilder trace = new();
        using ProbeRegistration registration = session.RegisterReturn(ProbePoint.At("calls-pie", "sum6"), new ReturnHandlers
        {
            Entry = hit => hit.Arg(0),
            Return = hit =>
            {
                trace.Append($"{hit.State}:{hit.ReturnValue} ");
                hit.Registers.Rax = 1000 + (ulong)hit.State!;
            },
        });
        Assert.Equal(Checksum(1000, 1001), target.Ask("sum6 2"));
        Assert.Equal("0:90 1:91 ", trace.ToString());
    }

    /// <summary>The targets' checksum (FNV-1a over whole words), from their start value 1.</summary>
    private static string Checksum(params ulong[] values) =>
        values.Aggregate(1UL, (sum, value) => unchecked((sum ^ value) * 1099511628211UL)).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
