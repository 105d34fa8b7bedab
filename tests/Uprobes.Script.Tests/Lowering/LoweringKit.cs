using System.Text;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Registry;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Lowering;
using Uprobes.Script.Output;
using Uprobes.Script.Probes;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Tests.Lowering;

/// <summary>Runs scripts on made-up calls: by actions in this process, and by programs whose events are read.</summary>
internal static class LoweringKit
{
    internal static TypedScript Check(string text)
    {
        DiagnosticBag diagnostics = [];
        ScriptSource source = new("test", text);
        ScriptSyntax syntax = Parser.Parse(source, diagnostics);
        TypedScript? script = diagnostics.HasErrors ? null : Analyzer.Analyze(syntax, new AnalysisOptions(), diagnostics);
        Assert.True(script is not null, string.Join('\n', diagnostics.Select(d => DiagnosticRenderer.Render(d, source))));
        return script!;
    }

    /// <summary>What a script prints when its actions are interpreted.</summary>
    internal static string Interpret(TypedScript script, IReadOnlyList<FakeCall> calls)
    {
        using Output output = new();
        Dictionary<MapSymbol, IScriptMap> maps = script.Maps.ToDictionary(m => m, m => (IScriptMap)new LocalScriptMap(m, script.Types, script.Options.MaxMapKeys));
        ScriptInterpreter interpreter = new(script, maps, output);
        RunSpecial(script, interpreter, isEnd: false);
        List<ScriptSite> sites = SitesOf(script);
        foreach (FakeCall call in calls)
        {
            foreach (bool isReturn in (bool[])[false, true])
            {
                for (int i = 0; i < sites.Count; i++)
                {
                    if (sites[i].Function == call.Function && sites[i].IsReturn == isReturn && !output.HasEnded)
                        interpreter.Run(sites[i].Probe, new ActionOccasion { Probe = sites[i].Name, ProbeType = sites[i].AttachPoint.TypeName, Function = call.Function, Hit = isReturn ? call.Return(i) : call.Entry(i) });
                }
            }
        }

        RunSpecial(script, interpreter, isEnd: true);
        return output.Finish(maps.Values);
    }

    /// <summary>What it prints when programs run, in a channel of this process.</summary>
    internal static string RunLowered(TypedScript script, IReadOnlyList<FakeCall> calls)
    {
        LoweredScript? lowered = ScriptLowering.Lower(script, 0, out LoweringRefusal? refusal);
        Assert.True(lowered is not null, refusal?.Reason);
        using Output output = new();
        ChannelScriptMap[] own = [.. lowered!.Maps.Select((m, i) => new ChannelScriptMap(m, i, script.Types, script.Options))];
        Dictionary<MapSymbol, IScriptMap> maps = script.Maps.ToDictionary(m => m, m => own.FirstOrDefault(o => o.Symbol == m) ?? (IScriptMap)new LocalScriptMap(m, script.Types, 100));
        ScriptInterpreter interpreter = new(script, maps, output);
        RunSpecial(script, interpreter, isEnd: false);
        List<ScriptSite> sites = SitesOf(script);
        EventActions events = new(lowered, sites, interpreter, script, output);
        ProgramGroup group = lowered.GroupFor(sites.Select(s => new LoweredPlace(new LoweredAction(s.Probe, s.IsReturn)) { Function = s.Function, Name = s.Name })) with { ThreadSlots = 16, Presets = [.. own.SelectMany(m => m.Presets)] };
        Assert.Empty(ProgramChecker.Check(group));
        using ChannelRun run = new(group, sites.Count);
        foreach (ChannelScriptMap map in own)
            map.Attach(run, [.. sites.Select(s => (s.Function, s.Name))]);
        foreach (FakeCall call in calls)
        {
            foreach (bool isReturn in (bool[])[false, true])
            {
                for (int i = 0; i < sites.Count; i++)
                {
                    if (sites[i].Function != call.Function || sites[i].IsReturn != isReturn || output.HasEnded)
                        continue;
                    run.Hit(i, call, isReturn);
                    run.Deliver(events);
                }
            }
        }

        run.Deliver(events);
        foreach (ChannelScriptMap map in own)
            map.Detach(0);
        RunSpecial(script, interpreter, isEnd: true);
        return output.Finish(maps.Values);
    }

    private static List<ScriptSite> SitesOf(TypedScript script) =>
        [.. script.Probes.SelectMany(probe => probe.AttachPoints.OfType<UserProbe>().Select(place => new ScriptSite(probe, place, null!, default, ((FunctionTarget)place.Target).Name)
        {
            Name = place.Text, IsNamed = true, IsEntry = true,
        }))];

    private static void RunSpecial(TypedScript script, ScriptInterpreter interpreter, bool isEnd)
    {
        foreach (TypedProbe probe in script.Probes.Where(p => p.AttachPoints.OfType<RunProbe>().Any(place => place.IsEnd == isEnd)))
            interpreter.Run(probe, new ActionOccasion { Probe = isEnd ? "END" : "BEGIN", ProbeType = "special" });
    }

    /// <summary>The run of one script.</summary>
    private sealed class Output : IActionHost, IDisposable
    {
        private readonly MemoryStream _written = new();
        private readonly IScriptWriter _writer;

        internal Output() => _writer = ScriptWriter.Create(ScriptFormat.Text, new ScriptWriterOptions(_written, _written) { TimeZone = TimeZoneInfo.Utc });

        internal bool HasEnded { get; private set; }

        public bool IsEnding => HasEnded;

        public long StartNanoseconds => 0;

        public int? ChildProcessId => null;

        public IScriptSymbols Symbols => throw new NotSupportedException("no symbols here");

        public void Post(Action<IScriptWriter> write) => write(_writer);

        public void Exit(int code) => HasEnded = true;

        public void CountFailedReads(long count) => Assert.True(count >= 0);

        public void Tell(string line) => Assert.Fail(line);

        public void Fail(string helper, int errno, SourceSpan span)
        {
        }

        public ScriptLocation Locate(SourceSpan span) => new("test", 1, span.Start);

        public void Dispose() => _writer.Dispose();

        internal string Finish(IEnumerable<IScriptMap> maps)
        {
            _writer.Finish(maps.Select(m => m.Snapshot()));
            _writer.Flush();
            return Encoding.UTF8.GetString(_written.ToArray());
        }
    }
}
