namespace Uprobes.Script.Output;

/// <summary>How a stack prints: the modes of <c>ustack(mode, n)</c>.</summary>
public enum StackMode : byte
{
    /// <summary>A line a frame: eight spaces, symbol, <c>+</c> and the decimal offset, with the source line where it is known.</summary>
    Bpftrace,

    /// <summary>As <c>perf script</c>: a tab, the hexadecimal address, symbol and offset, and the image in parentheses.</summary>
    Perf,

    /// <summary>The hexadecimal address of each frame.</summary>
    Raw,

    /// <summary>The build id of each frame's image and the offset in its file.</summary>
    BuildId,
}
