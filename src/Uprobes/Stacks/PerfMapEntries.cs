using System.Buffers.Text;
using System.Text;

namespace Uprobes.Stacks;

/// <summary>
/// The functions of a perf map: lines of start and size in hexadecimal, and a name (linux/tools/perf/Documentation/jit-interface.txt).
/// Nobody vouches for them. Of entries that overlap the later one counts, since compilers use memory again.
/// </summary>
internal sealed class PerfMapEntries
{
    private const int MostEntries = 1 << 20, LongestName = 1024;
    private readonly List<(ulong Start, ulong Size, string Name)> _entries = [];
    private int[]? _order;

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

        _order = null;
    }

    /// <summary>Forgets all.</summary>
    internal void Clear()
    {
        _entries.Clear();
        _order = null;
    }

    /// <summary>The function that holds an address.</summary>
    internal bool TryFind(ulong address, out string name, out ulong offset)
    {
        int[] order = _order ??= Sort();
        int low = 0, high = order.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_entries[order[middle]].Start <= address)
                low = middle + 1;
            else
                high = middle;
        }

        (name, offset) = ("", 0);
        if (low == 0)
            return false;
        (ulong start, ulong size, string found) = _entries[order[low - 1]];
        (name, offset) = (found, address - start);
        return offset < size;
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
