using System.Globalization;
using Uprobes.Script.Diagnostics;

namespace Uprobes.Script.Probes;

/// <summary>The parts of each kind of probe.</summary>
internal sealed partial class AttachPointReader
{
    private static readonly string[] Signals = ["SIGUSR1"];

    private UserProbe? ReadUser(bool isReturn, string text, List<Part> parts)
    {
        string kind = isReturn ? "uretprobe" : "uprobe";
        if (parts.Count < 2 || parts[1].Text.Length == 0)
            return Wrong(kind);
        if (!parts[1].IsQuoted && parts[1].Text.IndexOf('@', StringComparison.Ordinal) is > 0 and int at)
            return ReadLine(isReturn, text, parts, at);

        bool isDemangled = parts.Count == 4 && parts[2].Text == "cpp" && !parts[2].IsQuoted;
        if (parts.Count != (isDemangled ? 4 : 3))
        {
            // C++ names hold colons; without quotes they were taken apart.
            if (parts.Count > 3 && parts.Skip(3).Any(part => part.Text.Length == 0))
                return Wrong(kind, "a name with colons is written in quotes: uprobe:/path:cpp:\"Namespace::function\"");
            return Wrong(kind);
        }

        Part place = parts[^1];
        if (place.Text.Length == 0)
            return Wrong(kind, "every function is written `*`");
        ProbeTarget? target = ReadTarget(isReturn, place, isDemangled);
        return target is null ? null : new UserProbe(isReturn, parts[1].Text, target, text, _syntax.Span);
    }

    private UserProbe? Wrong(string kind, string? hint = null) =>
        (UserProbe?)Refuse(DiagnosticId.AttachPoint, $"expected `{kind}:FILE:FUNCTION`, found `{_syntax.Text}`", hint);

    private ProbeTarget? ReadTarget(bool isReturn, Part place, bool isDemangled)
    {
        if (!place.IsQuoted && TryParseNumber(place.Text, out ulong address))
        {
            if (!isReturn)
                return new AddressTarget(address);
            Refuse(DiagnosticId.AttachPoint, "a uretprobe is on a function, not on an address");
            return null;
        }

        // An offset may stand behind quotes; in them a plus is a part of the name.
        int plus = place.Text.LastIndexOf('+');
        if (plus <= 0 || place.IsQuoted && !_syntax.Text.Contains("\"+", StringComparison.Ordinal) || !char.IsAsciiDigit(plus + 1 < place.Text.Length ? place.Text[plus + 1] : ' '))
        {
            if (plus > 0 && !place.IsQuoted && !place.Text.StartsWith("operator", StringComparison.Ordinal))
            {
                Refuse(DiagnosticId.AttachPoint, $"`{place.Text[(plus + 1)..]}` is no offset: it is a number of bytes");
                return null;
            }

            return new FunctionTarget(place.Text, IsPattern(place), 0, isDemangled);
        }

        if (!TryParseNumber(place.Text[(plus + 1)..], out ulong offset))
        {
            Refuse(DiagnosticId.AttachPoint, $"`{place.Text[(plus + 1)..]}` is no offset: it is a number of bytes");
            return null;
        }

        Part name = place with { Text = place.Text[..plus] };
        if (isReturn && offset > 0)
        {
            Refuse(DiagnosticId.AttachPoint, "a uretprobe is on a whole function and has no offset");
            return null;
        }

        if (IsPattern(name) && offset > 0)
        {
            Refuse(DiagnosticId.AttachPoint, "a pattern of functions has no offset");
            return null;
        }

        return new FunctionTarget(name.Text, IsPattern(name), offset, isDemangled);
    }

    private UserProbe? ReadLine(bool isReturn, string text, List<Part> parts, int at)
    {
        int column = 0;
        if (isReturn || parts.Count is not (3 or 4) || !int.TryParse(parts[2].Text, NumberStyles.None, CultureInfo.InvariantCulture, out int line) || line == 0
            || parts.Count == 4 && !int.TryParse(parts[3].Text, NumberStyles.None, CultureInfo.InvariantCulture, out column))
        {
            return (UserProbe?)Refuse(DiagnosticId.AttachPoint, $"expected `uprobe:FILE@SOURCE:LINE`, found `{_syntax.Text}`");
        }

        LineTarget target = new(parts[1].Text[(at + 1)..], line, parts.Count == 4 ? column : null);
        return new UserProbe(isReturn, parts[1].Text[..at], target, text, _syntax.Span);
    }

    private AttachPoint? ReadStatic(string text, List<Part> parts)
    {
        if (parts.Count is not (3 or 4) || parts[^1].Text.Length == 0)
            return Refuse(DiagnosticId.AttachPoint, $"expected `usdt:FILE:PROVIDER:NAME`, found `{_syntax.Text}`");
        string file = parts[1].Text.Length == 0 ? "*" : parts[1].Text;
        string? provider = parts.Count == 4 && parts[2].Text.Length > 0 ? parts[2].Text : null;
        return new StaticProbe(file, provider, parts[^1].Text, text, _syntax.Span);
    }

    private AttachPoint? ReadSignal(string text, List<Part> parts)
    {
        if (parts.Count != 3 || parts[1].Text != "signal")
            return Refuse(DiagnosticId.AttachPoint, $"expected `self:signal:SIGUSR1`, found `{_syntax.Text}`");
        if (!Signals.Contains(parts[2].Text))
            return Refuse(DiagnosticId.AttachPoint, $"`{parts[2].Text}` cannot be waited for", "SIGUSR1 can");
        return new SignalProbe(parts[2].Text, text, _syntax.Span);
    }

    private AttachPoint? ReadInterval(string text, List<Part> parts)
    {
        if (parts.Count is not (2 or 3))
            return Refuse(DiagnosticId.AttachPoint, $"expected `interval:UNIT:COUNT`, found `{_syntax.Text}`", "a second is written interval:s:1 or interval:1s");
        ulong? nanoseconds = parts.Count == 3 ? Period(parts[1].Text, parts[2].Text) : Duration(parts[1].Text);
        if (nanoseconds is null)
            return null;
        // Finer than a tick of TimeSpan would be no interval at all.
        if (nanoseconds < 1000)
            return Refuse(DiagnosticId.AttachPoint, "an interval is a microsecond or longer");
        return new IntervalProbe(TimeSpan.FromTicks((long)Math.Min(nanoseconds.Value / 100, long.MaxValue)), text, _syntax.Span);
    }

    /// <summary>Nanoseconds of <c>interval:ms:10</c>.</summary>
    private ulong? Period(string unit, string count)
    {
        if (!TryParseNumber(count, out ulong number) || number == 0)
        {
            Refuse(DiagnosticId.AttachPoint, $"`{count}` is no interval: it is a number greater than 0");
            return null;
        }

        UInt128? period = unit switch
        {
            "hz" => 1_000_000_000 / number,
            "s" => (UInt128)number * 1_000_000_000,
            "ms" => (UInt128)number * 1_000_000,
            "us" => (UInt128)number * 1_000,
            "ns" => number,
            _ => null,
        };
        if (period is null)
            Refuse(DiagnosticId.AttachPoint, $"`{unit}` is no unit of time", "units are us, ms, s and hz");
        else if (period > long.MaxValue)
            Refuse(DiagnosticId.AttachPoint, "the interval is too long");
        else
            return (ulong)period.Value;
        return null;
    }

    /// <summary>Nanoseconds of <c>interval:10ms</c>, or of a number alone.</summary>
    private ulong? Duration(string text)
    {
        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
            digits++;
        string unit = text[digits..];
        (string count, string scale) = unit switch
        {
            "m" => (text[..digits], "s"),
            "h" => (text[..digits], "s"),
            "" => (text, "ns"),
            _ => (text[..digits], unit),
        };
        ulong factor = unit switch { "m" => 60, "h" => 3600, _ => 1 };
        return Period(scale, count) is { } period && period <= long.MaxValue / factor ? period * factor : null;
    }
}
