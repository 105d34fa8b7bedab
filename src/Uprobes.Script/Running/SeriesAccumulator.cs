using Uprobes.Linux;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary><c>tseries()</c>: an aggregate for each of the last intervals.</summary>
/// <param name="parameters">As <see cref="MapSymbol.Parameters"/> has them.</param>
/// <param name="isSigned">Whether the numbers are signed.</param>
internal sealed class SeriesAccumulator(IReadOnlyList<long> parameters, bool isSigned) : MapAccumulator
{
    /// <summary>The parameter that says that an interval keeps its last number.</summary>
    private const long LastValue = -1;

    private readonly long _interval = Math.Max(1, parameters[0]);
    private readonly long _kept = Math.Max(1, parameters[1]);
    private readonly AggregateType? _function = parameters[2] == LastValue ? null : new AggregateType((AggregateFunction)parameters[2], isSigned);
    private readonly SortedDictionary<long, (MapAccumulator? Aggregate, long Last)> _intervals = [];

    internal override void Add(long value) => Add(value, SystemClocks.RealNanoseconds);

    /// <summary>Takes a number in.</summary>
    /// <param name="value">64 bits.</param>
    /// <param name="unixNanoseconds">When.</param>
    internal void Add(long value, long unixNanoseconds)
    {
        long index = unixNanoseconds / _interval;
        if (!_intervals.TryGetValue(index, out (MapAccumulator? Aggregate, long Last) slot))
        {
            slot.Aggregate = _function is null ? null : new NumberAccumulator(_function);
            while (_intervals.Count > 0 && _intervals.First().Key <= index - _kept)
                _intervals.Remove(_intervals.First().Key);
        }

        slot.Aggregate?.Add(value);
        _intervals[index] = (slot.Aggregate, value);
    }

    internal override void Reset() => _intervals.Clear();

    internal override ScriptValue Read()
    {
        List<TimeSeriesPoint> points = [];
        long next = 0;
        foreach ((long index, (MapAccumulator? aggregate, long last)) in _intervals)
        {
            for (; points.Count > 0 && next < index; next++)
                points.Add(new TimeSeriesPoint(next * _interval, ScriptValue.None));
            ScriptValue value = aggregate?.Read() ?? Number(last);
            points.Add(new TimeSeriesPoint(index * _interval, value.TryGetNumber(out long bits) ? Number(bits) : value));
            next = index + 1;
        }

        return ScriptValue.TimeSeries(new ScriptTimeSeries(points));
    }

    private ScriptValue Number(long bits) => isSigned ? ScriptValue.Signed(bits) : ScriptValue.Unsigned((ulong)bits);
}
