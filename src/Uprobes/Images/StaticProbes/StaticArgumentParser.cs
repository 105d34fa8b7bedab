using System.Globalization;

namespace Uprobes.Images.StaticProbes;

/// <summary>
/// Reads the arguments of a static probe: <c>N@OP</c>, separated by spaces. N is the size in bytes, negative for signed integers; OP is an
/// operand as GNU as writes it for x86-64 (sys/sdt.h of SystemTap; its wiki, "UserSpaceProbeImplementation").
/// </summary>
/// <param name="findSymbol">The address of a symbol of the file, or null.</param>
internal sealed class StaticArgumentParser(Func<string, LinkAddress?> findSymbol)
{
    /// <summary>The names of 8 bytes, of 4, of 2 and of one, by the processor's number.</summary>
    private static readonly string[][] Registers =
    [
        ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"],
        ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"],
        ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"],
        ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"],
    ];

    /// <summary>The second lowest bytes of rax, rcx, rdx and rbx.</summary>
    private static readonly string[] HighBytes = ["ah", "ch", "dh", "bh"];

    /// <summary>Far more than the 12 that the macros of sys/sdt.h can give a probe.</summary>
    private const int MostArguments = 64;

    /// <summary>Reads all arguments of a probe, 64 at most. What cannot be read keeps its place, with the reason.</summary>
    internal IReadOnlyList<StaticArgument> ParseAll(string text) =>
        [.. text.Split(' ', MostArguments + 1, StringSplitOptions.RemoveEmptyEntries).Take(MostArguments).Select(Parse)];

    /// <summary>Reads one argument.</summary>
    internal StaticArgument Parse(string text)
    {
        int at = text.IndexOf('@', StringComparison.Ordinal);
        if (at <= 0)
            return Unreadable(text, "it does not say how many bytes it has");
        string size = text[..at], place = text[(at + 1)..];
        if (size.EndsWith('f'))
            return Unreadable(text, "it is a floating-point number");
        if (!int.TryParse(size, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int bytes) || bytes is not (1 or 2 or 4 or 8 or -1 or -2 or -4 or -8))
            return Unreadable(text, $"`{size}` is no size of an integer");
        StaticOperand? operand = ParseOperand(place, out string? problem);
        return operand is null ? Unreadable(text, problem!) : new StaticArgument(text, Math.Abs(bytes), bytes < 0) { Operand = operand };
    }

    private static StaticArgument Unreadable(string text, string problem) => new(text, 0, false) { Problem = problem };

    private StaticOperand? ParseOperand(string text, out string? problem)
    {
        problem = null;
        if (text.StartsWith('$'))
        {
            if (TryParseNumber(text.AsSpan(1), out long constant))
                return new StaticConstant(constant);
            problem = $"`{text}` is no number";
            return null;
        }

        if (text.StartsWith('%') && !text.Contains(':', StringComparison.Ordinal))
            return FindRegister(text, out problem);
        return text.Contains(':', StringComparison.Ordinal) ? Refuse("it is in a segment of its own, such as a thread's", out problem) : ParseMemory(text, out problem);
    }

    private static StaticRegister? FindRegister(string text, out string? problem)
    {
        problem = null;
        string name = text[1..];
        for (int i = 0; i < Registers.Length; i++)
        {
            if (Array.IndexOf(Registers[i], name) is >= 0 and int number)
                return new StaticRegister(number, 8 >> i);
        }

        if (Array.IndexOf(HighBytes, name) is >= 0 and int high)
            return new StaticRegister(high, 1, IsHigh: true);
        problem = $"`{text}` is no general register";
        return null;
    }

    /// <summary><c>symbol+number(base,index,scale)</c>, of which any part may be missing.</summary>
    private StaticMemory? ParseMemory(string text, out string? problem)
    {
        int open = text.IndexOf('(', StringComparison.Ordinal);
        if (open >= 0 && !text.EndsWith(')'))
            return Refuse("its parentheses do not match", out problem);
        if (!TryParseSum(open < 0 ? text : text[..open], out LinkAddress? symbol, out long displacement, out problem))
            return null;
        if (open < 0)
            return symbol is null ? Refuse("it is at a fixed address", out problem) : new StaticMemory(symbol, null, null, 1, displacement);
        string[] parts = text[(open + 1)..^1].Split(',');
        if (parts.Length > 3)
            return Refuse("it has more parts than an address of x86-64", out problem);
        if (parts is ["%rip"])
            return symbol is null ? Refuse("its distance from the instruction names nothing of the file", out problem) : new StaticMemory(symbol, null, null, 1, displacement);
        if (!TryParsePointer(parts[0], out int? @base, out problem) || !TryParsePointer(parts.Length > 1 ? parts[1] : "", out int? index, out problem))
            return null;
        int scale = 1;
        if (parts.Length == 3 && (!int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out scale) || scale is not (1 or 2 or 4 or 8)))
            return Refuse($"`{parts[2]}` is no scale", out problem);
        return @base is null && index is null ? Refuse("its address has no register", out problem) : new StaticMemory(symbol, @base, index, scale, displacement);
    }

    private static bool TryParsePointer(string text, out int? number, out string? problem)
    {
        number = null;
        problem = null;
        if (text.Length == 0)
            return true;
        if (text[0] == '%' && Array.IndexOf(Registers[0], text[1..]) is >= 0 and int found)
            number = found;
        else
            problem = $"`{text}` is no register that an address has";
        return number is not null;
    }

    /// <summary>Numbers and at most one symbol, with plus and minus between them.</summary>
    private bool TryParseSum(string text, out LinkAddress? symbol, out long sum, out string? problem)
    {
        symbol = null;
        sum = 0;
        problem = null;
        for (int at = 0; at < text.Length;)
        {
            bool isNegative = text[at] == '-';
            if (text[at] is '+' or '-')
                at++;
            int end = at;
            while (end < text.Length && text[end] is not ('+' or '-'))
                end++;
            string term = text[at..end];
            at = end;
            if (TryParseNumber(term, out long number))
                sum = unchecked(isNegative ? sum - number : sum + number);
            else if (isNegative || symbol is not null || term.Length == 0 || char.IsAsciiDigit(term[0]))
                problem = $"`{text}` is no address";
            else if (findSymbol(term) is { } found)
                symbol = found;
            else
                problem = $"the file has no symbol `{term}`";
            if (problem is not null)
                return false;
        }

        return true;
    }

    private static StaticMemory? Refuse(string reason, out string? problem)
    {
        problem = reason;
        return null;
    }

    /// <summary>A number as GNU as writes it: decimal, hexadecimal, or octal with a leading 0. Beyond 63 bits it wraps around.</summary>
    private static bool TryParseNumber(ReadOnlySpan<char> text, out long value)
    {
        bool isNegative = text is ['-', ..];
        ReadOnlySpan<char> digits = isNegative ? text[1..] : text;
        bool isRead = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(digits[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong number)
            : digits is ['0', _, ..] ? TryParseOctal(digits, out number) : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
        value = unchecked(isNegative ? -(long)number : (long)number);
        return isRead;
    }

    private static bool TryParseOctal(ReadOnlySpan<char> digits, out ulong number)
    {
        number = 0;
        foreach (char digit in digits)
        {
            if (digit is < '0' or > '7' || number >> 61 != 0)
                return false;
            number = (number << 3) | (uint)(digit - '0');
        }

        return true;
    }
}
