using System.Globalization;
using System.Text;

namespace Uprobes.Images;

/// <summary>
/// Rust's older scheme: an Itanium nested name of identifiers, the last of which is <c>h</c> and a hash of 16
/// hexadecimal digits. Characters that C++ names cannot have are written between dollar signs.
/// </summary>
internal static class RustLegacyDemangler
{
    private const int HashLength = 17, LeastDifferentDigits = 5;

    /// <summary>The path without the hash, or null where the name is not of this scheme.</summary>
    public static string? TryDemangle(string name)
    {
        if (!name.StartsWith("_ZN", StringComparison.Ordinal))
            return null;
        var parts = new List<string>();
        int at = 3;
        while (at < name.Length && name[at] != 'E')
        {
            int digits = at;
            while (at < name.Length && char.IsAsciiDigit(name[at]))
                at++;
            if (!int.TryParse(name.AsSpan(digits, at - digits), NumberStyles.None, CultureInfo.InvariantCulture, out int length) || length == 0 || length > name.Length - at)
                return null;
            parts.Add(name.Substring(at, length));
            at += length;
        }
        if (at >= name.Length || parts.Count < 2 || !IsHash(parts[^1]))
            return null;
        var text = new StringBuilder();
        for (int i = 0; i < parts.Count - 1; i++)
        {
            if (i > 0)
                text.Append("::");
            AppendUnescaped(text, parts[i]);
        }
        string suffix = name[(at + 1)..];
        // LLVM's suffix only keeps copies apart; others, such as .cold, say something.
        return suffix.StartsWith(".llvm.", StringComparison.Ordinal) ? text.ToString() : text.Append(suffix).ToString();
    }

    // A C++ name could end in such an identifier too, but hardly in one with so many different digits.
    private static bool IsHash(string part)
    {
        if (part.Length != HashLength || part[0] != 'h')
            return false;
        uint seen = 0;
        foreach (char digit in part.AsSpan(1))
        {
            if (!char.IsAsciiHexDigitLower(digit))
                return false;
            seen |= 1u << Convert.ToInt32(digit.ToString(), 16);
        }
        return System.Numerics.BitOperations.PopCount(seen) >= LeastDifferentDigits;
    }

    private static void AppendUnescaped(StringBuilder text, string part)
    {
        ReadOnlySpan<char> rest = part.StartsWith("_$", StringComparison.Ordinal) ? part.AsSpan(1) : part;
        while (!rest.IsEmpty)
        {
            int used = 1;
            if (rest.StartsWith(".."))
            {
                text.Append("::");
                used = 2;
            }
            else if (rest[0] == '$' && rest[1..].IndexOf('$') is > 0 and int end && Unescape(rest.Slice(1, end)) is { } character)
            {
                text.Append(character);
                used = end + 2;
            }
            else
            {
                text.Append(rest[0]);
            }
            rest = rest[used..];
        }
    }

    private static string? Unescape(ReadOnlySpan<char> escape) => escape switch
    {
        "SP" => "@",
        "BP" => "*",
        "RF" => "&",
        "LT" => "<",
        "GT" => ">",
        "LP" => "(",
        "RP" => ")",
        "C" => ",",
        ['u', .. var digits] when int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) && Rune.IsValid(value)
            => new Rune(value).ToString(),
        _ => null,
    };
}
