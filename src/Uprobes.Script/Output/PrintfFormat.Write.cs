using System.Buffers;
using System.Globalization;

namespace Uprobes.Script.Output;

/// <content>Writing values.</content>
public sealed partial class PrintfFormat
{
    /// <summary>Writes the format with its arguments. Allocates nothing for numbers, and for strings and buffers without a field.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="arguments">A value a conversion. One that a conversion cannot print becomes <c>!{reason: value}</c>.</param>
    /// <param name="isEscaped">The text goes to a terminal: control characters of the arguments, not those of the format, are escaped.</param>
    /// <exception cref="ArgumentException">There are more or fewer arguments than conversions.</exception>
    public void Write(IBufferWriter<byte> output, ReadOnlySpan<ScriptValue> arguments, bool isEscaped = false)
    {
        if (arguments.Length != _specifiers.Length)
            throw new ArgumentException($"{arguments.Length} arguments for {_specifiers.Length} conversions.", nameof(arguments));
        for (int i = 0; i < arguments.Length; i++)
        {
            output.Write(_literals[i]);
            Write(output, _specifiers[i], arguments[i], isEscaped);
        }

        output.Write(_literals[^1]);
    }

    private static void Write(IBufferWriter<byte> output, in PrintfSpecifier specifier, in ScriptValue value, bool isEscaped)
    {
        switch (specifier.Conversion)
        {
            case "s":
                WriteText(output, specifier, value, isEscaped);
                return;
            case "r" or "rx" or "rh":
                WriteBuffer(output, specifier, value, isEscaped);
                return;
        }

        if (!value.TryGetNumber(out long bits))
        {
            output.Write("!{invalid integer conversion: "u8);
            ValueText.Write(output, value, isEscaped);
            output.WriteByte((byte)'}');
        }
        else if (specifier.Conversion == "c")
        {
            WriteCharacter(output, specifier, (byte)bits, isEscaped);
        }
        else if (specifier.Conversion == "p")
        {
            WriteNumber(output, specifier, (ulong)bits, isHex: true, bits == 0 ? default : "0x"u8);
        }
        else
        {
            WriteInteger(output, specifier, specifier.Cut(bits));
        }
    }

    private static void WriteInteger(IBufferWriter<byte> output, in PrintfSpecifier specifier, Int128 value)
    {
        bool isNegative = value < 0;
        ReadOnlySpan<byte> prefix = specifier.Conversion switch
        {
            "d" or "i" => isNegative ? "-"u8 : specifier.HasPlus ? "+"u8 : specifier.HasBlank ? " "u8 : default,
            "x" when specifier.IsAlternate && value != 0 => "0x"u8,
            "X" when specifier.IsAlternate && value != 0 => "0X"u8,
            _ => default,
        };
        WriteNumber(output, specifier, (ulong)(isNegative ? -value : value), specifier.Conversion is "x" or "X", prefix);
    }

    /// <summary>A number's digits with zeros, sign and blanks around them.</summary>
    private static void WriteNumber(IBufferWriter<byte> output, in PrintfSpecifier specifier, ulong value, bool isHex, ReadOnlySpan<byte> prefix)
    {
        Span<byte> digits = stackalloc byte[24];
        int length = specifier.Conversion == "o" ? Octal(value, digits, specifier.IsAlternate) : Digits(value, digits, specifier, isHex);
        if (value == 0 && specifier.Precision == 0)
            length = 0;
        int zeros = Math.Max(0, specifier.Precision - length);
        int blanks = Math.Max(0, specifier.Width - prefix.Length - zeros - length);
        if (specifier.HasZeros && !specifier.IsLeft && specifier.Precision < 0)
            (zeros, blanks) = (zeros + blanks, 0);
        if (!specifier.IsLeft)
            output.WriteRepeated((byte)' ', blanks);
        output.Write(prefix);
        output.WriteRepeated((byte)'0', zeros);
        output.Write(digits[..length]);
        if (specifier.IsLeft)
            output.WriteRepeated((byte)' ', blanks);
    }

    private static int Digits(ulong value, Span<byte> digits, in PrintfSpecifier specifier, bool isHex)
    {
        value.TryFormat(digits, out int length, isHex ? specifier.Conversion == "X" ? "X" : "x" : default, CultureInfo.InvariantCulture);
        return length;
    }

    private static int Octal(ulong value, Span<byte> digits, bool isAlternate)
    {
        int at = digits.Length;
        do
            digits[--at] = (byte)('0' + (value & 7));
        while ((value >>= 3) != 0);
        if (isAlternate && digits[at] != '0')
            digits[--at] = (byte)'0';
        digits[at..].CopyTo(digits);
        return digits.Length - at;
    }

    private static void WriteCharacter(IBufferWriter<byte> output, in PrintfSpecifier specifier, byte value, bool isEscaped)
    {
        ReadOnlySpan<byte> character = [value];
        if (!specifier.IsLeft)
            output.WriteRepeated((byte)' ', specifier.Width - 1);
        // A byte of UTF-8 that %c writes piece by piece has to stay whole; only true controls are escaped.
        TargetText.Write(output, character, isEscaped && value is < 0x20 or 0x7f);
        if (specifier.IsLeft)
            output.WriteRepeated((byte)' ', specifier.Width - 1);
    }

    private static void WriteText(IBufferWriter<byte> output, in PrintfSpecifier specifier, in ScriptValue value, bool isEscaped)
    {
        if (specifier.Width == 0 && specifier.Precision < 0)
        {
            ValueText.Write(output, value, isEscaped);
            return;
        }

        ArrayBufferWriter<byte> whole = new();
        if (value.Kind == ScriptValueKind.String)
        {
            // The precision counts bytes of the string, not of its escapes.
            ReadOnlySpan<byte> bytes = value.Bytes;
            bytes = specifier.Precision >= 0 && specifier.Precision < bytes.Length ? bytes[..specifier.Precision] : bytes;
            TargetText.Write(whole, bytes, isEscaped && !value.IsTrusted);
            output.WriteField(whole.WrittenSpan, specifier.Width, specifier.IsLeft);
            return;
        }

        ValueText.Write(whole, value, isEscaped);
        ReadOnlySpan<byte> text = whole.WrittenSpan;
        output.WriteField(specifier.Precision >= 0 && specifier.Precision < text.Length ? text[..specifier.Precision] : text, specifier.Width, specifier.IsLeft);
    }

    private static void WriteBuffer(IBufferWriter<byte> output, in PrintfSpecifier specifier, in ScriptValue value, bool isEscaped)
    {
        if (value.Kind != ScriptValueKind.Buffer)
        {
            WriteText(output, specifier, value, isEscaped);
            return;
        }

        BufferStyle style = specifier.Conversion switch { "rx" => BufferStyle.Escapes, "rh" => BufferStyle.Pairs, _ => BufferStyle.Characters };
        if (specifier.Width == 0)
        {
            ValueText.WriteBuffer(output, value.Bytes, style);
            return;
        }

        ArrayBufferWriter<byte> text = new();
        ValueText.WriteBuffer(text, value.Bytes, style);
        output.WriteField(text.WrittenSpan, specifier.Width, specifier.IsLeft);
    }
}
