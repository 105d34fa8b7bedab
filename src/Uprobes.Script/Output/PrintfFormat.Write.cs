using System.Buffers;
using System.Buffers.Text;

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
        if (specifier.Action == PrintfAction.Text)
        {
            WriteText(output, specifier, value, isEscaped);
        }
        else if (specifier.Action is PrintfAction.Characters or PrintfAction.Escapes or PrintfAction.Pairs)
        {
            WriteBuffer(output, specifier, value, isEscaped);
        }
        else if (value.TryGetNumber(out long bits))
        {
            WriteNumber(output, specifier, bits, isEscaped);
        }
        else
        {
            output.Write("!{invalid integer conversion: "u8);
            ValueText.Write(output, value, isEscaped);
            output.WriteByte((byte)'}');
        }
    }

    private static void WriteNumber(IBufferWriter<byte> output, in PrintfSpecifier specifier, long bits, bool isEscaped)
    {
        ulong cut = (ulong)bits << specifier.CutBits >> specifier.CutBits;
        switch (specifier.Action)
        {
            case PrintfAction.Character:
                WriteCharacter(output, specifier, (byte)bits, isEscaped);
                break;
            case PrintfAction.Address:
                WriteDigits(output, specifier, (ulong)bits, bits == 0 ? default : "0x"u8);
                break;
            case PrintfAction.Signed:
                long value = bits << specifier.CutBits >> specifier.CutBits;
                // The least integer has no positive counterpart; its bits are the right unsigned number all the same.
                WriteDigits(output, specifier, value < 0 ? (ulong)-value : (ulong)value, value < 0 ? "-"u8 : specifier.HasPlus ? "+"u8 : specifier.HasBlank ? " "u8 : default);
                break;
            case PrintfAction.Hex:
                WriteDigits(output, specifier, cut, specifier.IsAlternate && cut != 0 ? "0x"u8 : default);
                break;
            case PrintfAction.UpperHex:
                WriteDigits(output, specifier, cut, specifier.IsAlternate && cut != 0 ? "0X"u8 : default);
                break;
            default:
                WriteDigits(output, specifier, cut, default);
                break;
        }
    }

    /// <summary>A number's digits with zeros, sign and blanks around them.</summary>
    private static void WriteDigits(IBufferWriter<byte> output, in PrintfSpecifier specifier, ulong value, ReadOnlySpan<byte> prefix)
    {
        Span<byte> digits = stackalloc byte[24];
        int length = Digits(value, digits, specifier);
        if (value == 0 && specifier.Precision == 0 && !(specifier.IsAlternate && specifier.Action == PrintfAction.Octal))
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

    private static int Digits(ulong value, Span<byte> digits, in PrintfSpecifier specifier)
    {
        if (specifier.Action == PrintfAction.Octal)
            return Octal(value, digits, specifier.IsAlternate);
        char format = specifier.Action switch { PrintfAction.Hex or PrintfAction.Address => 'x', PrintfAction.UpperHex => 'X', _ => 'D' };
        Utf8Formatter.TryFormat(value, digits, out int length, format);
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

        BufferStyle style = specifier.Action switch { PrintfAction.Escapes => BufferStyle.Escapes, PrintfAction.Pairs => BufferStyle.Pairs, _ => BufferStyle.Characters };
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
