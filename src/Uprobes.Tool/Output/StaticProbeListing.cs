using Uprobes.Images.StaticProbes;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Output;

/// <summary>Writes static probes: file offset, provider and name, where the arguments are, and whether there is a semaphore.</summary>
internal sealed class StaticProbeListing(ResultOutput output, OutputFormat format, bool nameImages) : IDisposable
{
    private const int OffsetWidth = 10;
    private readonly JsonLines _lines = new();

    /// <summary>Writes one of its places as a line.</summary>
    public void Write(IFunctionSource image, StaticProbeNote probe)
    {
        if (format == OutputFormat.Json)
            WriteJson(image, probe);
        else
            WriteText(image, probe);
        output.FlushIfLarge();
    }

    /// <inheritdoc/>
    public void Dispose() => _lines.Dispose();

    private void WriteText(IFunctionSource image, StaticProbeNote probe)
    {
        output.Buffer.WriteText($"{probe.Offset}".PadLeft(OffsetWidth));
        output.Buffer.WriteText("  ");
        Escaping.WriteText(output.Buffer, nameImages ? $"{image.Path}:{probe}" : probe.ToString());
        foreach (var argument in probe.Arguments)
        {
            output.Buffer.WriteText(" ");
            Escaping.WriteText(output.Buffer, argument.Text);
        }
        output.Buffer.WriteText(probe.Semaphore is null ? "\n" : " (semaphore)\n");
    }

    private void WriteJson(IFunctionSource image, StaticProbeNote probe)
    {
        var writer = _lines.Begin("static_probe");
        writer.WriteText("image", image.Path);
        writer.WriteText("provider", probe.Provider);
        writer.WriteText("name", probe.Name);
        writer.WriteNumber("offset", probe.Offset.Value);
        writer.WriteBoolean("semaphore", probe.Semaphore is not null);
        writer.WriteStartArray("arguments");
        foreach (var argument in probe.Arguments)
            writer.WriteStringValue(argument.Text);
        writer.WriteEndArray();
        _lines.End(output.Buffer);
    }
}
