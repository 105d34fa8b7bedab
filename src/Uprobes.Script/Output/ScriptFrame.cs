namespace Uprobes.Script.Output;

/// <summary>A frame of a symbolised stack. Every text is UTF-8 or what the image holds, and is not escaped.</summary>
/// <param name="Address">The frame's instruction address in the target.</param>
public sealed record ScriptFrame(ulong Address)
{
    /// <summary>The function, demangled as the caller wants it; null where it is not known.</summary>
    public string? Function { get; init; }

    /// <summary>Bytes from the function's start to <see cref="Address"/>.</summary>
    public ulong Offset { get; init; }

    /// <summary>The call was inlined into the frame that follows in the list.</summary>
    public bool IsInlined { get; init; }

    /// <summary>Source file as the debug information names it (<c>dir/file.c</c>); null where there is none.</summary>
    public string? SourceFile { get; init; }

    /// <summary>Line in <see cref="SourceFile"/>, from 1.</summary>
    public int SourceLine { get; init; }

    /// <summary>Path of the image that holds the address; null where it is not known.</summary>
    public string? Module { get; init; }

    /// <summary>Build id of the image in hexadecimal digits; null where it has none.</summary>
    public string? BuildId { get; init; }

    /// <summary>Offset of the address in the image's file.</summary>
    public ulong FileOffset { get; init; }
}
