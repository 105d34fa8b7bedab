using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Script.Lowering;

/// <summary>
/// A variable that holds one of several texts, of which is known only at the hit which one: a local says which kind of text it is, and for one that lies in memory others say
/// where, and how much of it counts. The text itself stays where it is.
/// </summary>
/// <param name="Kind">The local: 0 for an empty text, or the kind's number.</param>
/// <param name="Address">The local of the address.</param>
/// <param name="Length">The local of most bytes.</param>
/// <param name="Capacity">Of all texts that it may hold.</param>
internal sealed record TextSlot(int Kind, int Address, int Length, int Capacity)
{
    /// <summary>The kinds that are put in.</summary>
    internal HashSet<int> Kinds { get; } = [];

    /// <summary>Those whose texts are put in.</summary>
    internal HashSet<TextSlot> Sources { get; } = [];

    /// <summary>All kinds that it may have, once all of the action is known.</summary>
    internal IEnumerable<int> AllKinds()
    {
        HashSet<TextSlot> seen = [];
        Stack<TextSlot> rest = new([this]);
        while (rest.TryPop(out TextSlot? slot))
        {
            if (!seen.Add(slot))
                continue;
            foreach (TextSlot source in slot.Sources)
                rest.Push(source);
        }

        return seen.SelectMany(slot => slot.Kinds).Distinct().Order();
    }

    public bool Equals(TextSlot? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => Kind;
}

/// <summary>Stands for what a slot holds until all of the action is known.</summary>
internal sealed record HeldText(TextSlot Slot) : Expression(DataType.Text(Slot.Capacity));
