using System.Buffers;

namespace Uprobes.Script.Output;

/// <summary>Stacks as text: a line end, then a line a frame.</summary>
internal static class StackText
{
    internal static void Write(IBufferWriter<byte> output, ScriptStack stack, bool isEscaped)
    {
        output.WriteByte((byte)'\n');
        foreach (ScriptFrame frame in stack.Frames)
        {
            switch (stack.Mode)
            {
                case StackMode.Raw:
                    output.WriteHex(frame.Address);
                    break;
                case StackMode.BuildId:
                    output.WriteText(frame.BuildId ?? "");
                    output.Write(" 0x"u8);
                    output.WriteHex(frame.FileOffset);
                    break;
                case StackMode.Perf:
                    WritePerf(output, frame, isEscaped);
                    break;
                default:
                    WriteSymbol(output, frame, isEscaped);
                    break;
            }

            output.WriteByte((byte)'\n');
        }

        if (!stack.UnwindFailed)
            return;
        output.Write(Indent(stack.Mode));
        output.Write("<unwind failure>\n"u8);
    }

    private static ReadOnlySpan<byte> Indent(StackMode mode) => mode switch
    {
        StackMode.Bpftrace => "        "u8,
        StackMode.Perf => "\t"u8,
        _ => default,
    };

    // "        main+23@src/main.c:7", "        [inlined] f@src/f.c:3", "        0x401000".
    private static void WriteSymbol(IBufferWriter<byte> output, ScriptFrame frame, bool isEscaped)
    {
        output.Write(Indent(StackMode.Bpftrace));
        if (frame.Function is not { } function)
        {
            WriteAddress(output, frame);
            return;
        }

        if (frame.IsInlined)
            output.Write("[inlined] "u8);
        TargetText.Write(output, function, isEscaped);
        if (!frame.IsInlined)
            WriteOffset(output, frame);
        if (frame.SourceFile is not { } file)
            return;
        output.WriteByte((byte)'@');
        TargetText.Write(output, file, isEscaped);
        output.WriteByte((byte)':');
        output.WriteDecimal((long)frame.SourceLine);
    }

    // "\t401017 main+23 (/bin/a)", "\t401017 f (inlined)", "\t401000 0x401000 ([unknown])".
    private static void WritePerf(IBufferWriter<byte> output, ScriptFrame frame, bool isEscaped)
    {
        output.Write(Indent(StackMode.Perf));
        output.WriteHex(frame.Address);
        output.WriteByte((byte)' ');
        if (frame.Function is not { } function)
        {
            WriteAddress(output, frame);
        }
        else
        {
            TargetText.Write(output, function, isEscaped);
            if (!frame.IsInlined)
                WriteOffset(output, frame);
        }

        output.Write(" ("u8);
        TargetText.Write(output, frame.IsInlined ? "inlined" : frame.Function is null ? "[unknown]" : frame.Module ?? "[unknown]", isEscaped);
        output.WriteByte((byte)')');
    }

    private static void WriteAddress(IBufferWriter<byte> output, ScriptFrame frame)
    {
        output.Write("0x"u8);
        output.WriteHex(frame.Address);
    }

    private static void WriteOffset(IBufferWriter<byte> output, ScriptFrame frame)
    {
        output.WriteByte((byte)'+');
        output.WriteDecimal(frame.Offset);
    }
}
