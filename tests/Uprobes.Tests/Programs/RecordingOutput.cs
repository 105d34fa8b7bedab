using System.Globalization;
using System.Text;
using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>
/// What programs did, kept in plain tables without limits. A channel that emitted code has written can be put into another one with
/// <see cref="SetCell"/> and <see cref="Emit"/>, and then <see cref="Describe"/> tells whether both are the same.
/// </summary>
internal sealed class RecordingOutput(ProgramGroup group) : IProgramOutput
{
    private readonly SortedDictionary<string, ulong[]> _cells = new(StringComparer.Ordinal);
    private readonly List<(int Event, ulong[] Fields)> _events = [];

    /// <summary>The words of the call that is followed; null where none is.</summary>
    internal ulong[]? Followed { get; set; }

    internal int FailedReads { get; set; }

    internal IReadOnlyList<(int Event, ulong[] Fields)> Events => _events;

    public void CountFailedRead() => FailedReads++;

    public void FollowCall(ReadOnlySpan<ulong> words)
    {
        Assert.Null(Followed);
        Followed = words.ToArray();
    }

    public void Emit(int @event, ReadOnlySpan<ulong> fields)
    {
        Assert.Equal(group.Events[@event].RecordSize - 16, fields.Length * 8);
        _events.Add((@event, fields.ToArray()));
    }

    public void DeleteKey(int map, ReadOnlySpan<ulong> key) => _cells.Remove(Name(map, key));

    public ulong CellWord(int map, ReadOnlySpan<ulong> key, int word)
    {
        Assert.True(group.Maps[map].IsRead);
        return _cells.TryGetValue(Name(map, key), out ulong[]? cell) ? cell[word] : 0;
    }

    public bool TryGetValue(int map, ReadOnlySpan<ulong> key, out long value)
    {
        bool found = _cells.TryGetValue(Name(map, key), out ulong[]? cell);
        value = found ? (long)cell![0] : 0;
        return found;
    }

    /// <summary>A cell's words. Those of a map without a key have an empty key, whichever probe it was.</summary>
    internal ulong[]? Cell(int map, params ReadOnlySpan<ulong> key) => _cells.GetValueOrDefault(Name(map, key));

    /// <summary>Puts a cell's words in as they are. One in which nothing has been counted or assigned is none.</summary>
    internal void SetCell(int map, ReadOnlySpan<ulong> key, ReadOnlySpan<ulong> words)
    {
        if (IsUsed(group.Maps[map].Kind, words))
            _cells[Name(map, key)] = words.ToArray();
        else
            _cells.Remove(Name(map, key));
    }

    public void Aggregate(int map, ReadOnlySpan<ulong> key, long value)
    {
        MapDefinition definition = group.Maps[map];
        Assert.Equal(definition.KeySize, key.Length * 8);
        Assert.Equal(definition.ValueType.Wrap(value), value);
        ulong[] cell = _cells.GetValueOrDefault(Name(map, key)) ?? new ulong[definition.CellWords];
        bool isSigned = definition.ValueType.IsSigned;
        ulong least = definition.LeastMask, greatest = definition.GreatestMask;
        switch (definition.Kind)
        {
            case AggregateKind.Count:
                cell[0]++;
                break;
            case AggregateKind.Sum:
                cell[0] += (ulong)value;
                break;
            case AggregateKind.Average:
                (cell[0], cell[1]) = (cell[0] + (ulong)value, cell[1] + 1);
                break;
            case AggregateKind.Minimum:
                (cell[0], cell[1]) = (Least(cell[1], cell[0] ^ least, (ulong)value, isSigned) ^ least, cell[1] + 1);
                break;
            case AggregateKind.Maximum:
                (cell[0], cell[1]) = (Greatest(cell[1], cell[0] ^ greatest, (ulong)value, isSigned) ^ greatest, cell[1] + 1);
                break;
            case AggregateKind.Statistics:
                cell[2] = Least(cell[1], cell[2] ^ least, (ulong)value, isSigned) ^ least;
                cell[3] = Greatest(cell[1], cell[3] ^ greatest, (ulong)value, isSigned) ^ greatest;
                (cell[0], cell[1]) = (cell[0] + (ulong)value, cell[1] + 1);
                break;
            case AggregateKind.LogHistogram:
                cell[isSigned && value < 0 ? 0 : Part((ulong)value, definition.Bits)]++;
                break;
            case AggregateKind.LinearHistogram:
                cell[Step(definition.Steps, value, isSigned)]++;
                break;
            case AggregateKind.Value:
                (cell[0], cell[1]) = ((ulong)value, 1);
                break;
        }

        SetCell(map, key, cell);
    }

    /// <summary>Everything, in an order of its own but for the events.</summary>
    internal string Describe()
    {
        StringBuilder text = new();
        foreach ((string name, ulong[] cell) in _cells)
            text.Append(CultureInfo.InvariantCulture, $"{name} = {Words(cell)}\n");

        foreach ((int number, ulong[] fields) in _events)
            text.Append(CultureInfo.InvariantCulture, $"!{number} {Words(fields)}\n");

        if (Followed is not null)
            text.Append(CultureInfo.InvariantCulture, $"followed {Words(Followed)}\n");

        return text.Append(CultureInfo.InvariantCulture, $"failed reads {FailedReads}\n").ToString();
    }

    private static bool IsUsed(AggregateKind kind, ReadOnlySpan<ulong> words) => kind switch
    {
        AggregateKind.Average or AggregateKind.Minimum or AggregateKind.Maximum or AggregateKind.Statistics or AggregateKind.Value => words[1] != 0,
        _ => words.ContainsAnyExcept(0ul),
    };

    private static ulong Least(ulong count, ulong old, ulong value, bool isSigned) =>
        count == 0 || (isSigned ? (long)value < (long)old : value < old) ? value : old;

    private static ulong Greatest(ulong count, ulong old, ulong value, bool isSigned) =>
        count == 0 || (isSigned ? (long)value > (long)old : value > old) ? value : old;

    /// <summary>Steps of 1 up to 2^bits, then from each power of two to the next in so many steps.</summary>
    private static int Part(ulong value, int bits)
    {
        int index = 1;
        Int128 limit = 1, step = 1;
        for (; value >= limit; limit += step, index++)
        {
            if (limit >= Int128.One << bits && Int128.IsPow2(limit))
                step = limit >> bits;
        }

        return index;
    }

    private static int Step(LinearSteps steps, long value, bool isSigned)
    {
        Int128 exact = isSigned ? value : (ulong)value;
        return exact < steps.Least ? 0 : exact >= steps.Limit ? steps.Count + 1 : 1 + (int)((exact - steps.Least) / steps.Width);
    }

    private static string Name(int map, ReadOnlySpan<ulong> key) => string.Create(CultureInfo.InvariantCulture, $"@{map}[{Words(key)}]");

    private static string Words(ReadOnlySpan<ulong> words)
    {
        StringBuilder text = new();
        foreach (ulong word in words)
            text.Append(CultureInfo.InvariantCulture, $"{(text.Length > 0 ? " " : "")}{word:x}");

        return text.ToString();
    }
}
