using System.Buffers;
using Google.Protobuf.Reflection;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Events;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Recording;
using Uprobes.Tool.Recording.Perfetto;

namespace Uprobes.Tool.Tests;

/// <summary>Calls as a trace for Perfetto's viewer.</summary>
public sealed class RecordTests
{
    private static readonly PlannedProbe[] Probes =
    [
        new("libx", "/lib/libx.so", "outer", 0x1000, IsNamed: true),
        new("libx", "/lib/libx.so", "operator<<(a&, \"b\")", 0x2000, IsNamed: true),
    ];

    [Fact]
    public void Fields_have_the_numbers_and_types_of_Perfettos_schema()
    {
        // Of protos/perfetto/trace in the Perfetto project: message, field, number, type.
        (string Message, string Field, int Number, FieldType Type)[] schema =
        [
            ("Trace", "packet", 1, FieldType.Message),
            ("TracePacket", "clock_snapshot", 6, FieldType.Message), ("TracePacket", "timestamp", 8, FieldType.UInt64),
            ("TracePacket", "trusted_packet_sequence_id", 10, FieldType.UInt32), ("TracePacket", "track_event", 11, FieldType.Message),
            ("TracePacket", "interned_data", 12, FieldType.Message), ("TracePacket", "sequence_flags", 13, FieldType.UInt32),
            ("TracePacket", "trace_packet_defaults", 59, FieldType.Message), ("TracePacket", "track_descriptor", 60, FieldType.Message),
            ("ClockSnapshot", "clocks", 1, FieldType.Message), ("Clock", "clock_id", 1, FieldType.UInt32), ("Clock", "timestamp", 2, FieldType.UInt64),
            ("TracePacketDefaults", "timestamp_clock_id", 58, FieldType.UInt32),
            ("InternedData", "event_names", 2, FieldType.Message), ("InternedData", "debug_annotation_names", 3, FieldType.Message),
            ("EventName", "iid", 1, FieldType.UInt64), ("EventName", "name", 2, FieldType.String),
            ("DebugAnnotationName", "iid", 1, FieldType.UInt64), ("DebugAnnotationName", "name", 2, FieldType.String),
            ("TrackDescriptor", "uuid", 1, FieldType.UInt64), ("TrackDescriptor", "process", 3, FieldType.Message),
            ("TrackDescriptor", "thread", 4, FieldType.Message), ("TrackDescriptor", "parent_uuid", 5, FieldType.UInt64),
            ("ProcessDescriptor", "pid", 1, FieldType.Int32), ("ProcessDescriptor", "cmdline", 2, FieldType.String), ("ProcessDescriptor", "process_name", 6, FieldType.String),
            ("ThreadDescriptor", "pid", 1, FieldType.Int32), ("ThreadDescriptor", "tid", 2, FieldType.Int32), ("ThreadDescriptor", "thread_name", 5, FieldType.String),
            ("TrackEvent", "debug_annotations", 4, FieldType.Message), ("TrackEvent", "type", 9, FieldType.Enum),
            ("TrackEvent", "name_iid", 10, FieldType.UInt64), ("TrackEvent", "track_uuid", 11, FieldType.UInt64),
            ("DebugAnnotation", "name_iid", 1, FieldType.UInt64), ("DebugAnnotation", "bool_value", 2, FieldType.Bool), ("DebugAnnotation", "uint_value", 3, FieldType.UInt64),
            ("DebugAnnotation", "int_value", 4, FieldType.Int64), ("DebugAnnotation", "string_value", 6, FieldType.String), ("DebugAnnotation", "pointer_value", 7, FieldType.UInt64),
        ];
        IEnumerable<MessageDescriptor> messages = PerfettoReflection.Descriptor.MessageTypes.SelectMany(m => m.NestedTypes.Prepend(m));
        Assert.Equal(schema.Order(), messages.SelectMany(m => m.Fields.InDeclarationOrder().Select(f => (m.Name, f.Name, f.FieldNumber, f.FieldType))).Order());
        Assert.Equal([0, 1, 2, 3], Enum.GetValues<TrackEvent.Types.Type>().Select(t => (int)t));
    }

    [Fact]
    public void A_call_is_a_slice_on_the_track_of_its_thread_with_its_values()
    {
        PayloadLayout layout = new(ArgumentFormat.Create("xdis=u", null), hasResult: true, 8);
        PerfettoCallFormatter formatter = new(Probes, layout, withReturns: true);
        byte[] payload = new byte[layout.Size];
        ulong[] arguments = [0xdead, ulong.MaxValue, 0x1_ffff_fffe, 16];
        for (int i = 0; i < arguments.Length; i++)
            PayloadLayout.SetArgument(payload, i, arguments[i]);
        "hello"u8.CopyTo(layout.TextBuffer(payload, 3));
        layout.SetText(payload, 3, TextState.Shortened, 5);
        ArrayBufferWriter<byte> output = new();
        formatter.Write(output, Call(probe: 1, time: 2_000, duration: 10, result: 5), payload); // Within the other, and written before it.
        formatter.Write(output, Call(probe: 0, time: 1_000, duration: 3_000, result: 6), payload);
        Trace trace = Trace.Parser.ParseFrom(output.WrittenSpan);
        Assert.Equal(2, formatter.Calls);
        Assert.Equal(1, formatter.Threads);

        TracePacket state = Assert.Single(trace.Packet, p => p.SequenceFlags == 1);
        Assert.Equal(3u, state.TracePacketDefaults.TimestampClockId);
        Assert.Equal(["outer", "operator<<(a&, \"b\")"], state.InternedData.EventNames.Select(n => n.Name));
        Assert.Equal(["arg0", "arg1", "arg2", "arg3", "retval"], state.InternedData.DebugAnnotationNames.Select(n => n.Name));
        Assert.All(trace.Packet, p => Assert.Equal(1u, p.TrustedPacketSequenceId));
        Assert.All(trace.Packet.Where(p => p.TrackEvent is not null), p => Assert.Equal(2u, p.SequenceFlags));
        TrackDescriptor thread = Assert.Single(trace.Packet, p => p.TrackDescriptor?.Thread is not null).TrackDescriptor;
        TrackDescriptor process = Assert.Single(trace.Packet, p => p.TrackDescriptor?.Process is not null).TrackDescriptor;
        Assert.Equal((process.Uuid, Environment.ProcessId, 43), (thread.ParentUuid, thread.Thread.Pid, thread.Thread.Tid));
        Assert.NotEmpty(process.Process.Cmdline);

        Assert.Equal(
            [(1_000ul, 1, 1ul), (2_000ul, 1, 2ul), (2_010ul, 2, 0ul), (4_000ul, 2, 0ul)],
            trace.Packet.Where(p => p.TrackEvent is not null).Select(p => (p.Timestamp, (int)p.TrackEvent.Type, p.TrackEvent.NameIid)).Order());
        Assert.All(trace.Packet.Where(p => p.TrackEvent is not null), p => Assert.Equal(thread.Uuid, p.TrackEvent.TrackUuid));
        DebugAnnotation[] values = [.. trace.Packet.First(p => p.TrackEvent is not null).TrackEvent.DebugAnnotations];
        Assert.Equal((0xdeadul, -1L, -2L, "hello…"), (values[0].PointerValue, values[1].IntValue, values[2].IntValue, values[3].StringValue));
        Assert.Equal(5ul, Assert.Single(trace.Packet.First(p => p.TrackEvent?.Type == TrackEvent.Types.Type.SliceEnd).TrackEvent.DebugAnnotations).UintValue);
    }

    [Fact]
    public void Without_returns_a_call_is_a_point_and_without_calls_a_recording_is_a_trace()
    {
        PayloadLayout layout = new(ArgumentFormat.Create(null, 0), hasResult: false, 8);
        PerfettoCallFormatter formatter = new(Probes, layout, withReturns: false);
        ArrayBufferWriter<byte> output = new();
        formatter.WriteBeginning(output);
        Assert.Equal(2, Trace.Parser.ParseFrom(output.WrittenSpan).Packet.Count);
        formatter.Write(output, Call(probe: 0, time: 7, duration: 0, result: 0), []);
        formatter.WriteBeginning(output);
        Trace trace = Trace.Parser.ParseFrom(output.WrittenSpan);
        Assert.Equal(TrackEvent.Types.Type.Instant, trace.Packet[^1].TrackEvent.Type);
        Assert.Equal(5, trace.Packet.Count);
    }

    [Theory]
    [InlineData("record -p 2147483647 libc:malloc+4")]
    [InlineData("record -p 2147483647 libc:malloc -f json")]
    public void A_recording_without_meaning_is_refused(string commandLine) =>
        Assert.Equal(2, new ToolHarness().Run(commandLine.Split(' ')));

    [Fact]
    public void A_file_keeps_what_it_holds_until_there_is_something_to_write()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "before");
            using (ResultOutput output = ResultOutput.Open(path))
                output.Flush();
            Assert.Equal("before", File.ReadAllText(path));
            using (ResultOutput output = ResultOutput.Open(path))
            {
                output.Buffer.Write("new"u8);
                output.Flush();
            }
            Assert.Equal("new", File.ReadAllText(path));
            using (ResultOutput output = ResultOutput.Open(path))
                output.Begin();
            Assert.Empty(File.ReadAllBytes(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static CallRecord Call(int probe, long time, long duration, ulong result) =>
        new(probe, Environment.ProcessId, 43, time, duration, result);
}
