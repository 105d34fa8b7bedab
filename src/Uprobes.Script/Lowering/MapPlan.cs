using System.Numerics;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Decides how the maps that actions use lie in shared memory.</summary>
internal sealed class MapPlan
{
    /// <summary>Bytes of a table, most of which are never touched.</summary>
    private const long LargestTable = 1L << 34;

    private readonly Dictionary<MapSymbol, int> _indexes = [];
    private readonly Dictionary<MapSymbol, LoweringRefusal> _refusals = [];
    private readonly List<LoweredMap> _maps = [];

    /// <summary>Plans all maps of a script that its actions use. What cannot be in shared memory is the reader's.</summary>
    /// <param name="script">The script.</param>
    /// <param name="uses">How actions of the target use the maps.</param>
    /// <param name="everywhere">How all actions do.</param>
    /// <param name="here">How those do that run in this process.</param>
    /// <param name="refused">Maps whose keys programs cannot make.</param>
    internal MapPlan(TypedScript script, MapUses uses, MapUses everywhere, MapUses here, IReadOnlyDictionary<MapSymbol, LoweringRefusal> refused)
    {
        foreach (MapSymbol map in script.Maps.Where(uses.IsUsed))
        {
            if (refused.TryGetValue(map, out LoweringRefusal? refusal))
            {
                _refusals.Add(map, refusal);
                continue;
            }

            try
            {
                if (map.ValueType is AggregateType { Function: AggregateFunction.Min or AggregateFunction.Max } && everywhere.IsReset(map) && !uses.IsNumber(map))
                    throw new LoweringException(map.Declared, $"{map} is cleared, and what is left of an extreme cannot be known");
                if (uses.IsRemovedFrom(map))
                    throw new LoweringException(map.Declared, $"keys of {map} are deleted, and what programs gather of {map.ValueType} only grows");
                if (uses.IsNumber(map))
                    RequireReadable(map, uses, everywhere, here);
                LoweredMap planned = Plan(map, uses, script.Options);
                if (here.IsWritten(map) && planned.Key.Any(part => part.Kind != KeyPartKind.Value))
                    throw OfSeveralKinds(map);
                _indexes.Add(map, _maps.Count);
                _maps.Add(planned);
            }
            catch (LoweringException e)
            {
                _refusals.Add(map, e.Refusal);
            }
        }
    }

    internal IReadOnlyList<LoweredMap> Maps => _maps;

    /// <summary>The number of a map in shared memory.</summary>
    /// <exception cref="LoweringException">It is the reader's.</exception>
    internal int IndexOf(MapSymbol map) =>
        _indexes.TryGetValue(map, out int index) ? index : throw new LoweringException(_refusals[map].Span, _refusals[map].Reason);

    /// <summary>A map in shared memory.</summary>
    /// <exception cref="LoweringException">It is the reader's.</exception>
    internal LoweredMap Of(MapSymbol map) => _maps[IndexOf(map)];

    /// <summary>Whether programs read and delete what the map holds, rather than only add to it or send it.</summary>
    internal bool HoldsValues(MapSymbol map) => _indexes.TryGetValue(map, out int index) && _maps[index].Definition.IsShared;

    /// <summary>Whether programs read what the map has aggregated.</summary>
    internal bool IsRead(MapSymbol map) => _indexes.TryGetValue(map, out int index) && _maps[index].Definition.IsRead;

    /// <summary>Whether the reader has the map: programs send what is to be put in, and cannot read it.</summary>
    internal bool IsForReader(MapSymbol map) => !_indexes.ContainsKey(map);

    /// <summary>Why the reader has it.</summary>
    internal LoweringRefusal WhyForReader(MapSymbol map) => _refusals[map];

    /// <summary>All that the reader has, and why.</summary>
    internal IReadOnlyDictionary<MapSymbol, LoweringRefusal> ForReader => _refusals;

    /// <summary>What programs read must all be where they look.</summary>
    private static void RequireReadable(MapSymbol map, MapUses uses, MapUses everywhere, MapUses here)
    {
        if (here.IsFilled(map))
            throw new LoweringException(map.Declared, $"{map} is read in the target, and BEGIN, END, intervals or signals put something in");
        if (everywhere.IsZeroed(map))
            throw new LoweringException(map.Declared, $"{map} is read in the target, and set to zero");
        if (uses.IsCleared(map) && (map.HasKeys == true || uses.IsPrinted(map)))
            throw new LoweringException(map.Declared, $"{map} is read in the target, and {(map.HasKeys == true ? "cleared" : "printed and cleared")} there");
    }

    private static LoweredMap Plan(MapSymbol map, MapUses uses, ScriptConfig options)
    {
        if (map.EvictsOldest)
            throw new LoweringException(map.Declared, $"{map} lets go of its oldest entries");
        List<KeyPart> key = [];
        if (map.HasKeys == true)
            AddParts(map, map.KeyType, [.. uses.KeysOf(map)], key);
        AggregateKind kind = KindOf(map, uses.IsCounter(map));
        bool isRead = uses.IsNumber(map);
        if (kind == AggregateKind.Sum && (isRead || (key.Count == 0 && uses.MayVanish(map))))
            kind = AggregateKind.Average; // Which tells a sum of 0 from none, as a row of a table does.
        IReadOnlyList<DataType> stored = [.. key.Select(k => k.Stored)];
        if (stored.Count == 0 && (kind == AggregateKind.Value || isRead))
            stored = [DataType.U8]; // One value for all threads and places, which a table without a key has not.
        if (stored.Sum(k => k.StoredSize) > ProgramLimits.KeySize)
            throw new LoweringException(map.Declared, $"keys of {map} have more than {ProgramLimits.KeySize} bytes");
        int entries = stored.Count == 0 ? 1 : EntriesFor(Math.Max(1, map.Entries ?? options.MaxMapKeys));
        if (entries > ProgramLimits.Keys)
            throw new LoweringException(map.Declared, $"{map} has more than {ProgramLimits.Keys} entries");
        LinearSteps steps = kind == AggregateKind.LinearHistogram ? StepsOf(map) : default;
        int bits = kind == AggregateKind.LogHistogram && map.Parameters is [var parts, ..] ? (int)parts : 0;
        MapDefinition definition = new(map.ToString(), kind, ValueTypeOf(map), stored, entries, steps, bits) { IsRead = isRead };
        return (long)entries * definition.CellWords * 8 > LargestTable
            ? throw new LoweringException(map.Declared, $"{map} would take more than {LargestTable >> 30} GiB")
            : new LoweredMap(map, definition, key);
    }

    /// <summary>A table that is half full has room for every key (<see cref="KeyedTable.IsInReach"/>).</summary>
    private static int EntriesFor(int entries) => entries <= 8 ? 16 : (int)Math.Min(int.MaxValue / 2, BitOperations.RoundUpToPowerOf2((uint)Math.Min(entries, 1 << 28) * 2));

    private static AggregateKind KindOf(MapSymbol map, bool isCounter)
    {
        if (map.ValueType is AggregateType { Function: var function })
        {
            return function switch
            {
                AggregateFunction.Count => AggregateKind.Count,
                AggregateFunction.Sum => AggregateKind.Sum,
                AggregateFunction.Min => AggregateKind.Minimum,
                AggregateFunction.Max => AggregateKind.Maximum,
                AggregateFunction.Avg => AggregateKind.Average,
                AggregateFunction.Stats => AggregateKind.Statistics,
                AggregateFunction.Hist => AggregateKind.LogHistogram,
                AggregateFunction.Lhist => AggregateKind.LinearHistogram,
                _ => throw new LoweringException(map.ValueSpan, $"{map} has buckets that programs in the target cannot fill"),
            };
        }

        if (!map.ValueType.IsScalar)
            throw new LoweringException(map.ValueSpan, $"{map} holds {map.ValueType} values");
        return isCounter && map.ValueType is IntegerType { Bits: 64 } ? AggregateKind.Sum : AggregateKind.Value;
    }

    private static DataType ValueTypeOf(MapSymbol map) => map.ValueType switch
    {
        AggregateType { Function: AggregateFunction.Count } => DataType.U64,
        AggregateType { Function: AggregateFunction.Hist or AggregateFunction.Lhist } => DataType.I64, // What is said to fail by -1 is below 0 whatever its type.
        AggregateType aggregate => aggregate.IsSigned ? DataType.I64 : DataType.U64,
        _ => StoredTypes.Of(map.ValueType),
    };

    private static LinearSteps StepsOf(MapSymbol map)
    {
        (long least, long limit, long width) = (map.Parameters[0], map.Parameters[1], map.Parameters[2]);
        Int128 range = (Int128)limit - least;
        return width >= 1 && range >= width && range % width == 0 && range / width <= ProgramLimits.Steps && (least >= 0 || map.ValueType is AggregateType { IsSigned: true })
            ? new LinearSteps(least, limit, width)
            : throw new LoweringException(map.ValueSpan, $"{map} has buckets that programs in the target cannot fill");
    }

    private static void AddParts(MapSymbol map, ScriptType type, IReadOnlyList<TypedExpression> keys, List<KeyPart> parts)
    {
        switch (type)
        {
            case TupleType tuple:
                for (int i = 0; i < tuple.Elements.Count; i++)
                {
                    int index = i;
                    AddParts(map, tuple.Elements[i], [.. keys.Select(k => ElementOf(k, index))], parts);
                }

                break;
            case TextType text:
                parts.Add(TextPart(map, text, keys));
                break;
            case var _ when type.IsScalar:
                parts.Add(new KeyPart(type, KeyPartKind.Value, StoredTypes.Of(type)));
                break;
            default:
                throw new LoweringException(map.KeysSpan, $"{map} has {type} in its keys");
        }
    }

    /// <summary>The name of a function or a probe is kept as the number of the place, where all keys have it so.</summary>
    private static KeyPart TextPart(MapSymbol map, TextType type, IReadOnlyList<TypedExpression> keys)
    {
        KeyPartKind[] kinds = [.. keys.Select(KindOfText).Distinct()];
        return kinds switch
        {
            [] or [KeyPartKind.Value] => new KeyPart(type, KeyPartKind.Value, StoredTypes.Text(type)),
            [var kind] => new KeyPart(type, kind, DataType.U32),
            _ => throw OfSeveralKinds(map),
        };
    }

    private static LoweringException OfSeveralKinds(MapSymbol map) => new(map.KeysSpan, $"{map} has names of probes and other texts in its keys");

    internal static KeyPartKind KindOfText(TypedExpression text) => StoredTypes.WithoutTextCasts(text) switch
    {
        BuiltinExpression { Builtin: ScriptBuiltin.Function } => KeyPartKind.FunctionOfPlace,
        BuiltinExpression { Builtin: ScriptBuiltin.Probe } => KeyPartKind.NameOfPlace,
        _ => KeyPartKind.Value,
    };

    /// <summary>An element of a key that is written as a tuple.</summary>
    internal static TypedExpression ElementOf(TypedExpression tuple, int index) => tuple switch
    {
        TupleExpression { Elements: var elements } => elements[index],
        CastExpression { Operand: TupleExpression { Elements: var elements }, Type: TupleType type } cast => Cast(elements[index], type.Elements[index], cast),
        _ => throw new LoweringException(tuple.Span, "a key is a tuple that was made elsewhere"),
    };

    private static TypedExpression Cast(TypedExpression element, ScriptType type, CastExpression cast) =>
        element.Type == type ? element : new CastExpression(element, type, cast.Span);
}
