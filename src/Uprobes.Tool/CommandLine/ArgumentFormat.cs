using Uprobes.Tool.Messages;

namespace Uprobes.Tool.CommandLine;

/// <summary>How a 64-bit argument is shown.</summary>
internal enum ValueKind
{
    /// <summary>x: hexadecimal.</summary>
    Hexadecimal,

    /// <summary>p: a pointer.</summary>
    Pointer,

    /// <summary>d: signed, 64 bits (C's long).</summary>
    Signed,

    /// <summary>i: signed, the lower 32 bits (C's int).</summary>
    SignedInt,

    /// <summary>u: unsigned, 64 bits.</summary>
    Unsigned,

    /// <summary>s: a pointer to a NUL-terminated string, read when the probe is hit.</summary>
    Text,

    /// <summary>c: the lowest byte as a character.</summary>
    Character,

    /// <summary>b: whether the lowest byte is not zero.</summary>
    Boolean,
}

/// <summary>
/// How arguments and the return value are shown: a letter an argument, then optionally <c>=</c> and a letter for the
/// return value. More arguments than letters repeat the last letter.
/// </summary>
internal sealed record ArgumentFormat(IReadOnlyList<ValueKind> Arguments, ValueKind Result)
{
    /// <summary>How many arguments are shown unless told.</summary>
    public const int DefaultCount = 3;

    /// <summary>The most arguments that can be shown: six in registers, the rest on the stack.</summary>
    public const int MaximumCount = 16;

    /// <summary>Combines <c>--format</c> and <c>--args</c>, each null when not given.</summary>
    /// <exception cref="ToolException">An unknown letter, or a count out of range.</exception>
    public static ArgumentFormat Create(string? format, int? count)
    {
        if (count is < 0 or > MaximumCount)
            throw ToolException.Usage($"--args {count} is out of range", $"0 to {MaximumCount} arguments can be shown");
        var (letters, result) = Split(format ?? "");
        if (letters.Length > MaximumCount)
            throw ToolException.Usage($"--format has {letters.Length} letters", $"at most {MaximumCount} arguments can be shown");
        var kinds = letters.Length == 0 ? [ValueKind.Hexadecimal] : letters.Select(Kind).ToArray();
        var number = count ?? (letters.Length == 0 ? DefaultCount : letters.Length);
        return new ArgumentFormat([.. Enumerable.Range(0, number).Select(i => kinds[Math.Min(i, kinds.Length - 1)])], result);
    }

    private static (string Letters, ValueKind Result) Split(string format)
    {
        var separator = format.IndexOf('=', StringComparison.Ordinal);
        if (separator < 0)
            return (format, ValueKind.Hexadecimal);
        var result = format[(separator + 1)..];
        return result.Length == 1
            ? (format[..separator], Kind(result[0]))
            : throw ToolException.Usage($"--format '{format}' needs one letter after =", "for example --format sx=d");
    }

    private static ValueKind Kind(char letter) => letter switch
    {
        'x' => ValueKind.Hexadecimal,
        'p' => ValueKind.Pointer,
        'd' => ValueKind.Signed,
        'i' => ValueKind.SignedInt,
        'u' => ValueKind.Unsigned,
        's' => ValueKind.Text,
        'c' => ValueKind.Character,
        'b' => ValueKind.Boolean,
        _ => throw ToolException.Usage($"--format has the unknown letter '{letter}'",
            "x hexadecimal, p pointer, d signed 64-bit, i signed 32-bit, u unsigned, s string, c character, b boolean"),
    };
}
