using System.Buffers;

namespace Uprobes.Script.Output;

/// <summary>Output as JSON, an object a line: <c>{"type": "printf", "data": "…"}</c>. Everything goes to the output, nothing to the errors.</summary>
public sealed class JsonScriptWriter : ScriptWriter
{
    private readonly ArrayBufferWriter<byte> _text = new();

    /// <summary>Makes a writer.</summary>
    /// <param name="options">Where to and how.</param>
    public JsonScriptWriter(ScriptWriterOptions options)
        : base(options)
    {
    }

    /// <inheritdoc/>
    public override void Printf(PrintfFormat format, ReadOnlySpan<ScriptValue> arguments)
    {
        _text.ResetWrittenCount();
        format.Write(_text, arguments);
        WriteText("printf"u8, _text.WrittenSpan);
    }

    /// <inheritdoc/>
    public override void Message(ScriptSeverity severity, PrintfFormat format, ReadOnlySpan<ScriptValue> arguments, ScriptLocation location)
    {
        _text.ResetWrittenCount();
        format.Write(_text, arguments);
        Begin(severity == ScriptSeverity.Error ? "errorf"u8 : "warnf"u8);
        Output.Write(", \"msg\": "u8);
        ValueJson.WriteString(Output, _text.WrittenSpan);
        WriteLocation(location);
        End();
    }

    /// <inheritdoc/>
    public override void Value(in ScriptValue value)
    {
        BeginData("value"u8);
        ValueJson.Write(Output, value, Options.TimeZone);
        End();
    }

    /// <inheritdoc/>
    public override void Map(ScriptMap map, int top = 0, ulong divisor = 1)
    {
        if (map.IsEmpty && !map.IsScalar)
            return;
        ScriptValue first = map.ScalarValue;
        BeginData(first.Kind switch
        {
            ScriptValueKind.Average or ScriptValueKind.Stats => "stats"u8,
            ScriptValueKind.Histogram or ScriptValueKind.LinearHistogram => "hist"u8,
            ScriptValueKind.TimeSeries => "tseries"u8,
            _ => "map"u8,
        });
        Output.WriteByte((byte)'{');
        ValueJson.WriteString(Output, map.Name);
        Output.Write(": "u8);
        if (map.IsScalar)
            ValueJson.Write(Output, first.DividedBy(divisor), Options.TimeZone);
        else
            WriteEntries(MapOrder.Of(map, top), divisor);
        Output.WriteByte((byte)'}');
        End();
    }

    /// <inheritdoc/>
    public override void Time(TimeFormat format, long unixNanoseconds)
    {
        _text.ResetWrittenCount();
        format.Write(_text, unixNanoseconds, Options.TimeZone);
        WriteText("time"u8, _text.WrittenSpan);
    }

    /// <inheritdoc/>
    public override void Cat(ReadOnlySpan<byte> content) => WriteText("cat"u8, content);

    /// <inheritdoc/>
    public override void Join(ReadOnlySpan<ScriptValue> parts, ReadOnlySpan<byte> separator)
    {
        _text.ResetWrittenCount();
        for (int i = 0; i < parts.Length; i++)
        {
            if (i > 0)
                _text.Write(separator);
            ValueText.Write(_text, parts[i], isEscaped: false);
        }

        WriteText("join"u8, _text.WrittenSpan);
    }

    /// <inheritdoc/>
    public override void CommandOutput(ReadOnlySpan<byte> content) => WriteText("syscall"u8, content);

    /// <inheritdoc/>
    public override void AttachedProbes(int count) => WriteCount("attached_probes"u8, "probes"u8, (ulong)count);

    /// <inheritdoc/>
    public override void LostEvents(ulong count) => WriteCount("lost_events"u8, "events"u8, count);

    /// <inheritdoc/>
    public override void Failure(HelperError failure)
    {
        Begin("helper_error"u8);
        Output.Write(", \"msg\": "u8);
        ValueJson.WriteString(Output, failure.Message);
        Output.Write(", \"helper\": "u8);
        ValueJson.WriteString(Output, failure.Helper);
        Output.Write(", \"retcode\": "u8);
        Output.WriteDecimal((long)failure.ReturnCode);
        WriteLocation(failure.Location);
        End();
    }

    /// <inheritdoc/>
    public override void BenchmarkResult(string name, long averageNanoseconds, long iterations)
    {
        BeginData("benchmark_result"u8);
        Output.WriteByte((byte)'{');
        ValueJson.WriteString(Output, name);
        Output.Write(": {\"average\": "u8);
        ValueJson.WriteNumber(Output, averageNanoseconds);
        Output.Write(", \"iters\": "u8);
        ValueJson.WriteNumber(Output, iterations);
        Output.Write("}}"u8);
        End();
    }

    /// <inheritdoc/>
    private protected override void BeginEnd()
    {
        // Nothing: lines of JSON need no gap.
    }

    private void Begin(ReadOnlySpan<byte> type)
    {
        Output.Write("{\"type\": \""u8);
        Output.Write(type);
        Output.WriteByte((byte)'"');
    }

    private void BeginData(ReadOnlySpan<byte> type)
    {
        Begin(type);
        Output.Write(", \"data\": "u8);
    }

    private void End()
    {
        Output.Write("}\n"u8);
        Output.EndMessage();
    }

    private void WriteText(ReadOnlySpan<byte> type, ReadOnlySpan<byte> text)
    {
        BeginData(type);
        ValueJson.WriteString(Output, text);
        End();
    }

    private void WriteCount(ReadOnlySpan<byte> type, ReadOnlySpan<byte> what, ulong count)
    {
        Begin(type);
        Output.Write(", \"count\": "u8);
        Output.WriteDecimal(count);
        Output.Write(", \"data\": {\""u8);
        Output.Write(what);
        Output.Write("\": "u8);
        Output.WriteDecimal(count);
        Output.WriteByte((byte)'}');
        End();
    }

    private void WriteEntries(IReadOnlyList<ScriptMapEntry> entries, ulong divisor)
    {
        Output.WriteByte((byte)'{');
        for (int i = 0; i < entries.Count; i++)
        {
            if (i > 0)
                Output.Write(", "u8);
            ValueJson.WriteKey(Output, entries[i].Key);
            Output.Write(": "u8);
            ValueJson.Write(Output, entries[i].Value.DividedBy(divisor), Options.TimeZone);
        }

        Output.WriteByte((byte)'}');
    }

    private void WriteLocation(ScriptLocation location)
    {
        Output.Write(", \"filename\": "u8);
        ValueJson.WriteString(Output, location.FileName);
        Output.Write(", \"line\": "u8);
        Output.WriteDecimal((long)location.Line);
        Output.Write(", \"col\": "u8);
        Output.WriteDecimal((long)location.Column);
    }
}
