using Uprobes.Channels;
using Uprobes.Script.Output;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>
/// A map in memory that the targets' programs write. What programs read back is set and taken out there; what they only
/// add up is never changed from here: what it was when it was cleared is taken away from what it is.
/// </summary>
/// <param name="map">The map.</param>
/// <param name="index">Its number in the group.</param>
/// <param name="types">Names of enums' values.</param>
/// <param name="options">The script's options.</param>
internal sealed class ChannelScriptMap(LoweredMap map, int index, TypeCatalog types, ScriptConfig options) : IScriptMap
{
    private readonly Lock _gate = new();
    private readonly ChannelKeys _keys = new(map, types);
    private readonly Dictionary<ScriptValue, ChannelNumbers> _cleared = [];
    private readonly HashSet<ScriptValue> _zeroed = [];
    private readonly LocalScriptMap _own = new(map.Symbol, types, options.MaxMapKeys);
    private readonly Dictionary<MapKey, long> _presets = [];
    private IQueryRun? _run;
    private Dictionary<ScriptValue, ChannelNumbers> _last = [];

    /// <inheritdoc/>
    public MapSymbol Symbol => map.Symbol;

    /// <inheritdoc/>
    public long Overflow { get; private set; }

    /// <inheritdoc/>
    public int Count => Entries().Count;

    /// <summary>Whether new keys may find no room.</summary>
    internal bool HasKeys => map.Key.Count > 0;

    /// <summary>What programs are to find in it.</summary>
    internal IEnumerable<(int Map, MapKey Key, long Value)> Presets => _presets.Select(p => (index, p.Key, p.Value));

    /// <summary>The programs are armed.</summary>
    /// <param name="run">At work.</param>
    /// <param name="places">Names of the places, by their numbers.</param>
    internal void Attach(IQueryRun run, IReadOnlyList<(string Function, string Name)> places)
    {
        lock (_gate)
        {
            (_run, _keys.Places) = (run, places);
            if (map.HoldsValues)
                _own.Clear(); // They are in the targets' memory now.
        }
    }

    /// <summary>The programs have gone; what they left stays.</summary>
    /// <param name="overflow">New keys that found no room.</param>
    internal void Detach(long overflow)
    {
        lock (_gate)
        {
            _last = Read();
            _run = null;
            Overflow = overflow;
        }
    }

    /// <inheritdoc/>
    public bool TryGet(in ScriptValue key, out ScriptValue value)
    {
        lock (_gate)
            return TryGetLocked(key, out value);
    }

    /// <inheritdoc/>
    public void Set(in ScriptValue key, in ScriptValue value)
    {
        lock (_gate)
        {
            if (map.HoldsValues)
            {
                SetValue(_keys.Encode(key), key, value.Bits);
                return;
            }

            Forget(key);
            _own.Set(key, value);
        }
    }

    /// <inheritdoc/>
    public void Aggregate(in ScriptValue key, long value)
    {
        lock (_gate)
            _own.Aggregate(key, value);
    }

    /// <inheritdoc/>
    public bool Delete(in ScriptValue key)
    {
        lock (_gate)
        {
            bool wasThere = TryGetLocked(key, out _);
            Forget(key);
            _own.Delete(key);
            return wasThere;
        }
    }

    /// <inheritdoc/>
    public void Clear()
    {
        lock (_gate)
        {
            foreach (ScriptValue key in EntriesLocked().Keys.ToArray())
                Forget(key);
            _own.Clear();
        }
    }

    /// <inheritdoc/>
    public void Zero()
    {
        lock (_gate)
        {
            foreach (ScriptValue key in EntriesLocked().Keys.ToArray())
            {
                if (map.HoldsValues)
                {
                    SetValue(_keys.Encode(key), key, 0);
                    continue;
                }

                Forget(key);
                _zeroed.Add(key);
            }

            _own.Zero();
        }
    }

    /// <inheritdoc/>
    public ScriptMap Snapshot()
    {
        Dictionary<ScriptValue, ScriptValue> entries = Entries();
        string name = map.Symbol.ToString();
        if (map.Key.Count > 0)
            return new ScriptMap(name, [.. entries.Select(e => new ScriptMapEntry(e.Key, e.Value))]);
        return entries.TryGetValue(ScriptValue.None, out ScriptValue value) ? ScriptMap.Scalar(name, value)
            : ScriptMap.EmptyScalar(name, TypedValue.Empty(map.Symbol, types));
    }

    /// <summary>Whether what BEGIN, intervals and signals have put in is here. Values are in the targets' memory once there is a target.</summary>
    private bool HasOwn => !map.HoldsValues || _run is null;

    private void SetValue(MapKey stored, in ScriptValue key, long value)
    {
        long held = map.Definition.ValueType.Wrap(value);
        if (_run is { } run)
        {
            run.Set(index, stored, held);
            return;
        }

        _presets[stored] = held;
        _last.Remove(key);
        _own.Set(key, TypedValue.OfBits(held, map.Symbol.ValueType, types));
    }

    /// <summary>Has a key be as if nothing had been put in.</summary>
    private void Forget(in ScriptValue key)
    {
        _zeroed.Remove(key);
        if (!map.Definition.IsShared)
        {
            if (Read(key) is { } now)
                _cleared[key] = now;
            return;
        }

        MapKey stored = _keys.Encode(key);
        _presets.Remove(stored);
        _last.Remove(key);
        _run?.Delete(index, stored);
    }

    private Dictionary<ScriptValue, ScriptValue> Entries()
    {
        lock (_gate)
            return EntriesLocked();
    }

    private Dictionary<ScriptValue, ScriptValue> EntriesLocked()
    {
        Dictionary<ScriptValue, ScriptValue> entries = [];
        foreach ((ScriptValue key, ChannelNumbers now) in Read())
        {
            if (TryRead(key, now, out ScriptValue value))
                entries[key] = value;
        }

        if (!HasOwn)
            return entries;
        foreach (ScriptMapEntry own in _own.Snapshot().Entries)
            entries[own.Key] = entries.TryGetValue(own.Key, out ScriptValue theirs) ? OwnNumbers.Add(map.Symbol, theirs, own.Value) : own.Value;
        return entries;
    }

    private bool TryGetLocked(in ScriptValue key, out ScriptValue value)
    {
        value = default;
        bool isThere = Read(key) is { } now && TryRead(key, now, out value);
        if (!HasOwn || !_own.TryGet(key, out ScriptValue own))
            return isThere;
        value = isThere ? OwnNumbers.Add(map.Symbol, value, own) : own;
        return true;
    }

    /// <summary>What a key holds since it was cleared.</summary>
    private bool TryRead(in ScriptValue key, ChannelNumbers now, out ScriptValue value)
    {
        ChannelNumbers since = now.Since(_cleared.GetValueOrDefault(key));
        bool isThere = map.HoldsValues || _zeroed.Contains(key) || !_cleared.ContainsKey(key) || !since.IsNothing;
        value = isThere ? since.Read(map, types) : default;
        return isThere;
    }

    /// <summary>One key, without a look at the others where a table has it in one row.</summary>
    private ChannelNumbers? Read(in ScriptValue key)
    {
        if (_run is not { } run || map.Key.Count == 0 || map.Key.Any(part => part.Kind != KeyPartKind.Value))
            return Read().GetValueOrDefault(key);
        if (run.Row(index, _keys.Encode(key)) is not { } row)
            return null;
        ChannelNumbers numbers = new();
        numbers.Add(row);
        return numbers;
    }

    private Dictionary<ScriptValue, ChannelNumbers> Read()
    {
        if (_run is not { } run)
            return _last;
        Dictionary<ScriptValue, ChannelNumbers> rows = [];
        foreach ((MapKey stored, AggregateValue row) in run.Snapshot(index).Rows)
        {
            // Places may share a name, and a map without a key has a row for each.
            ScriptValue key = _keys.Decode(stored);
            if (!rows.TryGetValue(key, out ChannelNumbers? numbers))
                rows.Add(key, numbers = new ChannelNumbers());
            numbers.Add(row);
        }

        return rows;
    }
}
