namespace Uprobes.Channels;

/// <summary>What is kept for a key.</summary>
internal enum AggregateKind
{
    /// <summary>How often. Cell: the count.</summary>
    Count,

    /// <summary>Cell: the sum, modulo 2^64.</summary>
    Sum,

    /// <summary>Cell: sum, count.</summary>
    Average,

    /// <summary>Cell: the least value, masked (<see cref="MapDefinition.LeastMask"/>), then how many there were (0: none yet).</summary>
    Minimum,

    /// <summary>Cell: the greatest value, masked (<see cref="MapDefinition.GreatestMask"/>), then how many there were (0: none yet).</summary>
    Maximum,

    /// <summary>Cell: sum, count, least and greatest (both masked).</summary>
    Statistics,

    /// <summary>
    /// Powers of two, each in 2^k equal parts (<see cref="MapDefinition.Bits"/>). Cell: 1 + (65 - k) x 2^k buckets: 0 for negative values (of a signed
    /// type), 1 + n for n below 2^k, and for values v in [2^n, 2^(n+1)) above 1 + ((n - k) &lt;&lt; k) + (v >> (n - k)). With k = 0: 1 for zero, 2 + n for [2^n, 2^(n+1)).
    /// </summary>
    LogHistogram,

    /// <summary>Steps of one width. Cell: one bucket below the first step, the steps, one above the last.</summary>
    LinearHistogram,

    /// <summary>The value last assigned. Cell: the value, then 1 where there is one. Only for maps with a key, or one probe's.</summary>
    Value,
}

/// <summary>The steps of a <see cref="AggregateKind.LinearHistogram"/>: [Least, Least+Width), ... below Limit.</summary>
/// <param name="Least">Lower end of the first step.</param>
/// <param name="Limit">Upper end of the last step; (Limit - Least) is a multiple of Width.</param>
/// <param name="Width">At least 1. There are at most 1,000 steps.</param>
internal readonly record struct LinearSteps(long Least, long Limit, long Width)
{
    internal int Count => (int)((Limit - Least) / Width);
}

/// <summary>A table that programs write and readers read.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Kind">What is kept.</param>
/// <param name="ValueType">Type of the values that go in; an integer.</param>
/// <param name="Keys">Types of the key's parts; empty for a map without a key, which has a cell of its own for each probe of the program's group and each thread.</param>
/// <param name="Capacity">Most keys; 1 without a key. A power of two. Further keys are counted as lost.</param>
/// <param name="Steps">For linear histograms.</param>
/// <param name="Bits">For histograms of powers of two: k, 0 to <see cref="MostBits"/>.</param>
internal sealed record MapDefinition(
    string Name, AggregateKind Kind, DataType ValueType, IReadOnlyList<DataType> Keys, int Capacity, LinearSteps Steps = default, int Bits = 0)
{
    /// <summary>The greatest k of a histogram of powers of two.</summary>
    internal const int MostBits = 5;

    internal bool IsKeyed => Keys.Count > 0;

    /// <summary>
    /// Whether programs read and delete what was put in for a key (<see cref="Programs.MapCell"/>), which those of kind <see cref="AggregateKind.Value"/>
    /// are for in any case. Such a map has a key, since only then its cells are those of all threads, and its cells tell whether anything is in them.
    /// </summary>
    internal bool IsRead { get; init; }

    /// <summary>Whether all programs of a process have to write the same table: what one puts in another reads.</summary>
    internal bool IsShared => Kind == AggregateKind.Value || IsRead;

    /// <summary>
    /// Whether a cell whose extreme is 0 has nothing in it, whatever its count says: a thread may count its value after another one deleted it, and what
    /// a mask makes of 0 is no value then. What is lost by that is the type's own worst value where it is the only one, which hardly any least or signed
    /// value is; 0 as the greatest unsigned value is common, and right also where it was deleted.
    /// </summary>
    internal bool IsToldByExtreme => IsRead && (Kind == AggregateKind.Minimum || (Kind == AggregateKind.Maximum && ValueType.IsSigned));

    /// <summary>The word of a cell that is 0 while nothing is in it, of shared maps.</summary>
    internal int PresenceWord => Kind == AggregateKind.Count || IsToldByExtreme ? 0 : 1;

    /// <summary>Bytes of the key, a multiple of 8.</summary>
    internal int KeySize => Keys.Sum(k => k.StoredSize);

    /// <summary>
    /// What least values are combined with by exclusive or, so that the least value is the one whose word is greatest as an unsigned number, and a
    /// cell of zeros is right from the start: whoever puts a value in, a signal handler or another thread, need not know whether he is the first.
    /// </summary>
    internal ulong LeastMask => ValueType.IsSigned ? long.MaxValue : ulong.MaxValue;

    /// <summary>The same for greatest values.</summary>
    internal ulong GreatestMask => ValueType.IsSigned ? 1ul << 63 : 0;

    /// <summary>64-bit words of one cell.</summary>
    internal int CellWords => Kind switch
    {
        AggregateKind.Count or AggregateKind.Sum => 1,
        AggregateKind.Statistics => 4,
        AggregateKind.LogHistogram => 1 + ((65 - Bits) << Bits),
        AggregateKind.LinearHistogram => Steps.Count + 2,
        _ => 2,
    };
}

/// <summary>What an event carries, after its header.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Fields">Types of its fields, stored one behind the other, <see cref="DataType.StoredSize"/> bytes each.</param>
internal sealed record EventDefinition(string Name, IReadOnlyList<DataType> Fields)
{
    /// <summary>Bytes of a record with its header of 16; at most <see cref="ChannelLayout.LargestRecord"/>.</summary>
    internal int RecordSize => 16 + Fields.Sum(f => f.StoredSize);
}
