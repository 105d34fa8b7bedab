using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>A recording of a program that was not written for it, read as protocol buffers are, without the classes that wrote it.</summary>
public sealed class RecordTests
{
    // Fields of perfetto.protos.Trace, TracePacket and TrackEvent.
    private const int Packet = 1, Timestamp = 8, Event = 11, EventType = 9, NameNumber = 10, Track = 11;
    private const ulong Begin = 1, End = 2;

    [Theory]
    [InlineData("trap")]
    [InlineData("auto")]
    public void Calls_within_calls_are_slices_within_slices(string engine)
    {
        string path = Path.GetTempFileName();
        try
        {
            string[] specs = ["libsqlite3:sqlite3_exec", "libsqlite3:sqlite3_step", "libsqlite3:sqlite3_malloc*", "libc:malloc"];
            string[] command = [Require.Program("sqlite3"), ":memory:", "create table t(a); insert into t values (1), (2), (3); select sum(a), hex(zeroblob(5000)) from t"];
            long counted = Objects(Run("count", engine, [.. specs, "-f", "json", "--", .. command]))
                .Where(o => o.GetProperty("type").GetString() == "count").Sum(o => o.GetProperty("count").GetInt64());
            CommandResult recorded = UprobeCommand.Run(["record", "--engine", engine, .. specs, "-o", path, "--", .. command]);
            Assert.True(recorded.Exit == new ExitStatus(0, null), recorded.Errors);
            Assert.Contains($"{counted} calls of 1 thread are in {path}", recorded.Errors, StringComparison.Ordinal);
            var events = Messages(File.ReadAllBytes(path), Packet).Select(p => (Time: Number(p, Timestamp), Events: Messages(p, Event))).Where(p => p.Events.Count == 1)
                .Select(p => (p.Time, Type: Number(p.Events[0], EventType), Name: Number(p.Events[0], NameNumber), Track: Number(p.Events[0], Track))).ToArray();
            Assert.True(counted > 100, $"{counted} calls");
            Assert.Equal((counted, counted), (events.LongCount(e => e.Type == Begin), events.LongCount(e => e.Type == End)));
            Assert.Single(events.Select(e => e.Track).Distinct());
            int depth = 0, deepest = 0;
            foreach (var one in events.OrderBy(e => e.Time))
            {
                depth += one.Type == Begin ? 1 : -1;
                deepest = Math.Max(deepest, depth);
                Assert.True(depth >= 0);
            }

            Assert.Equal(0, depth);
            Assert.InRange(deepest, 3, 40);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string Run(string command, string engine, string[] arguments) => UprobeCommand.Results([command, "--engine", engine, .. arguments]);

    private static ulong Number(byte[] message, int field) => Fields(message).FirstOrDefault(f => f.Field == field).Number;

    private static List<byte[]> Messages(byte[] message, int field) => [.. Fields(message).Where(f => f.Field == field).Select(f => f.Bytes!)];

    private static IEnumerable<(int Field, ulong Number, byte[]? Bytes)> Fields(byte[] message)
    {
        for (int at = 0; at < message.Length;)
        {
            ulong tag = Variable(message, ref at), value = Variable(message, ref at);
            if ((tag & 7) == 0)
            {
                yield return ((int)(tag >> 3), value, null);
                continue;
            }

            Assert.Equal(2ul, tag & 7); // Neither fixed nor grouped fields are written.
            yield return ((int)(tag >> 3), 0, message[at..(at + (int)value)]);
            at += (int)value;
        }
    }

    private static ulong Variable(byte[] message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[at++];
            value |= (ulong)(next & 127) << shift;
            if (next < 128)
                return value;
        }
    }
}
