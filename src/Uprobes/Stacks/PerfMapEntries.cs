using System.Buffers.Text;
using System.Text;

namespace Uprobes.Stacks;

/// <summary>
/// The functions of a perf map: lines of start and size in hexadecimal, and a name (linux/tools/perf/Documentation/jit-interface.txt).
/// Nobody vouches for them. Of entries that overlap the later one counts, since compilers use memory again.
/// </summary>
internal sealed class PerfMapEntries
{
    private const int MostEntries = 1 << 20, LongestName = 1024, MostUnsorted = 1024;
    private readonly List<(ulong Start, ulong Size, string Name)> _entries = [];
    private int[] _order = [];
    private int _sorted;

    /// <summary>How many there are.</summary>
    internal int Count => _entries.Count;

    /// <summary>Adds whole lines; what is no entry is left out.</summary>
    internal void Add(ReadOnlySpan<byte> lines)
    {
        foreach (Range range in lines.Split((byte)'\n'))
        {
            if (_entries.Count < MostEntries && TryParse(lines[range], out ulong start, out ulong size, out string name))
                _entries.Add((start, size, name));
        }
    }

    /// <summary>Forgets all.</summary>
    internal void Clear()
    {
        _entries.Clear();
        (_order, _sorted) = ([], 0);
    }

    /// <summary>The function that holds an address.</summary>
    internal bool TryFind(ulong address, out string name, out ulong offset)
    {
        // Sorted anew only when many have come: a map that grows by a line at a time must not cost a sort each time.
        if (_entries.Count - _sorted > Math.Max(MostUnsorted, _sorted / 8))
            (_order, _sorted) = (Sort(), _entries.Count);
        for (int i = _entries.Count - 1; i >= _sorted; i--)
        {
            if (IsIn(i, address, out name, out offset))
                return true;
        }

        int low = 0, high = _order.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_entries[_order[middle]].Start <= address)
                low = middle + 1;
            else
                high = middle;
        }

        if (low > 0)
            return IsIn(_order[low - 1], address, out name, out offset);
        (name, offset) = ("", 0);
        return false;
    }

    private bool IsIn(int entry, ulong address, out string name, out ulong offset)
    {
        (ulong start, ulong size, name) = _entries[entry];
        offset = unchecked(address - start);
        return address >= start && offset < size;
    }

    // By start; of several with one start only the last.
    private int[] Sort()
    {
        int[] order = [.. Enumerable.Range(0, _entries.Count)];
        Array.Sort(order, (a, b) => (_entries[a].Start, a).CompareTo((_entries[b].Start, b)));
        int count = 0;
        foreach (int entry in order)
        {
            if (count > 0 && _entries[order[count - 1]].Start == _entries[entry].Start)
                count--;
            order[count++] = entry;
        }

        return order[..count];
    }

    private static bool TryParse(ReadOnlySpan<byte> line, out ulong start, out ulong size, out string name)
    {
        (size, name) = (0, "");
        if (!TryTakeHex(ref line, out start) || !TryTakeHex(ref line, out size) || size == 0 || size > ulong.MaxValue - start)
            return false;
        line = line.TrimEnd((byte)'\r');
        name = Encoding.UTF8.GetString(line[..Math.Min(line.Length, LongestName)]);
        return name.Length > 0;
    }

    private static bool TryTakeHex(ref ReadOnlySpan<byte> line, out ulong value)
    {
        line = line.TrimStart((byte)' ');
        if (line.StartsWith("0x"u8))
            line = line[2..];
        if (!Utf8Parser.TryParse(line, out value, out int digits, 'x') || digits >= line.Length || line[digits] != ' ')
            return false;
        line = line[(digits + 1)..];
        return true;
    }
}
