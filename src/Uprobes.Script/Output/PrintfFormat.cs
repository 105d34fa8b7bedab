using System.Text;

namespace Uprobes.Script.Output;

/// <summary>
/// A format of printf and its relatives, taken apart once. Conversions are C's for integers, characters, strings and
/// pointers, and <c>%r</c>, <c>%rx</c>, <c>%rh</c> for buffers. A percent sign that begins none of them stays as it is.
/// A <c>*</c> as width or precision is read and has no effect, as in bpftrace. Immutable: any thread may use it.
/// </summary>
public sealed partial class PrintfFormat
{
    private readonly byte[][] _literals; // One more than specifiers: what stands before each, and the rest.
    private readonly PrintfSpecifier[] _specifiers;

    private PrintfFormat(byte[][] literals, PrintfSpecifier[] specifiers)
    {
        _literals = literals;
        _specifiers = specifiers;
    }

    /// <summary>The conversions that take an argument, in order.</summary>
    public IReadOnlyList<PrintfSpecifier> Specifiers => _specifiers;

    /// <summary>The first percent sign that begins no conversion, with what stands behind it (<c>%q</c>); null where there is none.</summary>
    public string? Stray { get; private init; }

    /// <summary>Takes a format apart.</summary>
    /// <param name="format">The format as the script has it, its escapes resolved.</param>
    public static PrintfFormat Parse(string format) => Parse(Encoding.UTF8.GetBytes(format));

    /// <summary>Takes a format apart that need not be UTF-8.</summary>
    /// <param name="format">The format as the script has it, its escapes resolved.</param>
    public static PrintfFormat Parse(ReadOnlySpan<byte> format)
    {
        List<byte[]> literals = [];
        List<PrintfSpecifier> specifiers = [];
        List<byte> literal = [];
        string? stray = null;
        while (!format.IsEmpty)
        {
            int percent = format.IndexOf((byte)'%');
            literal.AddRange(percent < 0 ? format : format[..percent]);
            if (percent < 0)
                break;
            format = format[(percent + 1)..];
            if (ParseSpecifier(format, out PrintfSpecifier specifier) is not (> 0 and int length))
            {
                literal.Add((byte)'%');
                stray ??= Encoding.UTF8.GetString([(byte)'%', .. format[..Math.Min(format.Length, 1)]]);
                continue;
            }

            format = format[length..];
            if (specifier.Conversion == "%")
            {
                literal.Add((byte)'%');
                continue;
            }

            literals.Add([.. literal]);
            literal.Clear();
            specifiers.Add(specifier);
        }

        literals.Add([.. literal]);
        return new PrintfFormat([.. literals], [.. specifiers]) { Stray = stray };
    }

    /// <summary>Checks arguments against the conversions.</summary>
    /// <param name="arguments">The arguments' types.</param>
    /// <returns>The first thing that does not fit; null when all fit.</returns>
    public PrintfProblem? Check(ReadOnlySpan<PrintfArgument> arguments)
    {
        if (arguments.Length != _specifiers.Length)
        {
            string few = arguments.Length < _specifiers.Length ? "not enough" : "too many";
            return new PrintfProblem($"{few} arguments for format string ({arguments.Length} supplied, {_specifiers.Length} expected)", null);
        }

        for (int i = 0; i < arguments.Length; i++)
        {
            if (Problem(_specifiers[i], arguments[i]) is { } message)
                return new PrintfProblem(message, i);
        }

        return null;
    }

    private static string? Problem(PrintfSpecifier specifier, PrintfArgument argument)
    {
        if (argument.Kind == ScriptValueKind.None)
            return $"unable to print none type for specifier: {specifier.Conversion}";
        if (specifier.Width > PrintfSpecifier.MaxWidth || specifier.Precision > PrintfSpecifier.MaxWidth)
            return $"a field of more than {PrintfSpecifier.MaxWidth} bytes for specifier: {specifier.Conversion}";
        bool? fits = specifier.Action switch
        {
            PrintfAction.Unsupported => null,
            PrintfAction.Text => true,
            PrintfAction.Characters or PrintfAction.Escapes or PrintfAction.Pairs => argument.Kind == ScriptValueKind.Buffer,
            _ => IsNumber(argument.Kind),
        };
        return fits switch
        {
            null => $"unsupported format specifier: {specifier.Conversion}",
            false => $"unsupported format specifier for type '{argument.TypeName}': {specifier.Conversion}",
            true => null,
        };
    }

    private static bool IsNumber(ScriptValueKind kind) => kind is ScriptValueKind.Boolean or ScriptValueKind.Integer or ScriptValueKind.Pointer
        or ScriptValueKind.Enum or ScriptValueKind.Count or ScriptValueKind.Sum or ScriptValueKind.Minimum or ScriptValueKind.Maximum or ScriptValueKind.Average;

    /// <summary>Reads what follows a percent sign: flags, width, precision, modifiers, conversion. 0 when it is no conversion.</summary>
    private static int ParseSpecifier(ReadOnlySpan<byte> text, out PrintfSpecifier specifier)
    {
        specifier = new PrintfSpecifier("");
        int at = 0;
        for (; at < text.Length && "-+ #0"u8.Contains(text[at]); at++)
        {
            specifier = text[at] switch
            {
                (byte)'-' => specifier with { IsLeft = true },
                (byte)'+' => specifier with { HasPlus = true },
                (byte)' ' => specifier with { HasBlank = true },
                (byte)'#' => specifier with { IsAlternate = true },
                _ => specifier with { HasZeros = true },
            };
        }

        if (ParseNumber(text, ref at) is { } width)
            specifier = specifier with { Width = Math.Max(0, width) };
        if (at < text.Length && text[at] == '.')
        {
            at++;
            if (ParseNumber(text, ref at) is not { } precision)
                return 0; // A dot without digits is no conversion in bpftrace.
            specifier = specifier with { Precision = precision };
        }

        int modifiers = at;
        while (at < text.Length && "hlLjzt"u8.Contains(text[at]))
            at++;
        specifier = specifier with { Length = Encoding.ASCII.GetString(text[modifiers..at]) };
        if (at == text.Length || !"diouxXeEfFgGaAcspn%r"u8.Contains(text[at]))
            return 0;
        int conversion = at++;
        if (text[conversion] == 'r' && at < text.Length && text[at] is (byte)'x' or (byte)'h')
            at++;
        specifier = (specifier with { Conversion = Encoding.ASCII.GetString(text[conversion..at]) }).Decided();
        return at;
    }

    // -1 for a star. Numbers beyond all use stop growing; Check refuses them.
    private static int? ParseNumber(ReadOnlySpan<byte> text, ref int at)
    {
        if (at < text.Length && text[at] == '*')
        {
            at++;
            return -1;
        }

        int? number = null;
        for (; at < text.Length && text[at] is >= (byte)'0' and <= (byte)'9'; at++)
            number = Math.Min(((number ?? 0) * 10) + (text[at] - '0'), PrintfSpecifier.MaxWidth + 1);
        return number;
    }
}
