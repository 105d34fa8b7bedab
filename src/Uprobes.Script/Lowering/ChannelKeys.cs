using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Output;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>The keys of a map: as the script has them, and as a table in shared memory has.</summary>
/// <param name="map">The map.</param>
/// <param name="types">Names of enums' values.</param>
internal sealed class ChannelKeys(LoweredMap map, TypeCatalog types)
{
    /// <summary>Names of the places, by their numbers.</summary>
    internal IReadOnlyList<(string Function, string Name)> Places { get; set; } = [];

    /// <summary>What a row's key is for the script.</summary>
    internal ScriptValue Decode(MapKey key)
    {
        int part = 0;
        return map.Key.Count == 0 ? ScriptValue.None : Decode(key, map.Symbol.KeyType, ref part);
    }

    /// <summary>How the table has a key of the script.</summary>
    internal MapKey Encode(in ScriptValue key)
    {
        IReadOnlyList<DataType> stored = map.Definition.Keys;
        ulong[] words = new ulong[map.Definition.KeySize / 8];
        int part = 0;
        if (map.Key.Count > 0)
            Encode(key, words, ref part);
        return new MapKey(MapKey.NoProbe, stored, words);
    }

    private ScriptValue Decode(MapKey key, ScriptType type, ref int part)
    {
        if (type is TupleType tuple)
        {
            ScriptValue[] items = new ScriptValue[tuple.Elements.Count];
            for (int i = 0; i < items.Length; i++)
                items[i] = Decode(key, tuple.Elements[i], ref part);
            return ScriptValue.Tuple(items);
        }

        KeyPart described = map.Key[part];
        int index = part++;
        if (described.Kind != KeyPartKind.Value)
            return ScriptValue.Literal(NameOf((int)key.Integer(index), described.Kind));
        return described.Stored.IsText
            ? ScriptValue.String(key.Text(index)[..Math.Min(key.Text(index).Length, StoredTypes.MostBytes((TextType)type))].ToArray())
            : TypedValue.OfBits(key.Integer(index), type, types);
    }

    private void Encode(in ScriptValue key, Span<ulong> words, ref int part)
    {
        if (key.Kind == ScriptValueKind.Tuple)
        {
            foreach (ScriptValue item in key.Items)
                Encode(item, words, ref part);
            return;
        }

        KeyPart described = map.Key[part];
        Span<ulong> place = words.Slice(StoredValue.OffsetOf(map.Definition.Keys, part), described.Stored.StoredSize / 8);
        part++;
        if (described.Kind != KeyPartKind.Value)
            place[0] = (uint)PlaceOf(key.Bytes, described.Kind);
        else if (described.Stored.IsText)
            StoredText.Write(place, key.Bytes[..Math.Min(key.Bytes.Length, described.Stored.Capacity)]);
        else
            place[0] = (ulong)described.Stored.Wrap(key.Bits);
    }

    private string NameOf(int place, KeyPartKind kind) =>
        place < 0 || place >= Places.Count ? "" : kind == KeyPartKind.FunctionOfPlace ? Places[place].Function : Places[place].Name;

    private int PlaceOf(ReadOnlySpan<byte> name, KeyPartKind kind)
    {
        string wanted = System.Text.Encoding.UTF8.GetString(name);
        for (int i = 0; i < Places.Count; i++)
        {
            if (NameOf(i, kind) == wanted)
                return i;
        }

        return -1;
    }
}
