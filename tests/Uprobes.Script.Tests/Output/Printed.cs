using System.Buffers;
using System.Text;
using Uprobes.Script.Output;

namespace Uprobes.Script.Tests.Output;

/// <summary>What writers print, as strings.</summary>
internal static class Printed
{
    internal static string Text(Action<IScriptWriter> write, bool isTerminal = false) => Run(ScriptFormat.Text, write, isTerminal).Output;

    internal static string Errors(Action<IScriptWriter> write, bool isTerminal = false) => Run(ScriptFormat.Text, write, isTerminal).Errors;

    internal static string Json(Action<IScriptWriter> write) => Run(ScriptFormat.Json, write, isTerminal: false).Output;

    /// <summary>A value without the line end behind it.</summary>
    internal static string Text(ScriptValue value, bool isTerminal = false) => Text(writer => writer.Value(value), isTerminal)[..^1];

    /// <summary>What follows <c>"data": </c>.</summary>
    internal static string Json(ScriptValue value)
    {
        string line = Json(writer => writer.Value(value));
        const string head = "{\"type\": \"value\", \"data\": ";
        Assert.StartsWith(head, line, StringComparison.Ordinal);
        return line[head.Length..^2];
    }

    internal static string Format(string format, params ScriptValue[] arguments)
    {
        ArrayBufferWriter<byte> output = new();
        PrintfFormat.Parse(format).Write(output, arguments);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }

    internal static string Format(bool isEscaped, string format, params ScriptValue[] arguments)
    {
        ArrayBufferWriter<byte> output = new();
        PrintfFormat.Parse(format).Write(output, arguments, isEscaped);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    internal static ScriptMap Map(string name, params (ScriptValue Key, ScriptValue Value)[] entries) =>
        new(name, [.. entries.Select(entry => new ScriptMapEntry(entry.Key, entry.Value))]);

    private static (string Output, string Errors) Run(ScriptFormat format, Action<IScriptWriter> write, bool isTerminal)
    {
        MemoryStream output = new(), errors = new();
        ScriptWriterOptions options = new(output, errors) { EscapesOutput = isTerminal, EscapesErrors = isTerminal, TimeZone = TimeZoneInfo.Utc };
        using (IScriptWriter writer = ScriptWriter.Create(format, options))
            write(writer);
        return (Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(errors.ToArray()));
    }
}
