namespace Uprobes.Script.Output;

/// <summary>A conversion of a format: <c>%-5ld</c>.</summary>
/// <param name="Conversion">What follows the modifiers: d, i, u, o, x, X, c, s, p, r, rx, rh, or one that printf of C has and scripts do not (f, n, …).</param>
public readonly record struct PrintfSpecifier(string Conversion)
{
    /// <summary>Wider fields are refused: they would be a mistake.</summary>
    public const int MaxWidth = 1 << 16;

    /// <summary>Bytes of the field at least; 0 for none.</summary>
    public int Width { get; init; }

    /// <summary>Digits at least, or bytes of a string at most; -1 for none.</summary>
    public int Precision { get; init; } = -1;

    /// <summary>hh, h, l, ll, j, z, t or nothing: the type that an integer is cut to.</summary>
    public string Length { get; init; } = "";

    /// <summary><c>-</c>: blanks go behind.</summary>
    public bool IsLeft { get; init; }

    /// <summary><c>0</c>: zeros instead of blanks.</summary>
    public bool HasZeros { get; init; }

    /// <summary><c>+</c>: a plus in front of signed numbers that are not negative.</summary>
    public bool HasPlus { get; init; }

    /// <summary>A blank there instead.</summary>
    public bool HasBlank { get; init; }

    /// <summary><c>#</c>: 0x in front of hexadecimal numbers, 0 of octal ones.</summary>
    public bool IsAlternate { get; init; }

    /// <summary>The integer that a conversion prints, cut to its type: int or unsigned int unless a modifier names another.</summary>
    /// <param name="bits">The 64 bits of the argument.</param>
    internal Int128 Cut(long bits) => IsUnsigned
        ? Length switch
        {
            "hh" => (byte)bits,
            "h" => (ushort)bits,
            "l" or "ll" or "j" or "z" or "t" => (ulong)bits,
            _ => (Int128)(uint)bits,
        }
        : Length switch
        {
            "hh" => (sbyte)bits,
            "h" => (short)bits,
            "l" or "ll" or "j" or "z" or "t" => bits,
            _ => (Int128)(int)bits,
        };

    internal bool IsUnsigned => Conversion is "u" or "o" or "x" or "X";
}
