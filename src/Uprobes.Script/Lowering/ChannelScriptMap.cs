using Uprobes.Channels;
using Uprobes.Script.Output;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>
/// A map in memory that the targets' programs write. Values that programs read back are set and taken out there; what programs
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

    /// <summary>What programs are to find in it.</summary>
    internal IEnumerable<(int Map, MapKey Key, long Value)> Presets => _presets.Select(p => (index, p.Key, p.Value));

    private bool HoldsValues => map.Definition.Kind == AggregateKind.Value;

    /// <summary>The programs are armed.</summary>
    /// <param name="run">At work.</param>
    /// <param name="places">Names of the places, by their numbers.</param>
    internal void Attach(IQueryRun run, IReadOnlyList<(string Function, string Name)> places)
    {
        lock (_gate)
        {
            (_run, _keys.Places) = (run, places);
            if (HoldsValues)
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
    public bool TryGet(in ScriptValue key, out ScriptValue value) => Entries().TryGetValue(key, out value);

    /// <inheritdoc/>
    public void Set(in ScriptValue key, in ScriptValue value)
    {
        lock (_gate)
        {
            if (HoldsValues)
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
            bool wasThere = EntriesLocked().ContainsKey(key);
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
                if (HoldsValues)
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
            : ScriptMap.EmptyScalar(name, TypedValue.Zero(map.Symbol.ValueType, types));
    }

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
        if (!HoldsValues)
        {
            if (Read().TryGetValue(key, out ChannelNumbers? now))
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
            ChannelNumbers since = now.Since(_cleared.GetValueOrDefault(key));
            if (HoldsValues || _zeroed.Contains(key) || !_cleared.ContainsKey(key) || !since.IsNothing)
                entries[key] = since.Read(map, types);
        }

        // What BEGIN, intervals and signals have put in. Values are in the targets' memory once there is a target.
        if (HoldsValues && _run is not null)
            return entries;
        foreach (ScriptMapEntry own in _own.Snapshot().Entries)
            entries[own.Key] = entries.TryGetValue(own.Key, out ScriptValue theirs) ? OwnNumbers.Add(map.Symbol, theirs, own.Value) : own.Value;
        return entries;
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
