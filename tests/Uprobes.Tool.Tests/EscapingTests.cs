using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using Uprobes.Tool.Output;

namespace Uprobes.Tool.Tests;

public sealed class EscapingTests
{
    private static readonly Gen<string> AnyText = Gen.OneOf(
        Gen.String,
        Gen.String[Gen.OneOf(Gen.Char['\0', '\u00ff'], Gen.Char['\u2000', '\u2070'], Gen.Char['\ud800', '\udfff'], Gen.Char["\\\"'\e\ufeff"]), 0, 30]);

    [Theory]
    [InlineData("std::vector<int>::push_back(int&&)", "std::vector<int>::push_back(int&&)")]
    [InlineData("größe_λ", "größe_λ")]
    [InlineData("a\nb\rc\td", "a\\nb\\rc\\td")]
    [InlineData("\e[31mred", "\\x1b[31mred")]
    [InlineData("\0\a\u007f", "\\x00\\x07\\x7f")]
    [InlineData("\u009b31m", "\\u{9b}31m")]
    [InlineData("a\u202eb", "a\\u{202e}b")]
    [InlineData("a\u2028b", "a\\u{2028}b")]
    [InlineData("\U000e0041", "\\u{e0041}")]
    public void Names_are_shown_without_controls(string text, string shown) => Assert.Equal(shown, Escaping.Text(text));

    [Fact]
    public void A_lone_surrogate_is_escaped() => Assert.Equal("a\\u{d800}b", Escaping.Text("a\ud800b"));

    [Fact]
    public void Malformed_bytes_quotes_and_backslashes_of_strings_are_escaped() =>
        Assert.Equal("\"a\\xff\\xc3\\\"\\\\\\n é \\u{85}\"", Quoted([(byte)'a', 0xff, 0xc3, (byte)'"', (byte)'\\', (byte)'\n', (byte)' ', 0xc3, 0xa9, (byte)' ', 0xc2, 0x85]));

    [Fact]
    public void Names_never_hold_what_a_terminal_obeys() => AnyText.Sample(text => AssertHarmless(Escaping.Text(text)));

    [Fact]
    public void Strings_never_hold_what_a_terminal_obeys_and_end_at_their_quote() => Gen.Byte.Array[0, 40].Sample(bytes =>
    {
        var quoted = Quoted(bytes);
        AssertHarmless(quoted);
        Assert.Equal(bytes, Unescape(quoted));
    });

    [Fact]
    public void Json_strings_are_harmless_and_read_back_as_they_were() => AnyText.Sample(text =>
    {
        var quoted = JsonText.Quote(text);
        AssertHarmless(quoted);
        var wellFormed = string.Concat(text.EnumerateRunes().Select(r => r.ToString())); // lone surrogates become U+FFFD
        using var document = JsonDocument.Parse(quoted);
        Assert.Equal(wellFormed, document.RootElement.GetString());
    });

    private static string Quoted(ReadOnlySpan<byte> bytes)
    {
        var output = new ArrayBufferWriter<byte>();
        Escaping.WriteQuoted(output, bytes);
        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(output.WrittenSpan);
    }

    private static void AssertHarmless(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            var category = Rune.GetUnicodeCategory(rune);
            Assert.False(
                category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator,
                $"U+{rune.Value:X4} was let through");
        }
    }

    private static byte[] Unescape(string quoted)
    {
        var bytes = new List<byte>();
        var inside = quoted[1..^1];
        for (var i = 0; i < inside.Length; i++)
        {
            if (inside[i] != '\\')
            {
                var length = char.IsHighSurrogate(inside[i]) ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(inside.Substring(i, length)));
                i += length - 1;
                continue;
            }
            switch (inside[++i])
            {
                case 'x':
                    bytes.Add(byte.Parse(inside.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                    i += 2;
                    break;
                case 'u':
                    var end = inside.IndexOf('}', i);
                    var value = int.Parse(inside.AsSpan(i + 2, end - i - 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                    bytes.AddRange(Encoding.UTF8.GetBytes(char.ConvertFromUtf32(value)));
                    i = end;
                    break;
                case var letter:
                    bytes.Add((byte)(letter switch { 'n' => '\n', 'r' => '\r', 't' => '\t', _ => letter }));
                    break;
            }
        }
        return [.. bytes];
    }
}
