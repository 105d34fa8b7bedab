namespace Uprobes.Programs;

/// <summary>Something that is done. Its expressions have all got their values before it changes anything.</summary>
internal abstract record Statement;

/// <summary>Gives a local variable a value of its type.</summary>
internal sealed record SetLocal(int Index, Expression Value) : Statement;

/// <summary>Does one of two things.</summary>
internal sealed record If(Expression Condition, IReadOnlyList<Statement> Then, IReadOnlyList<Statement> Else) : Statement;

/// <summary>
/// Does something a stated number of times, 1 to 1,000. Nested loops multiply: at most 10,000 in all. The counter is a local whose type
/// holds the number; it counts from 0 and has that number afterwards. Nothing in the body sets it.
/// </summary>
internal sealed record Repeat(int Counter, int Times, IReadOnlyList<Statement> Body) : Statement;

/// <summary>Ends the program.</summary>
internal sealed record Stop : Statement;

/// <summary>Puts a value into a map's cell, in the way of its kind.</summary>
/// <param name="Map">Which of the program's maps.</param>
/// <param name="Key">Empty for a map without a key.</param>
/// <param name="Value">Null for <see cref="Channels.AggregateKind.Count"/>.</param>
internal sealed record Aggregate(int Map, IReadOnlyList<Expression> Key, Expression? Value) : Statement;

/// <summary>Takes a value out of a map of kind <see cref="Channels.AggregateKind.Value"/>.</summary>
internal sealed record DeleteKey(int Map, IReadOnlyList<Expression> Key) : Statement;

/// <summary>Sends an event.</summary>
/// <param name="Event">Which of the program's events.</param>
/// <param name="Fields">As its definition says.</param>
internal sealed record Emit(int Event, IReadOnlyList<Expression> Fields) : Statement;

/// <summary>
/// Has the return program run when this call returns. Only in entry programs; not in a loop, and at most one on any way through the
/// program. The entry's time is kept.
/// </summary>
/// <param name="Words">Integers to keep for the return program, at most 6.</param>
internal sealed record FollowCall(IReadOnlyList<Expression> Words) : Statement;
