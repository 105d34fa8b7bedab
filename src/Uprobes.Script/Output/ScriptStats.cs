namespace Uprobes.Script.Output;

/// <summary>What <c>avg()</c> and <c>stats()</c> keep: how many values there were, and their sum.</summary>
/// <param name="Count">Number of values.</param>
/// <param name="Total">Their sum modulo 2^64, as the 64 bits that the map holds.</param>
/// <param name="IsSigned">Whether the values, and with them the sum, are signed.</param>
public sealed record ScriptStats(ulong Count, long Total, bool IsSigned)
{
    /// <summary>The sum divided by the count, towards zero as C divides; 0 without values. Extended as <see cref="IsSigned"/> says.</summary>
    public Int128 Average => Count == 0 ? 0 : Sum / Count;

    /// <summary>The sum, extended as <see cref="IsSigned"/> says.</summary>
    public Int128 Sum => IsSigned ? Total : (ulong)Total;
}
