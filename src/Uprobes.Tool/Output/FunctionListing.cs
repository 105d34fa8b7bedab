using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Output;

/// <summary>Writes functions: file offset, size in bytes, name.</summary>
internal sealed class FunctionListing(ResultOutput output, OutputFormat format, bool nameImages) : IDisposable
{
    private const int OffsetWidth = 10;
    private const int SizeWidth = 8;
    private readonly JsonLines _lines = new();

    /// <summary>Writes one function as a line.</summary>
    public void Write(IFunctionSource image, FunctionInfo function)
    {
        if (format == OutputFormat.Json)
            WriteJson(image, function);
        else
            WriteText(image, function);
        output.FlushIfLarge();
    }

    /// <inheritdoc/>
    public void Dispose() => _lines.Dispose();

    private void WriteText(IFunctionSource image, FunctionInfo function)
    {
        var name = nameImages ? $"{image.Path}:{function.Name}" : function.Name;
        output.Buffer.WriteText($"0x{function.Offset:x}".PadLeft(OffsetWidth));
        output.Buffer.WriteText(" ");
        output.Buffer.WriteText($"{function.Size}".PadLeft(SizeWidth));
        output.Buffer.WriteText("  ");
        Escaping.WriteText(output.Buffer, name);
        output.Buffer.WriteText(function.IsIndirect ? " (indirect)\n" : "\n");
    }

    private void WriteJson(IFunctionSource image, FunctionInfo function)
    {
        var writer = _lines.Begin("function");
        writer.WriteText("image", image.Path);
        writer.WriteText("function", function.Name);
        writer.WriteNumber("offset", function.Offset);
        writer.WriteNumber("size", function.Size);
        _lines.End(output.Buffer);
    }
}
