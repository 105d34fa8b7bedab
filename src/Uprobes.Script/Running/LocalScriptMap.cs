using Uprobes.Script.Output;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>A map in this process. Its size is bounded: new keys beyond it are counted, or take the place of the oldest one.</summary>
/// <param name="symbol">Which map of the script it is.</param>
/// <param name="types">Names of its enums' values.</param>
/// <param name="entries">Most entries, where the script does not declare them.</param>
internal sealed class LocalScriptMap(MapSymbol symbol, TypeCatalog types, int entries) : IScriptMap
{
    private readonly Lock _gate = new();
    private readonly int _capacity = symbol.Entries ?? entries;
    private readonly Dictionary<ScriptValue, Slot> _slots = [];
    private readonly LinkedList<ScriptValue> _ages = [];
    private long _overflow;

    /// <inheritdoc/>
    public MapSymbol Symbol => symbol;

    /// <inheritdoc/>
    public long Overflow => Interlocked.Read(ref _overflow);

    /// <inheritdoc/>
    public int Count
    {
        get
        {
            lock (_gate)
                return _slots.Count;
        }
    }

    /// <inheritdoc/>
    public bool TryGet(in ScriptValue key, out ScriptValue value)
    {
        lock (_gate)
        {
            value = default;
            if (!_slots.TryGetValue(key, out Slot? slot))
                return false;
            Touch(slot);
            value = slot.Read();
            return true;
        }
    }

    /// <inheritdoc/>
    public void Set(in ScriptValue key, in ScriptValue value)
    {
        lock (_gate)
        {
            if (Find(key) is { } slot)
                slot.Value = value;
        }
    }

    /// <inheritdoc/>
    public void Aggregate(in ScriptValue key, long value)
    {
        lock (_gate)
            Find(key)?.Accumulator!.Add(value);
    }

    /// <inheritdoc/>
    public bool Delete(in ScriptValue key)
    {
        lock (_gate)
        {
            if (!_slots.Remove(key, out Slot? slot))
                return false;
            if (slot.Age is { } age)
                _ages.Remove(age);
            return true;
        }
    }

    /// <inheritdoc/>
    public void Clear()
    {
        lock (_gate)
        {
            _slots.Clear();
            _ages.Clear();
        }
    }

    /// <inheritdoc/>
    public void Zero()
    {
        lock (_gate)
        {
            foreach (Slot slot in _slots.Values)
            {
                slot.Accumulator?.Reset();
                slot.Value = slot.Accumulator is null ? TypedValue.Zero(symbol.ValueType, types) : default;
            }
        }
    }

    /// <inheritdoc/>
    public ScriptMap Snapshot()
    {
        ScriptMapEntry[] copied;
        lock (_gate)
            copied = [.. _slots.Select(entry => new ScriptMapEntry(entry.Key, entry.Value.Read()))];
        string name = symbol.ToString();
        if (symbol.HasKeys == true)
            return new ScriptMap(name, copied);
        return copied.Length > 0 ? ScriptMap.Scalar(name, copied[0].Value) : ScriptMap.EmptyScalar(name, TypedValue.Empty(symbol, types));
    }

    /// <summary>The slot of a key, a new one where it has none; null where there is no room.</summary>
    private Slot? Find(in ScriptValue key)
    {
        if (_slots.TryGetValue(key, out Slot? slot))
        {
            Touch(slot);
            return slot;
        }

        if (_slots.Count >= _capacity)
        {
            if (!symbol.EvictsOldest)
            {
                Interlocked.Increment(ref _overflow);
                return null;
            }

            _slots.Remove(_ages.First!.Value);
            _ages.RemoveFirst();
        }

        slot = new Slot
        {
            Accumulator = symbol.ValueType is AggregateType ? MapAccumulator.Create(symbol) : null,
            Age = symbol.EvictsOldest ? _ages.AddLast(key) : null,
        };
        _slots.Add(key, slot);
        return slot;
    }

    private void Touch(Slot slot)
    {
        if (slot.Age is not { } age)
            return;
        _ages.Remove(age);
        _ages.AddLast(age);
    }

    private sealed class Slot
    {
        internal MapAccumulator? Accumulator { get; init; }

        /// <summary>Its place among the keys by last use, where old ones make room.</summary>
        internal LinkedListNode<ScriptValue>? Age { get; init; }

        internal ScriptValue Value { get; set; }

        internal ScriptValue Read() => Accumulator?.Read() ?? Value;
    }
}
