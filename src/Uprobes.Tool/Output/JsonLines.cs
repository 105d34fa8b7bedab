using System.Buffers;
using System.Text.Json;

namespace Uprobes.Tool.Output;

/// <summary>Writes JSON objects, one a line. Not thread-safe.</summary>
internal sealed class JsonLines : IDisposable
{
    // Every value is written by code of ours, so the writer need not check the structure.
    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly Utf8JsonWriter _writer;

    /// <summary>Creates the writer.</summary>
    public JsonLines() => _writer = new Utf8JsonWriter(_line, new JsonWriterOptions { SkipValidation = true });

    /// <summary>Begins an object of a type.</summary>
    public Utf8JsonWriter Begin(string type)
    {
        _line.ResetWrittenCount();
        _writer.Reset(_line);
        _writer.WriteStartObject();
        _writer.WriteString("type", type);
        return _writer;
    }

    /// <summary>Ends the object and appends it as a line.</summary>
    public void End(ArrayBufferWriter<byte> output)
    {
        _writer.WriteEndObject();
        _writer.Flush();
        output.Write(_line.WrittenSpan);
        output.WriteText("\n");
    }

    /// <summary>A line that says that calls are missing.</summary>
    public void WriteLost(ArrayBufferWriter<byte> output, long count)
    {
        Begin("lost").WriteNumber("count", count);
        End(output);
    }

    /// <summary>A line that says that a function is not probed.</summary>
    public void WriteRefused(ArrayBufferWriter<byte> output, string function, string reason)
    {
        var writer = Begin("refused");
        writer.WriteText("function", function);
        writer.WriteText("reason", reason);
        End(output);
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
