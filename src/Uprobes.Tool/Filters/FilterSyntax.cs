namespace Uprobes.Tool.Filters;

/// <summary>A filter as it is written.</summary>
/// <param name="Position">Index of the word in the text that says what this is: the operator, the name, the literal.</param>
internal abstract record FilterSyntax(int Position);

/// <summary>A number or a character.</summary>
/// <param name="Position">Of its first character.</param>
/// <param name="Literal">With suffix or quotes.</param>
internal sealed record NumberSyntax(int Position, string Literal) : FilterSyntax(Position);

/// <summary>A text.</summary>
/// <param name="Position">Of its first character.</param>
/// <param name="Literal">With quotes.</param>
internal sealed record TextSyntax(int Position, string Literal) : FilterSyntax(Position);

/// <summary>A name.</summary>
internal sealed record NameSyntax(int Position, string Name) : FilterSyntax(Position);

/// <summary>A name and an argument in parentheses.</summary>
internal sealed record CallSyntax(int Position, string Name, FilterSyntax Argument) : FilterSyntax(Position);

/// <summary>An operator before its operand.</summary>
internal sealed record PrefixSyntax(int Position, string Operator, FilterSyntax Operand) : FilterSyntax(Position);

/// <summary>A type in parentheses before its operand.</summary>
internal sealed record CastSyntax(int Position, string Type, FilterSyntax Operand) : FilterSyntax(Position);

/// <summary>An operator between its operands.</summary>
internal sealed record InfixSyntax(int Position, string Operator, FilterSyntax Left, FilterSyntax Right) : FilterSyntax(Position);
