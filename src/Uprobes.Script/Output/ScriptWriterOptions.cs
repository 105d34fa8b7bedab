namespace Uprobes.Script.Output;

/// <summary>Where the output of a script goes, and how.</summary>
/// <param name="Output">Standard output or the file of -o. Lent: it is flushed, not closed.</param>
/// <param name="Errors">Standard error: the number of probes, lost events and messages of the text format. Lent too; may be the same stream.</param>
public sealed record ScriptWriterOptions(Stream Output, Stream Errors)
{
    /// <summary>When output is written.</summary>
    public OutputBuffering Buffering { get; init; }

    /// <summary><see cref="Output"/> is a terminal: control characters in strings of the target are escaped.</summary>
    public bool EscapesOutput { get; init; }

    /// <summary><see cref="Errors"/> is a terminal.</summary>
    public bool EscapesErrors { get; init; }

    /// <summary>The zone that times are told in; the machine's own by default.</summary>
    public TimeZoneInfo TimeZone { get; init; } = TimeZoneInfo.Local;
}
