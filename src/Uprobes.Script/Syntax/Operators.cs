namespace Uprobes.Script.Syntax;

/// <summary>Operators between two operands.</summary>
internal enum BinaryOperatorSyntax
{
    LogicalOr,
    LogicalAnd,
    Or,
    Xor,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// <summary>Operators in front of an operand.</summary>
internal enum UnaryOperatorSyntax
{
    Negate,
    Not,
    Complement,
    Dereference,
}

/// <summary>How operators are written and how tightly they bind: as in C.</summary>
internal static class Operators
{
    /// <summary>In the order of <see cref="BinaryOperatorSyntax"/>.</summary>
    private static readonly (string Symbol, int Rank)[] Binary =
    [
        ("||", 1), ("&&", 2), ("|", 3), ("^", 4), ("&", 5), ("==", 6), ("!=", 6), ("<", 7), ("<=", 7), (">", 7), (">=", 7),
        ("<<", 8), (">>", 8), ("+", 9), ("-", 9), ("*", 10), ("/", 10), ("%", 10),
    ];

    /// <summary>In the order of <see cref="UnaryOperatorSyntax"/>.</summary>
    private static readonly string[] Unary = ["-", "!", "~", "*"];

    internal static string Symbol(BinaryOperatorSyntax operation) => Binary[(int)operation].Symbol;

    internal static string Symbol(UnaryOperatorSyntax operation) => Unary[(int)operation];

    /// <summary>From 1, the loosest; those of a rank group from the left.</summary>
    internal static int Rank(BinaryOperatorSyntax operation) => Binary[(int)operation].Rank;

    internal static bool TryGetBinary(Token token, out BinaryOperatorSyntax operation)
    {
        operation = default;
        if (token.Kind != TokenKind.Symbol)
            return false;
        int index = Array.FindIndex(Binary, entry => entry.Symbol == token.Word);
        operation = (BinaryOperatorSyntax)index;
        return index >= 0;
    }

    internal static bool TryGetUnary(Token token, out UnaryOperatorSyntax operation)
    {
        operation = default;
        if (token.Kind != TokenKind.Symbol)
            return false;
        int index = Array.IndexOf(Unary, token.Word);
        operation = (UnaryOperatorSyntax)index;
        return index >= 0;
    }

    /// <summary><c>+=</c> and its like; those that compare have no such form, nor have the logical ones.</summary>
    internal static bool TryGetCompound(Token token, out BinaryOperatorSyntax operation)
    {
        operation = default;
        if (token.Kind != TokenKind.Symbol || token.Word.Length < 2 || token.Word[^1] != '=')
            return false;
        int index = Array.FindIndex(Binary, entry => entry.Rank is 3 or 4 or 5 or > 7 && token.Word.AsSpan(0, token.Word.Length - 1).SequenceEqual(entry.Symbol));
        operation = (BinaryOperatorSyntax)index;
        return index >= 0;
    }
}
