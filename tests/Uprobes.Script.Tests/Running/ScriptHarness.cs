using System.Text;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Output;
using Uprobes.Script.Probes;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;
using Uprobes.Stacks;

namespace Uprobes.Script.Tests.Running;

/// <summary>Runs scripts without processes: BEGIN, then each probe of a program once with a hit that is made up, then END.</summary>
internal sealed class ScriptHarness : IActionHost, IScriptSymbols
{
    private readonly ScriptSource _source;
    private readonly IScriptWriter _writer;

    private ScriptHarness(string script, IScriptWriter writer)
    {
        _source = new ScriptSource("stdin", script);
        _writer = writer;
    }

    /// <summary>What the script wrote.</summary>
    internal string Output { get; private set; } = "";

    /// <summary>What went to the standard error.</summary>
    internal string Errors { get; private set; } = "";

    internal int? ExitCode { get; private set; }

    internal FakeHit Hit { get; } = new();

    internal List<string> Failures { get; } = [];

    public long StartNanoseconds => 4_000_000_000;

    public int? ChildProcessId => null;

    public bool IsEnding => ExitCode is not null;

    public IScriptSymbols Symbols => this;

    internal static ScriptHarness Run(string script, ScriptFormat format = ScriptFormat.Text, int hits = 1)
    {
        using MemoryStream output = new(), errors = new();
        ScriptHarness harness = new(script, ScriptWriter.Create(format, new ScriptWriterOptions(output, errors) { TimeZone = TimeZoneInfo.Utc }));
        harness.Run(hits);
        harness.Output = Encoding.UTF8.GetString(output.ToArray());
        harness.Errors = Encoding.UTF8.GetString(errors.ToArray());
        return harness;
    }

    public void Post(Action<IScriptWriter> write) => write(_writer);

    public void Exit(int code) => ExitCode ??= code;

    public void CountFailedReads(long count) => Assert.True(count >= 0);

    public void Tell(string line) => Assert.Fail(line);

    public void Fail(string helper, int errno, SourceSpan span) => Failures.Add($"{helper} {errno} {_source.Slice(span)}");

    public ScriptLocation Locate(SourceSpan span)
    {
        (int line, int column) = _source.Locate(span.Start);
        return new ScriptLocation("stdin", line, column) { EndColumn = _source.Locate(span.End).Column };
    }

    public Lazy<string?> NameOf(int processId, long timestamp, ulong address) => new(() => address == 0x400abc ? "main" : null);

    public ulong? AddressOf(ActionOccasion occasion, string symbol) => symbol == "counter" ? 0x4000UL : null;

    public long? DistanceOf(ScriptSite site, string symbol) => symbol == "counter" ? 0x1000 : null;

    public ScriptStack StackOf(ActionOccasion occasion, StackType type) => new(type.Mode,
        [.. new[] { new ScriptFrame(0x400abc) { Function = "f", Offset = 4 }, new ScriptFrame(0x401000) { Function = "main", Offset = 20 } }.Take(type.Limit)]);

    public ScriptStack StackOf(int processId, long timestamp, in CapturedStack stack, StackType type) => throw new NotSupportedException("nothing is captured here");

    public void Look(IEnumerable<int> processIds)
    {
    }

    private void Run(int hits)
    {
        DiagnosticBag diagnostics = [];
        ScriptSyntax syntax = Parser.Parse(_source, diagnostics);
        TypedScript? script = Analyzer.Analyze(syntax, new AnalysisOptions { AllowsUnsafe = true, Positional = ["7", "seven"] }, diagnostics);
        Assert.True(script is not null, DiagnosticRenderer.Render(diagnostics, _source));
        Dictionary<MapSymbol, IScriptMap> maps = script.Maps.ToDictionary(map => map, map => (IScriptMap)new LocalScriptMap(map, script.Types, script.Options.MaxMapKeys));
        ScriptInterpreter interpreter = new(script, maps, this);
        RunPlaces<RunProbe>(script, interpreter, place => !place.IsEnd);
        for (int i = 0; i < hits && ExitCode is null; i++)
            RunPlaces<UserProbe>(script, interpreter, _ => true);
        RunPlaces<RunProbe>(script, interpreter, place => place.IsEnd);
        _writer.Finish(maps.Values.Select(map => map.Snapshot()));
    }

    private void RunPlaces<T>(TypedScript script, ScriptInterpreter interpreter, Func<T, bool> isMeant)
        where T : AttachPoint
    {
        foreach (TypedProbe probe in script.Probes)
        {
            foreach (T place in probe.AttachPoints.OfType<T>().Where(isMeant))
            {
                if (ExitCode is not null && place is not RunProbe { IsEnd: true })
                    return;
                bool isHit = place.IsInTarget;
                interpreter.Run(probe, new ActionOccasion
                {
                    Probe = place.Text,
                    ProbeType = place.TypeName,
                    Function = isHit ? "f" : "",
                    Hit = isHit ? Hit : null,
                    Thread = isHit ? Hit : null,
                });
            }
        }
    }
}
