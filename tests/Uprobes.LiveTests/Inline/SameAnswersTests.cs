using System.Globalization;
using Uprobes.Channels;
using Uprobes.LiveTests.Torture;
using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>One question about one run has one answer, whoever gives it: breakpoints, jumps, the kernel.</summary>
[Kit.TestLimit(240)]
public sealed class SameAnswersTests(ITestOutputHelper output)
{
    private const int Functions = 400, ReturningFunctions = 25;

    /// <summary>Counts, sums, histograms and keyed counts of arguments. Only the place in a page counts: pages are mapped elsewhere when more is mapped.</summary>
    private static ProgramGroup Question { get; } = new()
    {
        Entry = new ProbeProgram(
            [
                new Aggregate(0, [], null),
                new Aggregate(1, [], Low(0)),
                new Aggregate(2, [], Low(1)),
                new Aggregate(3, [], Low(2)),
                new Aggregate(4, [new Builtin(BuiltinKind.ProbeIndex), Low(0)], null),
                new FollowCall([Low(0)]),
            ],
            []),
        Return = new ProbeProgram(
            [
                new Aggregate(5, [], null),
                new Aggregate(6, [], new Binary(BinaryOperator.Add, new EntryWord(0), new Binary(BinaryOperator.And, new ReturnValue(), new Constant(0xFFF, DataType.U64)))),
            ],
            []),
        Maps =
        [
            new MapDefinition("entries", AggregateKind.Count, DataType.U64, [], 1),
            new MapDefinition("sum", AggregateKind.Sum, DataType.U64, [], 1),
            new MapDefinition("log", AggregateKind.LogHistogram, DataType.U64, [], 1),
            new MapDefinition("linear", AggregateKind.LinearHistogram, DataType.U64, [], 1, new LinearSteps(0, 4096, 64)),
            new MapDefinition("keyed", AggregateKind.Count, DataType.U64, [DataType.U32, DataType.U64], 1 << 17),
            new MapDefinition("returns", AggregateKind.Count, DataType.U64, [], 1),
            new MapDefinition("results", AggregateKind.Statistics, DataType.U64, [], 1),
        ],
    };

    [Theory]
    [InlineData("bash")]
    [InlineData("sqlite3")]
    [InlineData("python3")]
    public async Task Jumps_and_breakpoints_give_one_answer(string name)
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        using PrivateProgram program = Workloads.Create(name);
        RunResult bare = program.RunBare();
        FunctionPlace[] places = await Choose(program, seed);
        string[] byJumps = await Ask(program, places, ProbeEngine.Auto, bare);
        string[] byBreakpoints = await Ask(program, places, ProbeEngine.Trap, bare);
        // What two runs by breakpoints do not agree on (process ids, random numbers, places of locks) tells nothing of engines.
        string[] again = await Ask(program, places, ProbeEngine.Trap, bare);
        HashSet<string> unsteady = [.. byBreakpoints.Except(again).Concat(again.Except(byBreakpoints)).Select(RowOf)];
        string[] steady = [.. byBreakpoints.Where(row => !unsteady.Contains(RowOf(row)))];
        output.WriteLine($"{steady.Length} rows are the same each time, {unsteady.Count} are not");
        Assert.True(steady.Length > 20 * unsteady.Count && steady.Length > places.Length);
        string[] jumps = [.. byJumps.Where(row => !unsteady.Contains(RowOf(row)))];
        string[] differences = [.. jumps.Except(steady).Select(row => "jumps: " + row), .. steady.Except(jumps).Select(row => "breakpoints: " + row)];
        string told = $"seed {seed}, {differences.Length} differences:\n{string.Join('\n', differences.Order(StringComparer.Ordinal).Take(60))}";
        Assert.False(Array.Exists(differences, row => row.Contains(": entries ", StringComparison.Ordinal) || row.Contains(": returns ", StringComparison.Ordinal)), told);
        // A value that the two runs have in common by chance, of thousands.
        Assert.True(differences.Select(row => RowOf(row[(row.IndexOf(' ', StringComparison.Ordinal) + 1)..])).Distinct().Count() <= steady.Length / 1000, told);
    }

    /// <summary>
    /// What the kernel counts at some of the functions. Its return probes end a program whose functions do not return to where they were
    /// called from (longjmp, unwinding): then others are taken.
    /// </summary>
    private (FunctionPlace[] Places, IReadOnlyList<long> Counts) Reference(PrivateProgram program, FunctionPlace[] called, RunResult bare)
    {
        foreach (FunctionPlace[] places in called.Chunk(ReturningFunctions).Take(8))
        {
            (RunResult reference, IReadOnlyList<long> counts) = program.RunUnderKernel(KernelPoints.Of(places), withReturns: true);
            if (reference == bare)
                return (places, counts);
            output.WriteLine($"under the kernel's return probes the program ended with {reference.ExitCode}");
        }

        Assert.Skip("the kernel's return probes ended the program each time");
        return default;
    }

    /// <summary>Which map's row of which function it is.</summary>
    private static string RowOf(string row) => string.Join(' ', row.Split(':')[0].Split(' ').Take(2));

    [Theory]
    [InlineData("bash")]
    [InlineData("sqlite3")]
    public async Task Returns_are_counted_as_the_kernel_counts_them(string name)
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        using PrivateProgram program = Workloads.Create(name);
        RunResult bare = program.RunBare();
        (FunctionPlace[] places, IReadOnlyList<long> counts) = Reference(program, await Choose(program, seed), bare);
        string[] ours = [.. (await Ask(program, places, ProbeEngine.Auto, bare)).Where(row => row.StartsWith("returns ", StringComparison.Ordinal))];
        string[] kernel = [.. places.Zip(counts).Where(p => p.Second > 0).Select(p => $"returns {p.First.Name}: {p.Second.ToString(CultureInfo.InvariantCulture)}")];
        output.WriteLine($"{kernel.Length} functions, {counts.Sum()} returns");
        Assert.NotEmpty(kernel);
        // The kernel refuses some functions, and counts nothing then.
        HashSet<string> refused = [.. places.Zip(counts).Where(p => p.Second == 0).Select(p => $"returns {p.First.Name}")];
        Assert.True(refused.Count < places.Length / 3);
        ours = [.. ours.Where(row => !refused.Contains(RowOf(row)))];
        Assert.Equal(kernel.Order(StringComparer.Ordinal), ours.Order(StringComparer.Ordinal));
    }

    /// <summary>Functions that are called, by chance.</summary>
    private static async Task<FunctionPlace[]> Choose(PrivateProgram program, int seed)
    {
        FunctionPlace[] all = [.. ProbedRun.PlacesOf(program).DistinctBy(p => p.Name)];
        (string command, _) = program.NextRun();
        using UprobeSession session = UprobeSession.Launch("/bin/sh", ["-c", command]);
        using IQueryRun run = ((IQueryHost)session).Run(AnyState.SeaPrograms.Count, [.. all.Select(p => ProbePoint.At(p.File, p.Offset, p.Name))], null);
        session.Start();
        await session.Completion.WaitAsync(TestContext.Current.CancellationToken);
        MapSnapshot counts = run.Snapshot(0);
        // Breakpoints cost a stop each: no function that is called all the time.
        FunctionPlace[] called = [.. all.Where((_, i) => counts.OfProbe(i)?.Count is > 0 and < 3000)];
        new Random(seed).Shuffle(called);
        return [.. called.Take(Functions)];
    }

    private async Task<string[]> Ask(PrivateProgram program, FunctionPlace[] places, ProbeEngine engine, RunResult bare)
    {
        (string command, int number) = program.NextRun();
        using UprobeSession session = UprobeSession.Launch("/bin/sh", ["-c", command], new SessionOptions { Engine = engine });
        session.Notice += notice => output.WriteLine($"{notice.Kind}: {notice.Message}");
        using IQueryRun run = ((IQueryHost)session).Run(Question, [.. places.Select(p => ProbePoint.At(p.File, p.Offset, p.Name))], null);
        session.Start();
        await session.Completion.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(bare, program.ResultOf(number, session.LaunchedExitCode ?? -1));
        Assert.Equal(0, run.Losses.Keys);
        output.WriteLine($"{engine}: {run.Refusals.Count} refused, {run.Losses}");
        List<string> rows = [];
        for (int map = 0; map < Question.Maps.Count; map++)
        {
            foreach ((MapKey key, AggregateValue value) in run.Snapshot(map).Rows)
            {
                int probe = key.Probe >= 0 ? key.Probe : (int)key.Integer(0);
                string of = key.Probe >= 0 ? "" : " " + key.Integer(1).ToString("x", CultureInfo.InvariantCulture);
                string answer = value.Kind switch
                {
                    AggregateKind.Count => value.Count.ToString(CultureInfo.InvariantCulture),
                    AggregateKind.Statistics => $"{value.Count} {value.Sum} {value.Minimum} {value.Maximum}",
                    AggregateKind.Sum => value.Sum.ToString(CultureInfo.InvariantCulture),
                    _ => string.Join(' ', value.Buckets.ToArray()),
                };
                rows.Add($"{Question.Maps[map].Name} {places[probe].Name}{of}: {answer}");
            }
        }

        return [.. rows];
    }

    /// <summary>Some of an argument's bits; 0 for what may be a pointer, since stacks begin elsewhere in each run.</summary>
    private static Conditional Low(int argument) => new(
        new Binary(BinaryOperator.Less, new Argument(argument), new Constant(1L << 32, DataType.U64)),
        new Binary(BinaryOperator.And, new Argument(argument), new Constant(0xFFF, DataType.U64)),
        new Constant(0, DataType.U64));
}
