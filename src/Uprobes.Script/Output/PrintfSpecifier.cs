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

    /// <summary>What it does, decided once.</summary>
    internal PrintfAction Action { get; init; }

    /// <summary>By how many bits the 64 of an integer are shifted up and down again to cut it to its type: int unless a modifier names another.</summary>
    internal byte CutBits { get; init; }

    /// <summary>The same conversion with what follows from its letters.</summary>
    internal PrintfSpecifier Decided() => this with
    {
        Action = Conversion switch
        {
            "s" => PrintfAction.Text,
            "r" => PrintfAction.Characters,
            "rx" => PrintfAction.Escapes,
            "rh" => PrintfAction.Pairs,
            "c" => PrintfAction.Character,
            "p" => PrintfAction.Address,
            "d" or "i" => PrintfAction.Signed,
            "u" => PrintfAction.Unsigned,
            "o" => PrintfAction.Octal,
            "x" => PrintfAction.Hex,
            "X" => PrintfAction.UpperHex,
            _ => PrintfAction.Unsupported,
        },
        CutBits = Length switch { "hh" => 56, "h" => 48, "l" or "ll" or "j" or "z" or "t" => 0, _ => 32 },
    };
}

/// <summary>What a conversion does with its argument.</summary>
internal enum PrintfAction : byte
{
    /// <summary>A conversion of C that scripts do not have.</summary>
    Unsupported,
    Text,
    Characters,
    Escapes,
    Pairs,
    Character,
    Address,
    Signed,
    Unsigned,
    Octal,
    Hex,
    UpperHex,
}
