using System.Buffers;
using System.Globalization;
using Uprobes.Stacks;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Stacks;

namespace Uprobes.Tool.Output;

/// <summary>Stacks for people: of each its share and how many calls it is, then the calls that lead to it, innermost first.</summary>
internal sealed class StackListing(ArrayBufferWriter<byte> output, TextStyle style)
{
    /// <summary>Writes them.</summary>
    /// <param name="results">What was found.</param>
    /// <param name="top">How many stacks are shown.</param>
    public void Write(StackResults results, int top)
    {
        if (results.Stacks.Count == 0)
        {
            Line(results.Calls == 0 ? "no calls" : $"{Amount.Of(results.Calls, "call")}, none of whose stacks was seen");
            return;
        }

        var seen = results.Stacks.Sum(s => s.Count);
        var stacks = Amount.Of(results.Stacks.Count, "stack");
        var about = results.OneOf == 1 ? "" : "about ";
        Line($"{Amount.Of(results.Calls, "call")}{(seen == results.Calls ? $" in {stacks}" : $", {seen} of them seen in {stacks}")}{(results.Value is { } value ? $", {Escaping.Text(value)} {about}{results.Total * results.OneOf} in sum" : "")}");
        var severalProbes = results.Stacks.Select(s => s.Probe).Distinct().Skip(1).Any();
        foreach (var stack in results.Stacks.Take(top))
            WriteStack(results, stack, severalProbes);
        if (results.Stacks.Count <= top)
            return;
        var rest = results.Stacks.Skip(top).ToList();
        Line($"\n{Percent(rest.Sum(results.Share))}  {Amount.Of(rest.Count, "more stack")} (-n {results.Stacks.Count} shows all)");
    }

    /// <summary>Writes all of them, one object a stack.</summary>
    public static void WriteJson(ArrayBufferWriter<byte> output, StackResults results)
    {
        using var lines = new JsonLines();
        foreach (var stack in results.Stacks)
        {
            var writer = lines.Begin("stack");
            var probe = results.Probes[stack.Probe];
            writer.WriteText("image", probe.ImagePath);
            writer.WriteText("function", probe.Function);
            writer.WriteNumber("count", stack.Count);
            if (results.Value is { } value)
            {
                writer.WriteText("value", value);
                writer.WritePropertyName("sum");
                writer.WriteRawValue(stack.Sum.ToString(CultureInfo.InvariantCulture), skipInputValidation: true);
            }
            writer.WriteNumber("share", Math.Round(results.Share(stack), 6));
            if (results.OneOf != 1)
                writer.WriteNumber("oneOf", results.OneOf);
            writer.WriteBoolean("cut", stack.IsCut);
            writer.WriteStartArray("frames");
            foreach (var frame in stack.Frames)
                WriteFrame(writer, frame);
            writer.WriteEndArray();
            lines.End(output);
        }
    }

    /// <summary>What a call is named by: its function, or where in its file it is.</summary>
    public static string NameOf(in StackFrame frame)
    {
        if (frame.Function is { } function)
            return frame.IsInlined ? $"{function} (inlined)" : frame.Offset == 0 ? function : string.Create(CultureInfo.InvariantCulture, $"{function}+0x{frame.Offset:x}");
        return frame.Module is { } module
            ? string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(module)}+0x{frame.ModuleOffset:x}")
            : string.Create(CultureInfo.InvariantCulture, $"0x{frame.Address:x}");
    }

    private static void WriteFrame(System.Text.Json.Utf8JsonWriter writer, in StackFrame frame)
    {
        writer.WriteStartObject();
        if (frame.Function is { } function)
        {
            writer.WriteText("function", function);
            if (frame.IsInlined)
                writer.WriteBoolean("inlined", true);
            else
                writer.WriteNumber("offset", frame.Offset);
        }
        if (frame.Module is { } module)
        {
            writer.WriteText("image", module);
            writer.WriteNumber("imageOffset", frame.ModuleOffset);
        }
        if (frame.Module is null && frame.Function is null)
            writer.WriteNumber("address", frame.Address);
        if (frame.Source is { } source)
        {
            writer.WriteText("file", source.File);
            writer.WriteNumber("line", source.Line);
        }
        writer.WriteEndObject();
    }

    private void WriteStack(StackResults results, HotStack stack, bool severalProbes)
    {
        var calls = results.OneOf == 1 ? Amount.Of(stack.Count, "call") : $"about {Amount.Of(stack.Count * results.OneOf, "call")}";
        var sum = results.Value is { } value ? $"  {Escaping.Text(value)} {(results.OneOf == 1 ? "" : "about ")}{stack.Sum * results.OneOf}," : " ";
        var of = severalProbes ? $" of {Escaping.Text(results.Probes[stack.Probe].Function)}" : "";
        Line($"\n{style.Function}{Percent(results.Share(stack))}{sum} {calls}{of}{style.Reset}");
        foreach (var frame in stack.Frames)
        {
            var image = frame.Module is { } module && frame.Function is not null ? $"  {style.Time}{Escaping.Text(Path.GetFileName(module))}{style.Reset}" : "";
            var place = frame.Source is { } source ? $"  {style.Time}{Escaping.Text(source.ToString())}{style.Reset}" : "";
            Line($"          {Escaping.Text(NameOf(frame))}{image}{place}");
        }
        if (stack.IsCut)
            Line("          ...");
    }

    private static string Percent(double share) => (100 * share).ToString("0.0", CultureInfo.InvariantCulture).PadLeft(6) + "%";

    private void Line(string text)
    {
        output.WriteText(text);
        output.WriteText("\n");
    }
}
