using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Probes;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Lowering;

/// <summary>
/// Makes programs of a script's actions, for the engines that run them inside the target. What a program cannot do itself,
/// such as printing, it sends as an event to the reader. A script is lowered as a whole or not at all: actions share maps.
/// </summary>
internal static class ScriptLowering
{
    private const int LeastRing = 1 << 20, MostRing = 1 << 23, RecordsInRing = 1024;

    /// <summary>Lowers the actions of a script's probes of targets.</summary>
    /// <param name="script">The script.</param>
    /// <param name="startNanoseconds">When the run began, of CLOCK_MONOTONIC.</param>
    /// <param name="refusal">Why that cannot be; null where it can.</param>
    /// <returns>Null where it cannot be.</returns>
    internal static LoweredScript? Lower(TypedScript script, long startNanoseconds, out LoweringRefusal? refusal)
    {
        refusal = null;
        Dictionary<MapSymbol, LoweringRefusal> refused = [];
        while (true)
        {
            try
            {
                return LowerAll(script, startNanoseconds, refused);
            }
            catch (LoweringException e) when (e.KeyOf is { } map)
            {
                refused.Add(map, e.Refusal); // Once for each map at most: what is the reader's has no key that is made elsewhere.
            }
            catch (LoweringException e)
            {
                refusal = e.Refusal;
                return null;
            }
        }
    }

    private static LoweredScript LowerAll(TypedScript script, long startNanoseconds, Dictionary<MapSymbol, LoweringRefusal> refused)
    {
        LoweredAction[] actions = [.. script.Probes.SelectMany(probe => probe.AttachPoints.Where(place => place.IsInTarget).Select(place => new LoweredAction(probe, place is UserProbe { IsReturn: true }))).Distinct()];
        MapPlan maps = new(script, new MapUses(actions.Select(a => a.Probe).Distinct()), new MapUses(script.Probes), new MapUses(script.Probes.Where(probe => probe.AttachPoints.Any(place => !place.IsInTarget))), refused);
        List<LoweredEvent> events = [];
        List<EventDefinition> definitions = [];
        List<SourceSpan> loops = [];
        Dictionary<LoweredAction, ProbePrograms> programs = [];
        HashSet<LoweredAction> ofPlaces = [];
        foreach (LoweredAction action in actions)
        {
            ActionLowering lowering = new(maps, script, action.IsReturn, startNanoseconds, events, definitions, loops);
            programs.Add(action, lowering.Lower(action.Probe));
            if (lowering.UsesPlace)
                ofPlaces.Add(action);
        }

        LoweredScript lowered = new(
            new ProgramGroup
            {
                Entry = new ProbeProgram([], []),
                Maps = [.. maps.Maps.Select(m => m.Definition), .. loops.Select(_ => new MapDefinition("loop", AggregateKind.Count, DataType.U64, [], 1))],
                Events = definitions,
                RingBytes = RingFor(definitions),
            },
            programs, maps.Maps, events, loops, maps.ForReader)
        {
            OfPlaces = ofPlaces,
        };
        return ProgramChecker.Check(lowered.GroupFor(actions.Select(action => new LoweredPlace(action)))) is [var problem, ..]
            ? throw new LoweringException(script.Probes[0].Span, $"its programs are too large: {problem}")
            : lowered;
    }

    private static int RingFor(List<EventDefinition> events)
    {
        int largest = events.Count == 0 ? 0 : events.Max(e => e.RecordSize), ring = LeastRing;
        while (ring < MostRing && ring / RecordsInRing < largest)
            ring *= 2;
        return ring;
    }
}
