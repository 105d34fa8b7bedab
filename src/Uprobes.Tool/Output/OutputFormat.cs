namespace Uprobes.Tool.Output;

/// <summary>How results are written.</summary>
internal enum OutputFormat
{
    /// <summary>Lines for people.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,

    /// <summary>A trace for Perfetto's viewer.</summary>
    Perfetto,
}
