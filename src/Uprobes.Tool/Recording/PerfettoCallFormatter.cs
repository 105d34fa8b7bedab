using System.Buffers;
using System.Text;
using Google.Protobuf;
using Uprobes.Linux;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Events;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Recording.Perfetto;

namespace Uprobes.Tool.Recording;

/// <summary>
/// Calls as a trace for Perfetto's viewer: a slice from entry to return on the track of its thread, or a point where returns are not
/// traced, with the arguments and the result. A call is written when it returns; the viewer puts all in the order of time.
/// </summary>
/// <param name="probes">What was probed.</param>
/// <param name="layout">Where values are in a payload.</param>
/// <param name="withReturns">Whether calls have a result and a duration.</param>
internal sealed class PerfettoCallFormatter(IReadOnlyList<PlannedProbe> probes, PayloadLayout layout, bool withReturns) : ICallFormatter
{
    private const uint Sequence = 1, StateCleared = 1, NeedsState = 2;
    private const uint MonotonicClock = 3, BootClock = 6; // Of ClockSnapshot.BuiltinClocks.
    private readonly HashSet<int> _processes = [];
    private readonly HashSet<ulong> _threads = [];
    private bool _hasBegun;

    /// <summary>How many calls were written.</summary>
    public long Calls { get; private set; }

    /// <summary>Of how many threads.</summary>
    public int Threads => _threads.Count;

    /// <inheritdoc/>
    public void Write(ArrayBufferWriter<byte> output, in CallRecord call, ReadOnlySpan<byte> payload)
    {
        Trace trace = new();
        Begin(trace);
        var track = TrackOf(trace, call.ProcessId, call.ThreadId);
        TrackEvent first = new()
        {
            Type = withReturns ? TrackEvent.Types.Type.SliceBegin : TrackEvent.Types.Type.Instant,
            TrackUuid = track,
            NameIid = (ulong)call.Probe + 1,
        };
        for (var i = 0; i < layout.Format.Arguments.Count; i++)
            first.DebugAnnotations.Add(Annotation(layout.Format.Arguments[i], PayloadLayout.Argument(payload, i), payload, i));
        trace.Packet.Add(Packet(call.TimeNanoseconds, first));
        if (withReturns)
        {
            TrackEvent last = new() { Type = TrackEvent.Types.Type.SliceEnd, TrackUuid = track };
            last.DebugAnnotations.Add(Annotation(layout.Format.Result, call.Result, payload, layout.ResultIndex));
            trace.Packet.Add(Packet(call.TimeNanoseconds + call.DurationNanoseconds, last));
        }
        trace.WriteTo(output);
        Calls++;
    }

    /// <inheritdoc/>
    public bool WriteLost(ArrayBufferWriter<byte> output, long count) => false;

    /// <summary>Writes what stands before all calls, so that a recording without any is a trace, too.</summary>
    public void WriteBeginning(ArrayBufferWriter<byte> output)
    {
        Trace trace = new();
        Begin(trace);
        trace.WriteTo(output);
    }

    /// <summary>The clocks, and all names, which events give by number.</summary>
    private void Begin(Trace trace)
    {
        if (_hasBegun)
            return;
        _hasBegun = true;
        ClockSnapshot clocks = new();
        clocks.Clocks.Add(new ClockSnapshot.Types.Clock { ClockId = MonotonicClock, Timestamp = (ulong)Linux.MonotonicClock.Nanoseconds });
        clocks.Clocks.Add(new ClockSnapshot.Types.Clock { ClockId = BootClock, Timestamp = (ulong)SystemClocks.BootNanoseconds });
        trace.Packet.Add(new TracePacket { TrustedPacketSequenceId = Sequence, ClockSnapshot = clocks });
        InternedData names = new();
        for (var i = 0; i < probes.Count; i++)
            names.EventNames.Add(new EventName { Iid = (ulong)i + 1, Name = probes[i].Function });
        for (var i = 0; i < layout.Format.Arguments.Count; i++)
            names.DebugAnnotationNames.Add(new DebugAnnotationName { Iid = (ulong)i + 1, Name = $"arg{i}" });
        names.DebugAnnotationNames.Add(new DebugAnnotationName { Iid = (ulong)layout.ResultIndex + 1, Name = "retval" });
        trace.Packet.Add(new TracePacket
        {
            TrustedPacketSequenceId = Sequence,
            SequenceFlags = StateCleared,
            TracePacketDefaults = new TracePacketDefaults { TimestampClockId = MonotonicClock },
            InternedData = names,
        });
    }

    /// <summary>A thread's track; it and its process are described before their first event.</summary>
    private ulong TrackOf(Trace trace, int processId, int threadId)
    {
        var process = (ulong)(uint)processId << 32;
        var thread = process | (uint)threadId;
        if (_processes.Add(processId))
        {
            var names = RecordedThreads.Process(processId);
            ProcessDescriptor descriptor = new() { Pid = processId, ProcessName = names.Name };
            descriptor.Cmdline.Add(names.CommandLine);
            trace.Packet.Add(new TracePacket { TrustedPacketSequenceId = Sequence, TrackDescriptor = new TrackDescriptor { Uuid = process, Process = descriptor } });
        }
        if (_threads.Add(thread))
        {
            trace.Packet.Add(new TracePacket
            {
                TrustedPacketSequenceId = Sequence,
                TrackDescriptor = new TrackDescriptor
                {
                    Uuid = thread,
                    ParentUuid = process,
                    Thread = new ThreadDescriptor { Pid = processId, Tid = threadId, ThreadName = RecordedThreads.Thread(threadId) },
                },
            });
        }
        return thread;
    }

    private static TracePacket Packet(long nanoseconds, TrackEvent trackEvent) => new()
    {
        Timestamp = (ulong)nanoseconds,
        TrustedPacketSequenceId = Sequence,
        SequenceFlags = NeedsState,
        TrackEvent = trackEvent,
    };

    private DebugAnnotation Annotation(ValueKind kind, ulong value, ReadOnlySpan<byte> payload, int index)
    {
        DebugAnnotation annotation = new() { NameIid = (ulong)index + 1 };
        switch (kind)
        {
            case ValueKind.Signed:
                annotation.IntValue = (long)value;
                break;
            case ValueKind.SignedInt:
                annotation.IntValue = (int)(uint)value;
                break;
            case ValueKind.Unsigned:
                annotation.UintValue = value;
                break;
            case ValueKind.Boolean:
                annotation.BoolValue = (byte)value != 0;
                break;
            case ValueKind.Character:
                annotation.StringValue = ((char)(byte)value).ToString();
                break;
            case ValueKind.Text:
                annotation.StringValue = TextOf(payload, index, value);
                break;
            default:
                annotation.PointerValue = value;
                break;
        }
        return annotation;
    }

    private string TextOf(ReadOnlySpan<byte> payload, int index, ulong address)
    {
        var text = layout.Text(payload, index, out var state);
        return state switch
        {
            TextState.Null => "NULL",
            TextState.Unreadable => $"<unreadable 0x{address:x}>",
            TextState.Shortened => Encoding.UTF8.GetString(text) + "…",
            _ => Encoding.UTF8.GetString(text),
        };
    }
}
