using System.Runtime.InteropServices;
using System.Text;
using Uprobes.Images;

namespace Uprobes.Programs;

/// <summary>What is made of texts.</summary>
internal sealed partial class Interpreter
{
    private readonly Dictionary<ReadOnlyMemory<byte>, GlobPattern> _patterns = [];

    private long OfTexts(Expression expression)
    {
        int used = _used;
        long value = expression switch
        {
            TextLength length => TextBytes(length.Text).Length,
            TextFind find => TextBytes(find.Text).IndexOf(TextBytes(find.Sought)),
            TextDifference difference => Difference(TextBytes(difference.Left), TextBytes(difference.Right)),
            TextMatch match => PatternOf(match).IsMatch(Encoding.Latin1.GetString(TextBytes(match.Text))) ? 1 : 0,
            _ => throw new ArgumentException($"not of texts: {expression.GetType().Name}", nameof(expression)),
        };
        _used = used;
        return value;
    }

    private static long Difference(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        int common = left.CommonPrefixLength(right);
        ReadOnlySpan<byte> longer = left.Length > right.Length ? left : right;
        if (common < Math.Min(left.Length, right.Length))
            return left[common] - right[common];

        // The shorter one goes on with zeros.
        int other = longer[common..].IndexOfAnyExcept((byte)0);
        return other < 0 ? 0 : left.Length > right.Length ? longer[common + other] : -longer[common + other];
    }

    private GlobPattern PatternOf(TextMatch match)
    {
        if (!_patterns.TryGetValue(match.Pattern, out GlobPattern? pattern))
            _patterns.Add(match.Pattern, pattern = new GlobPattern(Encoding.Latin1.GetString(match.Pattern.Span)));
        return pattern;
    }

    private void StoreCut(TextCut cut, Span<ulong> destination)
    {
        ulong most = (ulong)Integer(cut.Length);
        destination.Clear();
        StoreText(cut.Text, destination[..StoredText.Words(cut.Text.Type.Capacity)]);
        int length = (int)Math.Min(most, (uint)destination[0]);
        MemoryMarshal.AsBytes(destination[1..])[length..].Clear();
        destination[0] = (uint)length;
    }
}
