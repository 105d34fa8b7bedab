namespace Uprobes.Script.Output;

/// <summary>When output leaves the process: <c>-B</c>.</summary>
public enum OutputBuffering : byte
{
    /// <summary>At the end of each line.</summary>
    Line,

    /// <summary>After everything that was written.</summary>
    None,

    /// <summary>When 64 KiB have come together, and at the end.</summary>
    Full,
}
