using System.Buffers;
using System.Globalization;
using System.Text;
using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tool.Filters;

/// <summary>What literals stand for. Each method gives null where a literal stands for nothing.</summary>
internal static class FilterLiterals
{
    private static readonly (string Suffix, ulong Factor)[] Units =
    [
        ("K", 1ul << 10), ("M", 1ul << 20), ("G", 1ul << 30), ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("", 1),
    ];

    /// <summary>A number with its unit, or a character: i64, or u64 if it is too large for that.</summary>
    internal static Constant? Number(string literal)
    {
        if (literal[0] == '\'')
            return Bytes(literal) is [byte only] ? new Constant(only, DataType.I64) : null;

        (string suffix, ulong factor) = Array.Find(Units, u => literal.EndsWith(u.Suffix, StringComparison.Ordinal));
        ReadOnlySpan<char> digits = literal.AsSpan(0, literal.Length - suffix.Length);
        bool isHexadecimal = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase);

        // A decimal number with a leading zero is an octal one to some, a decimal one to others.
        if (!isHexadecimal && digits is ['0', _, ..])
            return null;

        bool isNumber = ulong.TryParse(
            isHexadecimal ? digits[2..] : digits, isHexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out ulong value);
        if (!isNumber || Math.BigMul(value, factor, out ulong product) != 0)
            return null;

        return new((long)product, product > long.MaxValue ? DataType.U64 : DataType.I64);
    }

    /// <summary>The bytes between quotes: UTF-8, with C's escapes.</summary>
    internal static byte[]? Bytes(string literal)
    {
        ReadOnlySpan<char> rest = literal.AsSpan(1, literal.Length - 2);
        ArrayBufferWriter<byte> bytes = new();
        while (!rest.IsEmpty)
        {
            int plain = rest.IndexOf('\\');
            ReadOnlySpan<char> before = plain < 0 ? rest : rest[..plain];
            Encoding.UTF8.GetBytes(before, bytes);
            rest = rest[before.Length..];
            if (rest.IsEmpty)
                break;

            if (!TryEscape(ref rest, out byte value))
                return null;

            bytes.Write([value]);
        }

        return bytes.WrittenSpan.ToArray();
    }

    private static bool TryEscape(ref ReadOnlySpan<char> rest, out byte value)
    {
        value = 0;
        if (rest.Length < 2)
            return false;

        char letter = rest[1];
        rest = rest[2..];
        switch (letter)
        {
            case 'x':
                int digits = rest is [char first, ..] && char.IsAsciiHexDigit(first) ? rest is [_, char second, ..] && char.IsAsciiHexDigit(second) ? 2 : 1 : 0;
                bool isNumber = byte.TryParse(rest[..digits], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
                rest = rest[digits..];
                return isNumber;
            case '0':
                return true;
        }

        int known = "abtnvfre\\'\"".IndexOf(letter, StringComparison.Ordinal);
        if (known < 0)
            return false;

        value = "\a\b\t\n\v\f\r\e\\'\""u8[known];
        return true;
    }
}
