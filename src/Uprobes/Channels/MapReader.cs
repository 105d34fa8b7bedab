using System.Runtime.InteropServices;

namespace Uprobes.Channels;

/// <summary>
/// Reads a map while it is written, and merges it over the threads of a channel, and over channels: those of several processes, and
/// the interpreter's. Each word is read once, then looked at; what cannot be is skipped and counted. A cell that is just written may
/// be caught between two of its words: then a sum is one value ahead of its count.
/// </summary>
internal sealed class MapReader
{
    private readonly int _map;
    private readonly MapDefinition _definition;
    private readonly Dictionary<MapKey, ulong[]> _cells = [];
    private readonly ulong[] _words;
    private long _corrupt;

    private MapReader(int map, MapDefinition definition)
    {
        (_map, _definition) = (map, definition);
        _words = new ulong[(definition.KeySize / 8) + definition.CellWords];
    }

    /// <summary>Reads a map.</summary>
    /// <param name="channels">At least one; all have this map at the same place.</param>
    /// <param name="map">Which of the group's maps.</param>
    /// <exception cref="ObjectDisposedException">A channel has been disposed.</exception>
    internal static MapSnapshot Read(IReadOnlyList<ChannelMemory> channels, int map)
    {
        var reader = new MapReader(map, channels[0].Layout.Maps[map]);
        foreach (ChannelMemory channel in channels)
        {
            using ChannelHold hold = channel.Hold();
            if (!reader._definition.IsKeyed)
            {
                reader.ReadRecords(channel);
                continue;
            }

            lock (channel.Tables)
                reader.ReadTable(channel);
        }

        var rows = new Dictionary<MapKey, AggregateValue>(reader._cells.Count);
        foreach ((MapKey key, ulong[] cell) in reader._cells)
            rows.Add(key, new AggregateValue(reader._definition, cell));
        return new MapSnapshot(reader._definition, rows, reader._corrupt);
    }

    /// <summary>Reads one key of a map with keys; null where it is not there.</summary>
    /// <param name="channels">At least one; all have this map at the same place.</param>
    /// <param name="map">Which of the group's maps.</param>
    /// <param name="key">The key.</param>
    /// <exception cref="ObjectDisposedException">A channel has been disposed.</exception>
    internal static AggregateValue? ReadKey(IReadOnlyList<ChannelMemory> channels, int map, MapKey key)
    {
        var reader = new MapReader(map, channels[0].Layout.Maps[map]);
        foreach (ChannelMemory channel in channels)
        {
            using ChannelHold hold = channel.Hold();
            lock (channel.Tables)
            {
                foreach (int index in KeyedTable.Places(reader._definition, key.Stored))
                {
                    SparseArea entry = new(channel, KeyedTable.EntryOffset(channel.Layout, map, index), channel.Layout.EntrySize(map), 1);
                    if (entry.Read(0, 0) == 0)
                        break; // No key lies beyond an empty entry.
                    reader.ReadEntry(entry, 0, index);
                }
            }
        }

        return reader._cells.TryGetValue(key, out ulong[]? cell) ? new AggregateValue(reader._definition, cell) : null;
    }

    private void ReadRecords(ChannelMemory channel)
    {
        ChannelLayout layout = channel.Layout;
        for (int slot = 0; slot < layout.ThreadSlots; slot++)
        {
            if (!ChannelThreads.TryRead(channel, slot, out _))
                continue;
            long start = ChannelThreads.RecordOffset(layout, slot) + layout.CellsOffset(_map);
            var cells = new SparseArea(channel, start, _definition.CellWords * 8, layout.Probes);
            foreach (int probe in cells.Items)
                ReadCell(cells, probe);
        }
    }

    private void ReadCell(SparseArea cells, int probe)
    {
        Copy(cells, probe, 0);
        if (Cell.IsEmpty(_definition, _words))
            return;
        if (Cell.IsPossible(_definition, _words))
            Merge(new MapKey(probe, _definition.Keys, []), _words);
        else
            _corrupt++;
    }

    private void ReadTable(ChannelMemory channel)
    {
        ChannelLayout layout = channel.Layout;
        var entries = new SparseArea(channel, layout.TableOffset(_map), layout.EntrySize(_map), _definition.Capacity);
        foreach (int index in entries.Items)
            ReadEntry(entries, index, index);
    }

    private void ReadEntry(SparseArea entries, int item, int index)
    {
        ulong state = entries.Read(item, 0), hash = state & ~KeyedTable.StateBits;
        if (state == 0 || state == (hash | KeyedTable.Writing))
            return;

        Copy(entries, item, 8);
        Span<ulong> key = _words.AsSpan(0, _definition.KeySize / 8), cell = _words.AsSpan(key.Length);
        if (state != (hash | KeyedTable.Present) || hash != KeyHash.StateOf(key) || !KeyedTable.IsInReach(_definition, hash, index)
            || !StoredValue.ArePossible(_definition.Keys, key) || !Cell.IsPossible(_definition, cell))
        {
            _corrupt++;
            return;
        }

        // The sum of a key that is there may well be 0.
        if (_definition.Kind == AggregateKind.Sum || !Cell.IsEmpty(_definition, cell))
            Merge(new MapKey(MapKey.NoProbe, _definition.Keys, key.ToArray()), cell);
    }

    private void Merge(MapKey key, ReadOnlySpan<ulong> cell)
    {
        ref ulong[]? row = ref CollectionsMarshal.GetValueRefOrAddDefault(_cells, key, out bool isThere);
        if (isThere)
            Cell.Merge(_definition, row, cell);
        else
            row = cell.ToArray();
    }

    /// <summary>Copies an item's words, the cell's count first, which is written last.</summary>
    private void Copy(SparseArea area, int item, int offset)
    {
        int count = Cell.HasCount(_definition) ? _words.Length - _definition.CellWords + 1 : 0;
        _words[count] = area.Read(item, offset + (8 * count));
        for (int i = 0; i < _words.Length; i++)
        {
            if (i != count)
                _words[i] = area.Read(item, offset + (8 * i));
        }
    }
}
