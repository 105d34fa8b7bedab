using Uprobes.Channels;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;
using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Programs that give a map always new keys and delete them: their entries serve other keys, and no value comes to a key that is not its own.</summary>
public sealed class DeletedKeyTests
{
    private const int Values = 0, Wrong = 1, Missing = 2;
    private static readonly Expression Thread = new Cast(new Builtin(BuiltinKind.ThreadId), DataType.I64), Now = new Builtin(BuiltinKind.Timestamp);

    /// <summary>Each thread has a value that stays, and at each hit one that comes and goes.</summary>
    private static readonly ProgramGroup Group = new()
    {
        Entry = new ProbeProgram(
            [
                new If(new MapContains(Values, [Thread]), [new If(IsOwn(BinaryOperator.NotEqual), [new Aggregate(Wrong, [], null)], [])], []),
                new Aggregate(Values, [Thread], Thread),
                new If(IsOwn(BinaryOperator.Equal), [], [new Aggregate(Missing, [], null)]),
                new SetLocal(0, Now),
                new Aggregate(Values, [new LocalValue(0, DataType.I64)], new Constant(1, DataType.I64)),
                new DeleteKey(Values, [new LocalValue(0, DataType.I64)]),
            ],
            [DataType.I64]),
        Maps =
        [
            new MapDefinition("values", AggregateKind.Value, DataType.I64, [DataType.I64], 128),
            new MapDefinition("wrong", AggregateKind.Count, DataType.U64, [], 1),
            new MapDefinition("missing", AggregateKind.Count, DataType.U64, [], 1),
        ],
    };

    [Theory]
    [InlineData(TracerPresence.Attached, ProbeEngine.Inline)]
    [InlineData(TracerPresence.Detached, ProbeEngine.Inline)]
    [InlineData(TracerPresence.Attached, ProbeEngine.Trap)]
    public void Keys_that_were_deleted_make_room_for_others(TracerPresence presence, ProbeEngine engine)
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { Presence = presence, Engine = engine, LookInterval = TimeSpan.FromMilliseconds(10) });
        using IQueryRun query = ((IQueryHost)session).Run(Group, [ProbePoint.At(Targets.Path("threads"), "work")], null);
        Assert.Empty(query.Refusals);
        target.Ask(engine == ProbeEngine.Inline ? "go 4 200000" : "go 4 500");
        long lost = query.Losses.Keys;
        Assert.Equal(engine == ProbeEngine.Inline, lost > 0);
        Assert.Equal(0, Count(query, Wrong));
        Assert.InRange(Count(query, Missing), 0, lost);
        Eventually.Holds(
            () =>
            {
                lost = query.Losses.Keys;
                target.Ask("go 1 5");
                return query.Losses.Keys == lost;
            },
            "a new key finds room");
        Assert.Equal(0, Count(query, Wrong));
        Assert.Equal((0, 0), (query.Losses.Threads, query.Losses.Other));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.EndsWith("2000", target.Ask("go 2 1000"), StringComparison.Ordinal);
    }

    private static Binary IsOwn(BinaryOperator comparison) => new(comparison, new MapValue(Values, [Thread], DataType.I64), Thread);

    private static long Count(IQueryRun query, int map) => query.Snapshot(map).Rows.Values.Sum(row => (long)row.Count);
}
