namespace Uprobes.Tool.CommandLine;

/// <summary>What a user wrote to name probe points: functions of an image, or one instruction.</summary>
/// <param name="Text">The specification as it was written.</param>
/// <param name="Image">The file or library.</param>
internal abstract record ProbeSpec(string Text, string Image);

/// <summary>Functions by name, or by a pattern with <c>* ? [...]</c>.</summary>
internal sealed record FunctionSpec(string Text, string Image, string Pattern) : ProbeSpec(Text, Image)
{
    /// <summary>Whether the name could be a pattern. A C++ signature holds such characters too, so a function of that very name goes first.</summary>
    public bool MayBePattern => Pattern.AsSpan().ContainsAny('*', '?', '[');
}

/// <summary>The instruction some bytes after a function's first.</summary>
internal sealed record FunctionOffsetSpec(string Text, string Image, string Function, ulong Bytes) : ProbeSpec(Text, Image);

/// <summary>The instructions at which a line of source begins.</summary>
internal sealed record SourceLineSpec(string Text, string Image, string File, int Line) : ProbeSpec(Text, Image);

/// <summary>Static probes (USDT) by name, or by a pattern.</summary>
/// <param name="Text">As it was written.</param>
/// <param name="Image">The file or library.</param>
/// <param name="Provider">Who defines them; null for anybody.</param>
/// <param name="Name">Their name.</param>
internal sealed record StaticSpec(string Text, string Image, string? Provider, string Name) : ProbeSpec(Text, Image);

/// <summary>The instruction at a file offset.</summary>
internal sealed record FileOffsetSpec(string Text, string Image, ulong Offset) : ProbeSpec(Text, Image);
