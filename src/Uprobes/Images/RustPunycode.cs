using System.Text;

namespace Uprobes.Images;

/// <summary>Decodes identifiers with other than ASCII letters: Punycode (RFC 3492) with <c>_</c> as its delimiter.</summary>
internal static class RustPunycode
{
    private const int Base = 36, Least = 1, Most = 26, Skew = 38, Damp = 700, InitialBias = 72, InitialCode = 0x80, MostCharacters = 256;

    /// <summary>The identifier, or null where the text is not valid.</summary>
    public static string? TryDecode(string text)
    {
        int delimiter = text.LastIndexOf('_');
        var runes = new List<int>();
        foreach (char basic in delimiter < 0 ? "" : text[..delimiter])
            runes.Add(basic);
        long code = InitialCode, index = 0;
        int bias = InitialBias;
        for (int at = delimiter + 1; at < text.Length;)
        {
            long before = index, weight = 1;
            for (int k = Base; ; k += Base)
            {
                int digit = at < text.Length ? Digit(text[at++]) : -1;
                if (digit < 0 || weight > int.MaxValue)
                    return null;
                index += digit * weight;
                int threshold = Math.Clamp(k - bias, Least, Most);
                if (digit < threshold)
                    break;
                weight *= Base - threshold;
            }
            int count = runes.Count + 1;
            bias = Adapt(index - before, count, first: before == 0);
            code += index / count;
            index %= count;
            if (code > 0x10ffff || !Rune.IsValid((int)code) || count > MostCharacters)
                return null;
            runes.Insert((int)index++, (int)code);
        }
        var result = new StringBuilder();
        foreach (int rune in runes)
            result.Append(new Rune(rune).ToString());
        return result.ToString();
    }

    private static int Digit(char letter) => letter switch
    {
        >= 'a' and <= 'z' => letter - 'a',
        >= '0' and <= '9' => letter - '0' + 26,
        _ => -1,
    };

    private static int Adapt(long delta, int count, bool first)
    {
        delta = first ? delta / Damp : delta / 2;
        delta += delta / count;
        int k = 0;
        for (; delta > (Base - Least) * Most / 2; k += Base)
            delta /= Base - Least;
        return k + (int)((Base - Least + 1) * delta / (delta + Skew));
    }
}
