using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>The bytes of a text: their number, without the zero that may have ended it.</summary>
internal sealed record TextLength(Expression Text) : Expression(DataType.U64);

/// <summary>Where one text is in another for the first time, in bytes from its beginning; -1 where it is not. An empty text is at 0.</summary>
/// <param name="Text">Where it is looked for.</param>
/// <param name="Sought">What is looked for.</param>
internal sealed record TextFind(Expression Text, Expression Sought) : Expression(DataType.I64);

/// <summary>The difference of the first bytes that two texts of one capacity do not have in common, without a sign each; 0 where there are none. Behind its end a text has zeros.</summary>
internal sealed record TextDifference(Expression Left, Expression Right) : Expression(DataType.I64);

/// <summary>Whether all of a text matches a pattern (<see cref="Images.GlobPattern"/>), byte by byte.</summary>
/// <param name="Text">The text.</param>
/// <param name="Pattern">At most <see cref="ProgramLimits.PatternBytes"/> bytes.</param>
internal sealed record TextMatch(Expression Text, ReadOnlyMemory<byte> Pattern) : Expression(DataType.Boolean);

/// <summary>The beginning of a text, as a text of another capacity. It does not count as cut.</summary>
/// <param name="Text">Of this capacity at most.</param>
/// <param name="Length">Most bytes: an integer, whose 64 bits count without a sign.</param>
/// <param name="Capacity">That of its type.</param>
internal sealed record TextCut(Expression Text, Expression Length, int Capacity) : Expression(DataType.Text(Capacity));
