using Uprobes.Programs;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Lowering;

/// <summary>A script whose probes' actions run inside the target.</summary>
/// <param name="Group">What the programs share; which place has which is still open.</param>
/// <param name="Programs">The programs of each action.</param>
/// <param name="Maps">The script's maps, in the order of the group's.</param>
/// <param name="Events">What the reader does for each of the group's events.</param>
/// <param name="Loops">Loops whose rounds are counted, in the order of the maps that the group has behind the script's.</param>
/// <param name="ForReader">The maps that are the reader's, and why.</param>
internal sealed record LoweredScript(
    ProgramGroup Group, IReadOnlyDictionary<LoweredAction, ProbePrograms> Programs, IReadOnlyList<LoweredMap> Maps, IReadOnlyList<LoweredEvent> Events,
    IReadOnlyList<SourceSpan> Loops, IReadOnlyDictionary<MapSymbol, LoweringRefusal> ForReader)
{
    /// <summary>Programs in which there is <see cref="PlaceValue"/>: each place has its own.</summary>
    internal required IReadOnlySet<LoweredAction> OfPlaces { get; init; }

    /// <summary>The group for places, a probe each in their order.</summary>
    internal ProgramGroup GroupFor(IEnumerable<LoweredPlace> places) => Group with { OfProbes = [.. places.Select(In)] };

    private ProbePrograms In(LoweredPlace place)
    {
        ProbePrograms programs = Programs[place.Action];
        return place.Mark is null && !OfPlaces.Contains(place.Action) ? programs : new ExpressionSubstitution(place.Find).In(programs);
    }
}

/// <summary>An action as one kind of probe has it.</summary>
/// <param name="Probe">Whose action.</param>
/// <param name="IsReturn">Whether it runs when the function returns.</param>
internal readonly record struct LoweredAction(TypedProbe Probe, bool IsReturn);

/// <summary>What is left for the reader to do when a program has sent an event.</summary>
/// <param name="Action">What has <see cref="Running.FieldExpression"/> where the program has found the value already.</param>
/// <param name="Fields">What those are made of.</param>
internal sealed record LoweredEvent(TypedStatement Action, IReadOnlyList<LoweredField> Fields)
{
    /// <summary>The event's first field: which place was hit.</summary>
    internal const int PlaceField = 0;

    /// <summary>The second one: the process, as it numbers itself.</summary>
    internal const int ProcessField = 1;

    /// <summary>Where the fields of <see cref="Fields"/> begin.</summary>
    internal const int FirstField = 2;
}

/// <summary>A value that comes with an event.</summary>
/// <param name="Type">What it is for the script.</param>
/// <param name="MostBytes">Of a text or a buffer.</param>
internal readonly record struct LoweredField(ScriptType Type, int MostBytes)
{
    /// <summary>How many fields of the event it takes.</summary>
    internal int Width => Type is StackType ? StackCapture.FieldCount : 1;
}
