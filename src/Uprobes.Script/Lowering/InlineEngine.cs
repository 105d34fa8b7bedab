using System.Globalization;
using Uprobes.Programs;
using Uprobes.Registry;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Output;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Lowering;

/// <summary>
/// Runs actions as programs: as machine code inside the target where the session's engine does that, in the tracer otherwise.
/// Nobody waits for the reader, which prints what programs send.
/// </summary>
internal sealed class InlineEngine : IScriptEngine
{
    private readonly TypedScript _script;
    private readonly LoweredScript _lowered;
    private readonly Dictionary<MapSymbol, IScriptMap> _maps = [];

    private InlineEngine(TypedScript script, LoweredScript lowered)
    {
        (_script, _lowered) = (script, lowered);
        for (int i = 0; i < lowered.Maps.Count; i++)
            _maps.Add(lowered.Maps[i].Symbol, new ChannelScriptMap(lowered.Maps[i], i, script.Types, script.Options));
    }

    /// <summary>The maps that are in this process, each change of which is an event, and why.</summary>
    internal IReadOnlyDictionary<MapSymbol, LoweringRefusal> ReadersMaps => _lowered.ForReader;

    /// <summary>Makes programs of a script's actions.</summary>
    /// <param name="script">The script.</param>
    /// <param name="startNanoseconds">When the run began, of CLOCK_MONOTONIC.</param>
    /// <param name="refusal">Why that cannot be; null where it can.</param>
    /// <returns>Null where it cannot be.</returns>
    internal static InlineEngine? TryCreate(TypedScript script, long startNanoseconds, out LoweringRefusal? refusal) =>
        ScriptLowering.Lower(script, startNanoseconds, out refusal) is { } lowered ? new InlineEngine(script, lowered) : null;

    /// <inheritdoc/>
    public IScriptMap CreateMap(MapSymbol map) => _maps.TryGetValue(map, out IScriptMap? made) ? made : new LocalScriptMap(map, _script.Types, _script.Options.MaxMapKeys);

    /// <inheritdoc/>
    public IArmedScript Arm(ScriptArming arming)
    {
        ChannelScriptMap[] maps = [.. _maps.Values.Cast<ChannelScriptMap>()];
        var group = _lowered.GroupFor(arming.Sites.Select(site => PlaceOf(site, arming))) with
        {
            Presets = [.. maps.SelectMany(m => m.Presets)],
        };
        if (arming.Sites.Any(site => site.StaticProbe is not null) && ProgramChecker.Check(group) is [var problem, ..])
        {
            throw new ScriptRefusedException([new Diagnostic(Severity.Error, DiagnosticId.Limit, arming.Script.Probes[0].Span, $"programs that read the arguments of static probes are too large: {problem}")
            {
                Hint = "--engine trap runs the script here, and stops the target for it at each hit",
            }]);
        }

        EventActions events = new(_lowered, arming.Sites, new ScriptInterpreter(arming.Script, arming.Maps, arming.Host), arming.Script, arming.Host);
        IQueryRun run = ((IQueryHost)arming.Session).Run(group, [.. arming.Sites.Select(site => site.Point)], _lowered.Events.Count > 0 ? events : null);
        (string, string)[] places = [.. arming.Sites.Select(site => (site.Function, site.Name))];
        foreach (ChannelScriptMap map in maps)
            map.Attach(run, places);
        return new ArmedPrograms(arming, run, maps, _lowered.Loops, events);
    }

    private static LoweredPlace PlaceOf(ScriptSite site, ScriptArming arming) => new(new LoweredAction(site.Probe, site.IsReturn))
    {
        Mark = site.StaticProbe, Function = site.Function, Name = site.Name, ChildProcessId = arming.Host.ChildProcessId ?? 0,
        DistanceOf = symbol => arming.Host.Symbols.DistanceOf(site, symbol)
            ?? throw new ScriptRefusedException([new Diagnostic(Severity.Error, DiagnosticId.UnknownName, site.AttachPoint.Span, $"{site.Image.Path} has no symbol {symbol}")]),
    };

    private sealed class ArmedPrograms : IArmedScript
    {
        private readonly ScriptArming _arming;
        private readonly IQueryRun _run;
        private readonly IReadOnlyList<ChannelScriptMap> _maps;
        private readonly EventActions _events;

        private readonly IReadOnlyList<SourceSpan> _loops;

        internal ArmedPrograms(ScriptArming arming, IQueryRun run, IReadOnlyList<ChannelScriptMap> maps, IReadOnlyList<SourceSpan> loops, EventActions events)
        {
            (_arming, _run, _maps, _loops, _events) = (arming, run, maps, loops, events);
            Refused = arming.SitesOf(run.Refusals);
        }

        public int Count => _run.StandingPoints;

        public IReadOnlyList<(ScriptSite Site, ProbeRefusal Refusal)> Refused { get; }

        public void Dispose()
        {
            _run.Stop();
            for (int i = 0; i < _loops.Count; i++)
                TellEnded(_loops[i], _run.Snapshot(_maps.Count + i).Rows.Values.Aggregate(0ul, (sum, row) => sum + row.Count));
            QueryLosses lost = _run.Losses;
            // Keys are counted for all maps together.
            ChannelScriptMap? only = _maps.Count(map => map.HasKeys) == 1 ? _maps.Single(map => map.HasKeys) : null;
            foreach (ChannelScriptMap map in _maps)
                map.Detach(map == only ? lost.Keys : 0);
            _run.Dispose();
            if (lost.Events > 0)
                _arming.Host.Post(writer => writer.LostEvents((ulong)lost.Events));
            if (only is null && lost.Keys > 0)
                _arming.Host.Tell(string.Create(CultureInfo.InvariantCulture, $"maps were full: {lost.Keys} new {(lost.Keys == 1 ? "entry" : "entries")} found no room (config = {{ max_map_keys = N }} makes more)"));
            if (lost.Returns > 0)
                _arming.Host.Tell(string.Create(CultureInfo.InvariantCulture, $"{lost.Returns} {(lost.Returns == 1 ? "return" : "returns")} could not be followed: actions of uretprobes did not run for them"));
            if (lost.Threads + lost.Other is > 0 and var hits)
                _arming.Host.Tell(string.Create(CultureInfo.InvariantCulture, $"{hits} {(hits == 1 ? "hit is" : "hits are")} missing: more threads came than there is room for, or the process wrote over our memory"));
            _arming.Host.CountFailedReads(lost.FailedReads);
            if (_events.Error is { } error)
                throw new InvalidOperationException("The events of the programs could not be read to their end.", error);
        }

        /// <summary>As <see cref="ScriptInterpreter"/> tells of its own limit.</summary>
        private void TellEnded(SourceSpan loop, ulong times)
        {
            if (times == 0)
                return;
            ScriptLocation location = _arming.Host.Locate(loop);
            string message = string.Create(CultureInfo.InvariantCulture, $"the action was ended after {ProgramLimits.Rounds:N0} rounds of its loops, {(times == 1 ? "once" : $"{times:N0} times")}: a loop in it goes on too long");
            _arming.Host.Post(writer => writer.Message(ScriptSeverity.Error, PrintfFormat.Parse("%s"), [ScriptValue.Literal(message)], location));
        }
    }
}
