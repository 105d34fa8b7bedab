using System.Buffers;

namespace Uprobes.Script.Output;

/// <summary>Where in a script something happened, as messages tell it.</summary>
/// <param name="FileName">The script's file, or <c>stdin</c> for one given with -e.</param>
/// <param name="Line">First line, from 1.</param>
/// <param name="Column">First column, from 1.</param>
public sealed record ScriptLocation(string FileName, int Line, int Column)
{
    /// <summary>Last line.</summary>
    public int EndLine { get; init; } = Line;

    /// <summary>First column behind it.</summary>
    public int EndColumn { get; init; } = Column + 1;

    /// <summary>The text of <see cref="Line"/>, which is shown with the place marked; null to show none.</summary>
    public string? SourceLine { get; init; }

    /// <summary>The macro call that this place was expanded from; null outside macros.</summary>
    public ScriptLocation? ExpandedFrom { get; init; }

    /// <summary>Writes <c>stdin:1:9-12: </c>, or <c>stdin:1-3: </c> for more than one line.</summary>
    internal void WriteTo(IBufferWriter<byte> output)
    {
        output.WriteText(FileName);
        output.WriteByte((byte)':');
        output.WriteDecimal((long)Line);
        output.WriteByte(EndLine > Line ? (byte)'-' : (byte)':');
        if (EndLine > Line)
        {
            output.WriteDecimal((long)EndLine);
        }
        else
        {
            output.WriteDecimal((long)Column);
            output.WriteByte((byte)'-');
            output.WriteDecimal((long)EndColumn);
        }

        output.Write(": "u8);
    }

    /// <summary>Writes the line and under it a mark as long as the place; nothing for more than one line. A tab is four blanks.</summary>
    internal void WriteSourceTo(IBufferWriter<byte> output)
    {
        if (SourceLine is not { Length: > 0 } line || EndLine > Line)
            return;
        output.WriteText(line.Replace("\t", "    ", StringComparison.Ordinal));
        output.WriteByte((byte)'\n');
        for (int i = 0; i < line.Length && i < EndColumn - 1; i++)
            output.WriteRepeated(i < Column - 1 ? (byte)' ' : (byte)'~', line[i] == '\t' ? 4 : 1);
        output.WriteByte((byte)'\n');
    }
}
