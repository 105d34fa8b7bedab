using Uprobes.Programs;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Keys that programs look up more than once are found once: what they are made of may be another number the next time.</summary>
internal sealed partial class ActionLowering
{
    /// <summary>Keys of the entries that are being changed, and what was kept of them: reading such an entry does not find its key anew.</summary>
    private readonly Stack<(TypedExpression? Key, List<Expression> Parts)> _assignedKeys = [];

    /// <summary>
    /// The parts of a key, wherever what they were made of has gone. The bytes of texts stay where they are; and what is evaluated only sometimes does not
    /// read memory beforehand, where there may be none.
    /// </summary>
    private List<Expression> KeptKey(MapSymbol map, TypedExpression? key)
    {
        return [.. Key(map, key).Select(part => _maybes > 0 && !IsReadyBeforehand(part) ? part : part.Type.IsText ? Kept(part) : IsMadeOf(part, IsSteady) ? part : InLocal(part))];

        static bool IsSteady(BuiltinKind kind) => kind is not (BuiltinKind.Timestamp or BuiltinKind.Duration or BuiltinKind.Processor or BuiltinKind.Random);
    }

    /// <summary>The key of an entry whose value is read.</summary>
    /// <param name="map">The entry.</param>
    /// <param name="isReadTwice">Whether the key is looked up more than once.</param>
    private List<Expression> KeyOf(MapExpression map, bool isReadTwice)
    {
        foreach ((TypedExpression? key, List<Expression> parts) in _assignedKeys)
        {
            if (key is not null && ReferenceEquals(key, map.Key))
                return parts;
        }

        return isReadTwice ? KeptKey(map.Map, map.Key) : Key(map.Map, map.Key);
    }

    /// <summary>Whether an expression reads an entry by a key, as <c>@a[f()] + 1</c> in <c>@a[f()] += 1</c> does by the very key that is assigned to.</summary>
    private static bool Reads(TypedExpression value, TypedExpression? key) =>
        key is not null && ((value is MapExpression read && ReferenceEquals(read.Key, key)) || ExpressionParts.Of(value).Any(part => Reads(part, key)));

    private static bool IsReadyBeforehand(Expression part) => IsMadeOf(part, _ => true);

    /// <summary>Whether an integer is made of registers, locals and certain values that are always there, but not of memory.</summary>
    private static bool IsMadeOf(Expression value, Func<BuiltinKind, bool> isMeant) => value switch
    {
        Programs.Constant or LocalValue or RegisterValue or Argument { Index: < 6 } or ReturnValue or EntryWord or SymbolDistance => true,
        Builtin builtin => isMeant(builtin.Kind),
        Cast cast => IsMadeOf(cast.Operand, isMeant),
        Unary unary => IsMadeOf(unary.Operand, isMeant),
        Binary binary => IsMadeOf(binary.Left, isMeant) && IsMadeOf(binary.Right, isMeant),
        _ => false,
    };
}
