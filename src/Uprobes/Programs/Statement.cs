namespace Uprobes.Programs;

/// <summary>Something that is done. Its expressions have all got their values before it changes anything.</summary>
internal abstract record Statement;

/// <summary>Gives a local variable a value of its type.</summary>
internal sealed record SetLocal(int Index, Expression Value) : Statement;

/// <summary>Does one of two things.</summary>
internal sealed record If(Expression Condition, IReadOnlyList<Statement> Then, IReadOnlyList<Statement> Else) : Statement;

/// <summary>
/// Does something a stated number of times, 1 to 1,000. Nested loops multiply: at most 10,000 in all. The counter is a local whose type
/// holds the number; it counts from 0 and has that number afterwards, or that of the round in which it was left. Nothing in the body sets
/// it. Not in a <see cref="Loop"/>, whose rounds would be any number of its own.
/// </summary>
internal sealed record Repeat(int Counter, int Times, IReadOnlyList<Statement> Body) : Statement;

/// <summary>
/// Does something again and again until it is left. The rounds of all such loops of one run are counted together: one that would be
/// beyond <see cref="ProgramLimits.Rounds"/> is not begun, and ends the program.
/// </summary>
/// <param name="Body">A round.</param>
/// <param name="Spent">What is done before the program ends because there are no more rounds: <see cref="Aggregate"/> and <see cref="Emit"/> only.</param>
internal sealed record Loop(IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Spent) : Statement;

/// <summary>Leaves the innermost loop around it.</summary>
internal sealed record Break : Statement;

/// <summary>Goes on with the next round of the innermost loop around it.</summary>
internal sealed record Continue : Statement;

/// <summary>Ends the program.</summary>
internal sealed record Stop : Statement;

/// <summary>Puts a value into a map's cell, in the way of its kind.</summary>
/// <param name="Map">Which of the program's maps.</param>
/// <param name="Key">Empty for a map without a key.</param>
/// <param name="Value">Null for <see cref="Channels.AggregateKind.Count"/>.</param>
internal sealed record Aggregate(int Map, IReadOnlyList<Expression> Key, Expression? Value) : Statement;

/// <summary>Takes out what a map has for a key: one of kind <see cref="Channels.AggregateKind.Value"/>, or one that is read (<see cref="Channels.MapDefinition.IsRead"/>).</summary>
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
