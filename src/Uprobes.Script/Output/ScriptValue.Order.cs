namespace Uprobes.Script.Output;

/// <content>Equality and order, as a map's keys need them.</content>
public readonly partial struct ScriptValue
{
    /// <summary>
    /// Orders keys: integers as signed numbers of their width, strings and buffers by their bytes, arrays, tuples and records
    /// from left to right, stacks and symbols by their addresses. Values of different kinds are ordered by kind.
    /// </summary>
    /// <param name="other">The other value.</param>
    public int CompareTo(ScriptValue other)
    {
        if (Kind != other.Kind)
            return Kind.CompareTo(other.Kind);
        return Kind switch
        {
            ScriptValueKind.Integer => AsKey().CompareTo(other.AsKey()),
            ScriptValueKind.String or ScriptValueKind.Buffer => Bytes.SequenceCompareTo(other.Bytes),
            ScriptValueKind.Array or ScriptValueKind.Tuple or ScriptValueKind.Record => Items.SequenceCompareTo(other.Items),
            ScriptValueKind.Stack => StackValue.CompareTo(other.StackValue),
            ScriptValueKind.Enum => Number.CompareTo(other.Number),
            ScriptValueKind.Pointer or ScriptValueKind.UserSymbol => ((ulong)_bits).CompareTo((ulong)other._bits),
            ScriptValueKind.Average or ScriptValueKind.Stats => StatsValue.Average.CompareTo(other.StatsValue.Average),
            ScriptValueKind.Count or ScriptValueKind.Sum or ScriptValueKind.Minimum or ScriptValueKind.Maximum => Number.CompareTo(other.Number),
            _ => _bits.CompareTo(other._bits),
        };
    }

    /// <summary>Whether both are the same key: same kind, same number, bytes or elements. A string's origin does not count.</summary>
    /// <param name="other">The other value.</param>
    public bool Equals(ScriptValue other)
    {
        if (Kind != other.Kind)
            return false;
        return Kind switch
        {
            ScriptValueKind.Integer => AsKey() == other.AsKey(),
            ScriptValueKind.String or ScriptValueKind.Buffer => Bytes.SequenceEqual(other.Bytes),
            ScriptValueKind.Array or ScriptValueKind.Tuple or ScriptValueKind.Record => Items.SequenceEqual(other.Items),
            ScriptValueKind.Pointer or ScriptValueKind.Enum or ScriptValueKind.UserSymbol => _bits == other._bits,
            _ => _bits == other._bits && Equals(_object, other._object),
        };
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ScriptValue other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = new();
        hash.Add(Kind);
        switch (Kind)
        {
            case ScriptValueKind.String or ScriptValueKind.Buffer:
                hash.AddBytes(Bytes);
                break;
            case ScriptValueKind.Array or ScriptValueKind.Tuple or ScriptValueKind.Record:
                foreach (ScriptValue item in Items)
                    hash.Add(item);
                break;
            case ScriptValueKind.Integer:
                hash.Add(AsKey());
                break;
            case ScriptValueKind.Pointer or ScriptValueKind.Enum or ScriptValueKind.UserSymbol:
                hash.Add(_bits);
                break;
            default:
                hash.Add(_bits);
                hash.Add(_object);
                break;
        }

        return hash.ToHashCode();
    }

    /// <summary>Whether both are the same key.</summary>
    /// <param name="left">A value.</param>
    /// <param name="right">Another one.</param>
    public static bool operator ==(ScriptValue left, ScriptValue right) => left.Equals(right);

    /// <summary>Whether they are different keys.</summary>
    /// <param name="left">A value.</param>
    /// <param name="right">Another one.</param>
    public static bool operator !=(ScriptValue left, ScriptValue right) => !left.Equals(right);

    /// <summary>Whether the first is ordered before the second.</summary>
    /// <param name="left">A value.</param>
    /// <param name="right">Another one.</param>
    public static bool operator <(ScriptValue left, ScriptValue right) => left.CompareTo(right) < 0;

    /// <summary>Whether the first is ordered before the second or equals it.</summary>
    /// <param name="left">A value.</param>
    /// <param name="right">Another one.</param>
    public static bool operator <=(ScriptValue left, ScriptValue right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the first is ordered behind the second.</summary>
    /// <param name="left">A value.</param>
    /// <param name="right">Another one.</param>
    public static bool operator >(ScriptValue left, ScriptValue right) => left.CompareTo(right) > 0;

    /// <summary>Whether the first is ordered behind the second or equals it.</summary>
    /// <param name="left">A value.</param>
    /// <param name="right">Another one.</param>
    public static bool operator >=(ScriptValue left, ScriptValue right) => left.CompareTo(right) >= 0;

    // Keys are ordered as signed numbers of their width even where they are unsigned; bpftrace does so.
    private long AsKey() => _bits << (64 - _width) >> (64 - _width);
}
