using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Tool.Filters;

namespace Uprobes.Tool.Queries;

/// <summary>
/// Makes the programs of a command: something is done at each call's entry, or at its return, if the condition of <c>--where</c> holds. The
/// condition is decided at the entry where it can be, so that other calls need not be followed to their return.
/// </summary>
internal sealed class CallQuery
{
    private readonly string? _condition;
    private readonly bool _decidesAtReturn;

    /// <summary>Reads what the user wrote.</summary>
    /// <param name="condition">That of <c>--where</c>, or null.</param>
    /// <param name="value">The value that is wanted of each call, or null.</param>
    /// <param name="followsReturns">Whether the return is wanted even if neither of the two needs it.</param>
    /// <param name="keep">Arguments that the work at the return needs beyond those of the value; null for none.</param>
    /// <exception cref="FilterException">One of them means nothing.</exception>
    internal CallQuery(string? condition, string? value = null, bool followsReturns = false, IReadOnlyList<int>? keep = null)
    {
        _condition = condition;
        _decidesAtReturn = condition is not null && FilterExpression.NeedsReturn(condition);
        IsReturn = followsReturns || _decidesAtReturn || (value is not null && FilterExpression.NeedsReturn(value));
        if (!IsReturn)
        {
            Names = FilterNames.Entry;
        }
        else
        {
            SortedSet<int> kept = [.. keep ?? []];
            if (_decidesAtReturn)
                kept.UnionWith(FilterExpression.ArgumentsIn(condition!));
            if (value is not null)
                kept.UnionWith(FilterExpression.ArgumentsIn(value));
            Kept = [.. kept.Take(ProgramLimits.FollowWords)]; // The names of further ones say that they are too many.
            Names = FilterNames.Return(Kept);
        }

        Value = value is null ? null : FilterExpression.Parse(value, Names);
        if (condition is not null)
            Condition = FilterExpression.Parse(condition, _decidesAtReturn ? Names : FilterNames.Entry);
    }

    /// <summary>Whether the work is done when the call returns.</summary>
    internal bool IsReturn { get; }

    /// <summary>What names mean where the work is done.</summary>
    internal FilterNames Names { get; }

    /// <summary>The condition, or null.</summary>
    internal Expression? Condition { get; }

    /// <summary>Whether the condition is decided when the call returns.</summary>
    internal bool DecidesAtReturn => _decidesAtReturn;

    /// <summary>The value, or null.</summary>
    internal Expression? Value { get; }

    /// <summary>The arguments that the entry keeps for the return, in the order of its words.</summary>
    internal IReadOnlyList<int> Kept { get; } = [];

    /// <summary>The programs that do something of each call.</summary>
    /// <param name="work">What is done; its expressions have their meaning where it is done.</param>
    /// <param name="locals">Types of its local variables; null for none.</param>
    internal ProgramGroup Build(IReadOnlyList<Statement> work, IReadOnlyList<DataType>? locals = null)
    {
        if (!IsReturn)
            return new ProgramGroup { Entry = new ProbeProgram(Guarded(work), locals ?? []) };
        Statement follow = new FollowCall([.. Kept.Select(index => new Argument(index))]);
        return new ProgramGroup
        {
            Entry = new ProbeProgram(_decidesAtReturn ? [follow] : Guarded([follow]), []),
            Return = new ProbeProgram(_decidesAtReturn ? Guarded(work) : work, locals ?? []),
        };
    }

    /// <summary>Statements that are done only if the condition holds.</summary>
    internal IReadOnlyList<Statement> Guarded(IReadOnlyList<Statement> work) => Condition is null ? work : [new If(Condition, work, [])];
}
