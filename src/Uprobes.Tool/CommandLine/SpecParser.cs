using System.Globalization;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.CommandLine;

/// <summary>
/// Reads <c>IMAGE:FUNCTION</c>, <c>IMAGE:PATTERN</c>, <c>IMAGE:FUNCTION+0xN</c>, <c>IMAGE:0xOFFSET</c>, <c>IMAGE@FILE:LINE</c> and
/// <c>usdt:IMAGE:[PROVIDER:]NAME</c>. A path may hold colons and a C++ name holds <c>::</c>: the image ends at the last colon that does not belong to a pair.
/// </summary>
internal static class SpecParser
{
    private const string Forms = "write IMAGE:FUNCTION, IMAGE:PATTERN, IMAGE:FUNCTION+0xN, IMAGE:0xOFFSET, IMAGE@FILE:LINE or usdt:IMAGE:NAME, for example libc:malloc";
    private const string StaticPrefix = "usdt:";

    /// <summary>Reads one specification.</summary>
    /// <exception cref="ToolException">It has none of the forms.</exception>
    public static ProbeSpec Parse(string text)
    {
        if (text.StartsWith(StaticPrefix, StringComparison.Ordinal) && text.IndexOf(':', StaticPrefix.Length) >= 0)
            return ParseStatic(text);
        var (image, name) = SplitImage(text);
        if (image is null)
            throw ToolException.Usage($"'{text}' names no image", Forms);
        if (image.Length == 0 || name.Length == 0)
            throw ToolException.Usage($"'{text}' lacks the {(name.Length == 0 ? "function" : "image")}", Forms);
        var at = image.LastIndexOf('@');
        if (at > 0 && at < image.Length - 1 && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var line) && line > 0)
            return new SourceLineSpec(text, image[..at], image[(at + 1)..], line);
        if (TryParseHexadecimal(name, out var offset))
            return new FileOffsetSpec(text, image, offset);
        var plus = name.LastIndexOf('+');
        if (plus > 0 && TryParseOffset(name[(plus + 1)..], out var bytes))
            return new FunctionOffsetSpec(text, image, name[..plus], bytes);
        return new FunctionSpec(text, image, name);
    }

    /// <summary>A provider has no slash, which tells it from the rest of a path with colons.</summary>
    private static StaticSpec ParseStatic(string text)
    {
        var end = text.LastIndexOf(':');
        var (image, name) = (text[StaticPrefix.Length..end], text[(end + 1)..]);
        string? provider = null;
        if (image.LastIndexOf(':') is >= 0 and var separator && !image.AsSpan(separator).Contains('/'))
            (image, provider) = (image[..separator], image[(separator + 1)..]);
        return image.Length > 0 && name.Length > 0
            ? new StaticSpec(text, image, string.IsNullOrEmpty(provider) ? null : provider, name)
            : throw ToolException.Usage($"'{text}' lacks the {(name.Length == 0 ? "probe" : "image")}", "write usdt:IMAGE:NAME or usdt:IMAGE:PROVIDER:NAME; uprobe list --usdt IMAGE shows them");
    }

    /// <summary>The image, null when there is no separating colon, and what follows it.</summary>
    public static (string? Image, string Name) SplitImage(string text)
    {
        for (var end = text.Length; end > 0;)
        {
            var last = text.LastIndexOf(':', end - 1);
            if (last < 0)
                break;
            var first = last;
            while (first > 0 && text[first - 1] == ':')
                first--;
            // A run of odd length is the separator and pairs after it, as in lib:::f for the global ::f.
            if ((last - first + 1) % 2 != 0)
                return (text[..first], text[(first + 1)..]);
            end = first;
        }
        return (null, text);
    }

    private static bool TryParseHexadecimal(string text, out ulong value)
    {
        value = 0;
        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private static bool TryParseOffset(string text, out ulong value) =>
        TryParseHexadecimal(text, out value) || ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
