using System.Globalization;
using System.Text;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Probes;

/// <summary>Takes attach points apart: <c>uprobe:/usr/lib/x.so:function+4</c>.</summary>
internal sealed partial class AttachPointReader(DiagnosticBag diagnostics, IReadOnlyList<string> positional)
{
    /// <summary>Providers of ours with their short names, which are told apart by case.</summary>
    private static readonly (string Name, string Short)[] Providers =
    [
        ("uprobe", "u"), ("uretprobe", "ur"), ("usdt", "U"), ("begin", ""), ("end", ""), ("interval", "i"), ("self", ""), ("bench", ""), ("test", ""),
    ];

    /// <summary>Providers that only the kernel has.</summary>
    private static readonly (string Name, string Short)[] KernelProviders =
    [
        ("kprobe", "k"), ("kretprobe", "kr"), ("tracepoint", "t"), ("rawtracepoint", "rt"), ("fentry", "f"), ("fexit", "fr"), ("kfunc", ""), ("kretfunc", ""),
        ("iter", "it"), ("hardware", "h"), ("software", "s"), ("watchpoint", "w"), ("asyncwatchpoint", "aw"), ("profile", "p"),
    ];

    private AttachPointSyntax _syntax = new(null, "", default);

    /// <summary>Reads one.</summary>
    /// <returns>Null where it is wrong, which is told.</returns>
    internal AttachPoint? Read(AttachPointSyntax syntax)
    {
        _syntax = syntax;
        string text = Substitute(syntax.Text);
        List<Part> parts = Split(text);
        string name = parts[0].Text;
        if (Find(KernelProviders, name) is { } kernel)
        {
            string remedy = kernel == "profile" ? "a sampling profile needs the kernel's perf events" : "this tool probes programs and libraries, not the kernel";
            return Refuse(DiagnosticId.KernelOnly, $"`{kernel}` probes are the kernel's: {remedy}", kernel is "kprobe" or "fentry" ? "for a function of a program: uprobe:/path:function" : null);
        }

        SourceSpan span = syntax.Span;
        switch (Find(Providers, name))
        {
            case "uprobe":
                return ReadUser(isReturn: false, text, parts);
            case "uretprobe":
                return ReadUser(isReturn: true, text, parts);
            case "usdt":
                return ReadStatic(text, parts);
            case "begin" or "end" when parts.Count == 1:
                return new RunProbe(name.Equals("end", StringComparison.OrdinalIgnoreCase), text, span);
            case "begin" or "end":
                return Refuse(DiagnosticId.AttachPoint, $"`{name}` has no place: nothing may follow it");
            case "interval":
                return ReadInterval(text, parts);
            case "self":
                return ReadSignal(text, parts);
            case "bench" or "test" when parts.Count == 2 && parts[1].Text.Length > 0:
                return new ExerciseProbe(name.Equals("bench", StringComparison.OrdinalIgnoreCase), parts[1].Text, text, span);
            case "bench" or "test":
                return Refuse(DiagnosticId.AttachPoint, $"expected `{name}:NAME`");
        }

        if (name.AsSpan().IndexOfAny("*?[") >= 0)
            return Refuse(DiagnosticId.AttachPoint, $"the kind of a probe cannot be a pattern: `{name}`");
        string? suggestion = Suggestion.Sentence(name, Providers.Select(p => p.Name).Concat(KernelProviders.Select(p => p.Name)));
        return Refuse(DiagnosticId.AttachPoint, $"`{name}` is no kind of probe", suggestion ?? "kinds are uprobe, uretprobe, usdt, begin, end, interval and self");
    }

    private static string? Find((string Name, string Short)[] providers, string name)
    {
        foreach ((string full, string abbreviation) in providers)
        {
            if (name.Equals(full, StringComparison.OrdinalIgnoreCase) || abbreviation.Length > 0 && name == abbreviation)
                return full;
        }

        return null;
    }

    private AttachPoint? Refuse(DiagnosticId id, string message, string? hint = null)
    {
        diagnostics.Error(id, _syntax.Span, message, hint);
        return null;
    }

    /// <summary>Puts positional parameters in: <c>uprobe:$1:f</c>. Missing ones are nothing.</summary>
    private string Substitute(string text)
    {
        if (!text.Contains('$', StringComparison.Ordinal))
            return text;
        StringBuilder result = new();
        for (int i = 0; i < text.Length; i++)
        {
            int end = i + 1;
            while (text[i] == '$' && end < text.Length && char.IsAsciiDigit(text[end]))
                end++;
            if (end == i + 1)
            {
                result.Append(text[i]);
                continue;
            }

            if (int.TryParse(text.AsSpan(i + 1, end - i - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= positional.Count)
                result.Append(positional[number - 1]);
            i = end - 1;
        }

        return result.ToString();
    }

    /// <summary>A part between colons.</summary>
    /// <param name="Text">Without quotes.</param>
    /// <param name="IsQuoted">Whether it had some, so that nothing in it is a pattern or a number.</param>
    private readonly record struct Part(string Text, bool IsQuoted);

    private static List<Part> Split(string text)
    {
        List<Part> parts = [];
        StringBuilder part = new();
        bool isQuoted = false, inQuotes = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '"')
            {
                inQuotes = !inQuotes;
                isQuoted = true;
            }
            else if (c == '\\' && inQuotes && i + 1 < text.Length)
            {
                part.Append(text[++i]);
            }
            else if (c == ':' && !inQuotes)
            {
                parts.Add(new Part(part.ToString(), isQuoted));
                part.Clear();
                isQuoted = false;
            }
            else
            {
                part.Append(c);
            }
        }

        parts.Add(new Part(part.ToString(), isQuoted));
        return parts;
    }

    private static bool IsPattern(Part part) => !part.IsQuoted && part.Text.AsSpan().IndexOfAny("*?[") >= 0;

    private static bool TryParseNumber(string text, out ulong value)
    {
        value = 0;
        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
