using System.Buffers;

namespace Uprobes.Script.Output;

/// <summary>Output as text, the way bpftrace prints it.</summary>
public sealed class TextScriptWriter : ScriptWriter
{
    private const int BenchmarkNameWidth = 41;
    private const int BenchmarkTimeWidth = 15;

    private bool _hasBenchmarks;

    /// <summary>Makes a writer.</summary>
    /// <param name="options">Where to and how.</param>
    public TextScriptWriter(ScriptWriterOptions options)
        : base(options)
    {
    }

    /// <inheritdoc/>
    public override void Printf(PrintfFormat format, ReadOnlySpan<ScriptValue> arguments)
    {
        format.Write(Output, arguments, Options.EscapesOutput);
        Output.EndMessage();
    }

    /// <inheritdoc/>
    public override void Message(ScriptSeverity severity, PrintfFormat format, ReadOnlySpan<ScriptValue> arguments, ScriptLocation location)
    {
        ArrayBufferWriter<byte> text = new();
        format.Write(text, arguments, Options.EscapesErrors);
        ReadOnlySpan<byte> message = text.WrittenSpan;
        BeginMessage(severity, location);
        Errors.Write(message is [.. ReadOnlySpan<byte> line, (byte)'\n'] ? line : message);
        Errors.WriteByte((byte)'\n');
        WriteExpansions(severity, location);
    }

    /// <inheritdoc/>
    public override void Value(in ScriptValue value)
    {
        Write(value);
        Output.WriteByte((byte)'\n');
        Output.EndMessage();
    }

    /// <inheritdoc/>
    public override void Map(ScriptMap map, int top = 0, ulong divisor = 1)
    {
        if (map.IsScalar)
        {
            Output.WriteText(map.Name);
            WriteValueOf(map.ScalarValue.DividedBy(divisor));
        }
        else
        {
            foreach (ScriptMapEntry entry in MapOrder.Of(map, top))
            {
                Output.WriteText(map.Name);
                Output.WriteByte((byte)'[');
                ValueText.WriteKey(Output, entry.Key, Options.EscapesOutput);
                Output.WriteByte((byte)']');
                WriteValueOf(entry.Value.DividedBy(divisor));
            }
        }

        Output.EndMessage();
    }

    /// <inheritdoc/>
    public override void Time(TimeFormat format, long unixNanoseconds)
    {
        format.Write(Output, unixNanoseconds, Options.TimeZone);
        Output.EndMessage();
    }

    /// <inheritdoc/>
    public override void Cat(ReadOnlySpan<byte> content)
    {
        TargetText.WriteLines(Output, content, Options.EscapesOutput);
        Output.EndMessage();
    }

    /// <inheritdoc/>
    public override void Join(ReadOnlySpan<ScriptValue> parts, ReadOnlySpan<byte> separator)
    {
        for (int i = 0; i < parts.Length; i++)
        {
            if (i > 0)
                Output.Write(separator);
            Write(parts[i]);
        }

        Output.WriteByte((byte)'\n');
        Output.EndMessage();
    }

    /// <inheritdoc/>
    public override void CommandOutput(ReadOnlySpan<byte> content)
    {
        TargetText.WriteLines(Output, content, Options.EscapesOutput);
        Output.WriteByte((byte)'\n');
        Output.EndMessage();
    }

    /// <inheritdoc/>
    public override void AttachedProbes(int count)
    {
        Errors.Write("Attached "u8);
        Errors.WriteDecimal((long)count);
        Errors.Write(count == 1 ? " probe\n"u8 : " probes\n"u8);
        Errors.EndMessage();
    }

    /// <inheritdoc/>
    public override void LostEvents(ulong count)
    {
        Errors.Write("Lost "u8);
        Errors.WriteDecimal(count);
        Errors.Write(" events\n"u8);
        Errors.EndMessage();
    }

    /// <inheritdoc/>
    public override void Failure(HelperError failure)
    {
        BeginMessage(ScriptSeverity.Warning, failure.Location);
        Errors.WriteText(failure.Message);
        Errors.Write("\nAdditional Info - helper: "u8);
        Errors.WriteText(failure.Helper);
        Errors.Write(", retcode: "u8);
        Errors.WriteDecimal((long)failure.ReturnCode);
        Errors.WriteByte((byte)'\n');
        failure.Location.WriteSourceTo(Errors);
        WriteExpansions(ScriptSeverity.Warning, failure.Location);
    }

    /// <inheritdoc/>
    public override void BenchmarkResult(string name, long averageNanoseconds, long iterations)
    {
        if (!_hasBenchmarks)
        {
            Output.WriteField("Benchmark"u8, BenchmarkNameWidth, isLeft: true);
            Output.WriteField("Time(ns)"u8, BenchmarkTimeWidth, isLeft: true);
            Output.Write("Iterations\n"u8);
            Output.WriteRepeated((byte)'-', BenchmarkNameWidth + BenchmarkTimeWidth + "Iterations".Length);
            Output.WriteByte((byte)'\n');
            _hasBenchmarks = true;
        }

        ArrayBufferWriter<byte> field = new();
        field.WriteText(name);
        Output.WriteField(field.WrittenSpan, BenchmarkNameWidth, isLeft: true);
        field.ResetWrittenCount();
        field.WriteDecimal(averageNanoseconds);
        Output.WriteField(field.WrittenSpan, BenchmarkTimeWidth, isLeft: true);
        Output.WriteDecimal(iterations);
        Output.WriteByte((byte)'\n');
        Output.EndMessage();
    }

    /// <inheritdoc/>
    private protected override void BeginEnd() => Output.Write("\n\n"u8);

    /// <summary>What follows a map's name and key: a value in the line, or lines under it and an empty one behind them.</summary>
    private void WriteValueOf(in ScriptValue value)
    {
        bool hasLines = value.Kind is ScriptValueKind.Histogram or ScriptValueKind.LinearHistogram or ScriptValueKind.TimeSeries;
        Output.Write(hasLines ? ":\n"u8 : ": "u8);
        Write(value);
        Output.WriteByte((byte)'\n');
    }

    private void Write(in ScriptValue value) => ValueText.Write(Output, value, Options.EscapesOutput, Options.TimeZone);

    private void BeginMessage(ScriptSeverity severity, ScriptLocation location)
    {
        location.WriteTo(Errors);
        Errors.Write(severity == ScriptSeverity.Error ? "ERROR: "u8 : "WARNING: "u8);
    }

    private void WriteExpansions(ScriptSeverity severity, ScriptLocation location)
    {
        for (ScriptLocation? call = location.ExpandedFrom; call is not null; call = call.ExpandedFrom)
        {
            BeginMessage(severity, call);
            Errors.Write("expanded from\n"u8);
            call.WriteSourceTo(Errors);
        }

        Errors.EndMessage();
    }
}
